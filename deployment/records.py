"""The records of a data set: in which order, for whom, and from where."""

import copy
import hashlib
import os

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

import slim_errors
from datasets import dataset_utils

FOREVER = np.iinfo(np.int64).max

_SHUFFLED_RECORDS = 5000
_MOST_READERS = 16
_COPIED_BYTES = 2**22


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
    names = dataset_utils.list_files(dataset)
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


def on_disk(dataset, folder: str):
  """Copies a data set's files to a folder of this machine, if need be.

  For data sets on slow or remote file systems. Files that were copied before
  are used as they are, and a file appears under its name when it is whole.

  Args:
    dataset: the slim Dataset.
    folder: where the copies go, in a folder of their own for each data set.

  Returns:
    The Dataset that reads the copies.

  Raises:
    UserError: if the copies cannot be written.
  """
  names = dataset_utils.list_files(dataset)
  sizes = [tf.io.gfile.stat(name).length for name in names]
  identity = repr(
    [(name, size) for name, size in zip(names, sizes, strict=True)]
  )
  key = hashlib.sha256(identity.encode()).hexdigest()[:16]
  folder = os.path.join(folder, f'{dataset.name}-{key}')
  try:
    os.makedirs(folder, exist_ok=True)
    copies = [
      _copied(name, size, folder)
      for name, size in zip(names, sizes, strict=True)
    ]
  except OSError as error:
    raise slim_errors.UserError(
      f'--cache_dir: the data set cannot be copied to {folder}: '
      f'{error.strerror}. It takes {sum(sizes) / 1e9:.1f} GB.'
    ) from error
  logging.info('Reading the copies in %s (%.1f GB).', folder, sum(sizes) / 1e9)
  result = copy.copy(dataset)
  result.data_sources = copies
  return result


def _copied(name, size, folder):
  """Returns the path of a file's copy in the folder."""
  path = os.path.join(folder, os.path.basename(name))
  if os.path.exists(path) and os.path.getsize(path) == size:
    return path
  unfinished = f'{path}.{os.getpid()}.tmp'
  try:
    with tf.io.gfile.GFile(name, 'rb') as source, open(unfinished, 'wb') as out:
      while chunk := source.read(_COPIED_BYTES):
        out.write(chunk)
    os.replace(unfinished, path)
  finally:
    if os.path.exists(unfinished):
      os.remove(unfinished)
  return path
