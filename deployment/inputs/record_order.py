"""The order of a data set's records: by file, shuffled, shared by workers."""

from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from deployment.inputs import shard_files

ENDLESS = np.iinfo(np.int64).max

_SHUFFLED_RECORDS = 5000
_MOST_READERS = 16


class Shards:
  """The files of a data set, or the share of their records, of one worker.

  Args:
    dataset: the tf-slim Dataset.
    worker: (number, count); workers read different records.
    readers: how many files are read in parallel; 0 stands for all, up to 16.
  """

  def __init__(
    self, dataset: Any, worker: tuple[int, int] = (0, 1), readers: int = 0
  ) -> None:
    self._worker = worker
    names = shard_files.checked_files(dataset)
    number, count = worker
    self._by_file = len(names) >= count
    self._names = np.array(names[number::count] if self._by_file else names)
    self._readers = min(readers or _MOST_READERS, len(self._names))
    self._per_epoch = max(1, dataset.num_samples // count)

  def once(self, seed: int | None = None) -> tf.data.Dataset:
    """Return the records once, string scalars.

    Args:
      seed: shuffles the files; None keeps their order.
    """
    names = tf.data.Dataset.from_tensor_slices(self._names)
    # Workers that share files must agree on the order.
    if seed is not None and self._by_file:
      names = names.shuffle(len(self._names), seed=seed)
    records = names.interleave(
      tf.data.TFRecordDataset,
      cycle_length=self._readers,
      num_parallel_calls=self._readers,
      deterministic=True,
    )
    if not self._by_file:
      number, count = self._worker
      records = records.shard(count, number)
    return records

  def shuffled(
    self, *, seed: int, start: int | tf.Tensor = 0
  ) -> tf.data.Dataset:
    """Return the records endlessly, string scalars, each epoch in a new order.

    The files are shuffled, and 5000 records at a time.

    Args:
      seed: an int that decides the order.
      start: how many records to skip; an int or an int64 scalar, which is read
        when the iterator is initialized.
    """
    epochs = tf.data.Dataset.range(start // self._per_epoch, ENDLESS)
    records = epochs.flat_map(
      lambda epoch: self.once(seed + epoch).shuffle(
        _SHUFFLED_RECORDS, seed=seed + epoch
      )
    )
    return records.skip(start % self._per_epoch)


def in_order(dataset: Any, readers: int = 0) -> tf.data.Dataset:
  """Return the records once, in the order of the files, string scalars.

  Args:
    dataset: the tf-slim Dataset.
    readers: how many files are read in parallel.
  """
  del readers
  return tf.data.TFRecordDataset(shard_files.checked_files(dataset))


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
