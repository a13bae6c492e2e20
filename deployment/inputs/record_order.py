"""The order of a data set's records: by file, shuffled, shared by workers."""

from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from deployment.inputs import record_counts, shard_files

ENDLESS = np.iinfo(np.int64).max

_SHUFFLED_RECORDS = 5000
_GROUP_RECORDS = 4 * _SHUFFLED_RECORDS
_MOST_READERS = 16
# How far evaluation reads ahead in each of three files.
_AHEAD_RECORDS = 256
# Makes the seeds of an epoch's groups differ from those of other epochs.
_SEED_STEP = 1_000_003


class Shards:
  """The files of a data set, or the share of their records, of one worker.

  An epoch goes through the files in a new order, group by group. A group is as
  many files as are read at once, or more if they are small: at least 20,000
  records. Its files are interleaved, and its records shuffled, 5000 at a time.
  So that a run can resume within an epoch without reading what came before,
  groups do not mix: whole groups are skipped.

  Args:
    dataset: the tf-slim Dataset.
    worker: (number, count); workers read different records.
    readers: how many files are read in parallel; 0 stands for all, up to 16.
    count: whether to count the records of the files if their numbers are not
      known, which is worth it for a run that resumes.
  """

  def __init__(
    self,
    dataset: Any,
    worker: tuple[int, int] = (0, 1),
    readers: int = 0,
    count: bool = False,
  ) -> None:
    self._worker = number, workers = worker
    names = shard_files.checked_files(dataset)
    average = max(1, dataset.num_samples // len(names))
    self._by_file = len(names) >= workers
    self._names = names[number::workers] if self._by_file else names
    self._readers = min(readers or _MOST_READERS, len(self._names))
    # Workers that share files go through all of them in one group.
    self._group = len(self._names)
    if self._by_file:
      enough = -(-_GROUP_RECORDS // average)
      self._group = min(self._group, max(self._readers, enough))
    self._per_epoch = max(1, dataset.num_samples // workers)
    self._counts = record_counts.of_files(dataset, self._names, count=count)
    if self._counts and sum(self._counts):
      total = sum(self._counts)
      # Record i is for worker i modulo the number of workers.
      share = total if self._by_file else -(-(total - number) // workers)
      self._per_epoch = max(1, share)
    else:
      self._counts = None

  def once(self) -> tf.data.Dataset:
    """Return the records once, in a fixed order, string scalars."""
    return self._interleaved(tf.constant(self._names))

  def shuffled(
    self, *, seed: int, start: int | tf.Tensor = 0
  ) -> tf.data.Dataset:
    """Return the records endlessly, string scalars, each epoch in a new order.

    Args:
      seed: an int that decides the order.
      start: how many records to skip; an int or an int64 scalar, which is read
        when the iterator is initialized. Whole epochs are skipped at no cost,
        and whole groups of files if the numbers of their records are known.
    """
    start = tf.convert_to_tensor(start, tf.int64)
    first, skipped = start // self._per_epoch, start % self._per_epoch

    def epoch(number):
      skip = None
      if self._counts:
        skip = tf.where_v2(tf.equal(number, first), skipped, 0)
      files = tf.data.Dataset.range(len(self._names))
      # Workers that share files must agree on the order.
      if self._by_file:
        files = files.shuffle(len(self._names), seed=seed + number)
      return files.batch(len(self._names)).flat_map(
        lambda order: self._groups(order, seed + number, skip)
      )

    records = tf.data.Dataset.range(first, ENDLESS).flat_map(epoch)
    return records if self._counts else records.skip(skipped)

  def _groups(self, order, seed, skip):
    """Return one epoch's records.

    Args:
      order: numbers of the files in the order of this epoch, int64 [files].
      seed: of this epoch, an int64 scalar.
      skip: how many records to leave out, an int64 scalar, or None.
    """
    number_of_groups = -(-len(self._names) // self._group)
    first = tf.constant(0, tf.int64)
    if self._counts and number_of_groups > 1:
      padding = number_of_groups * self._group - len(self._names)
      counts = tf.constant(self._counts, tf.int64)
      counts = tf.pad(tf.gather(counts, order), [[0, padding]])
      ends = tf.cumsum(tf.reduce_sum(tf.reshape(counts, [-1, self._group]), 1))
      passed = ends <= skip
      first = tf.reduce_sum(tf.cast(passed, tf.int64))
      skip -= tf.reduce_max(tf.where(passed, ends, tf.zeros_like(ends)))

    def group(number):
      files = order[number * self._group : (number + 1) * self._group]
      return self._interleaved(tf.gather(self._names, files)).shuffle(
        _SHUFFLED_RECORDS, seed=seed + number * _SEED_STEP
      )

    groups = tf.data.Dataset.range(first, number_of_groups)
    records = groups.flat_map(group)
    return records if skip is None else records.skip(skip)

  def _interleaved(self, names):
    """Return the records of some files, one of each in turn."""
    records = tf.data.Dataset.from_tensor_slices(names).interleave(
      tf.data.TFRecordDataset,
      cycle_length=self._readers,
      num_parallel_calls=self._readers,
      deterministic=True,
    )
    if not self._by_file:
      number, workers = self._worker
      records = records.shard(workers, number)
    return records


def in_order(dataset: Any) -> tf.data.Dataset:
  """Return the records once, in the order of the files, string scalars.

  The next two files are read ahead while one is being read.

  Args:
    dataset: the tf-slim Dataset.
  """
  names = tf.data.Dataset.from_tensor_slices(shard_files.checked_files(dataset))
  return names.interleave(
    tf.data.TFRecordDataset,
    cycle_length=1,
    block_length=_AHEAD_RECORDS,
    num_parallel_calls=1,
    deterministic=True,
  )


def shuffled_numbers(
  count: tf.Tensor, *, seed: int, start: int | tf.Tensor = 0
) -> tf.data.Dataset:
  """Return the numbers below `count` endlessly, each epoch in a new order.

  Every order is equally likely.

  Args:
    count: an int64 scalar.
    seed: an int that decides the order.
    start: how many numbers to skip, an int or an int64 scalar.

  Returns:
    A Dataset of int64 scalars.
  """

  def one_epoch(epoch):
    draws = tf.random.stateless_uniform([count], tf.stack([seed, epoch]))
    return tf.data.Dataset.from_tensor_slices(
      tf.cast(tf.argsort(draws, stable=True), tf.int64)
    )

  epochs = tf.data.Dataset.range(start // count, ENDLESS)
  return epochs.flat_map(one_epoch).skip(start % count)
