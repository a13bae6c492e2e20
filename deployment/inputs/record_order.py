"""The records of a data set: in which order, for whom, and from where."""

import numpy as np
import tensorflow.compat.v1 as tf

from datasets import reading

FOREVER = np.iinfo(np.int64).max

_SHUFFLED_RECORDS = 5000
_MOST_READERS = 16


def shuffled(dataset, *, seed: int, start=0, worker=(0, 1), readers=0):
  """Returns the records of a data set, endlessly, each epoch in a new order.

  5000 records at a time are shuffled, and the order of the files.

  Args:
    dataset: the slim Dataset.
    seed: the order follows from it.
    start: how many records to leave out at the beginning; an int or an int64
      scalar, which is read when the iterator is initialised.
    worker: (number, count); workers read different records.
    readers: files read at once; 0 reads as many as there are, up to 16.

  Returns:
    A tf.data Dataset of string scalars.
  """
  files = _Files(dataset, worker, readers)
  per_epoch = max(1, dataset.num_samples // worker[1])
  records = tf.data.Dataset.range(start // per_epoch, FOREVER).flat_map(
    lambda number: files.records(seed + number).shuffle(
      _SHUFFLED_RECORDS, seed=seed + number
    )
  )
  return records.skip(start % per_epoch)


def once(dataset, *, worker=(0, 1), readers=0):
  """Returns the records of a data set once, always in the same order.

  See `shuffled` for the arguments and the result.
  """
  return _Files(dataset, worker, readers).records()


def order(count, *, seed: int, start=0):
  """Returns the numbers below `count`, endlessly, each epoch in a new order.

  Every order is equally likely.

  Args:
    count: an int64 scalar.
    seed: the order follows from it.
    start: how many numbers to leave out at the beginning, an int or an int64
      scalar.

  Returns:
    A tf.data Dataset of int64 scalars.
  """

  def shuffled_numbers(epoch):
    draws = tf.random.stateless_uniform([count], tf.stack([seed, epoch]))
    return tf.data.Dataset.from_tensor_slices(
      tf.cast(tf.argsort(draws, stable=True), tf.int64)
    )

  epochs = tf.data.Dataset.range(start // count, FOREVER)
  return epochs.flat_map(shuffled_numbers).skip(start % count)


class _Files:
  """The part of a data set's files, or of their records, that a worker reads.

  Args:
    dataset: the slim Dataset.
    worker: (number, count).
    readers: files read at once.
  """

  def __init__(self, dataset, worker, readers):
    self._worker = worker
    names = reading.list_files(dataset)
    number, count = worker
    self._whole = len(names) >= count
    self._names = np.array(names[number::count] if self._whole else names)
    self._readers = min(readers or _MOST_READERS, len(self._names))

  def records(self, seed=None):
    """Returns the records once, the files in an order that follows the seed."""
    names = tf.data.Dataset.from_tensor_slices(self._names)
    # Workers that share files must agree on the order.
    if seed is not None and self._whole:
      names = names.shuffle(len(self._names), seed=seed)
    records = names.interleave(
      tf.data.TFRecordDataset,
      cycle_length=self._readers,
      num_parallel_calls=self._readers,
      deterministic=True,
    )
    if not self._whole:
      number, count = self._worker
      records = records.shard(count, number)
    return records
