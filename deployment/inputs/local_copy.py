"""Copy a data set from a slow or remote file system to the local disk."""

import copy
import hashlib
import os

import tensorflow.compat.v1 as tf
from absl import logging

from datasets import reading
from slim_support import errors, files


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
  names = reading.list_files(dataset)
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
    raise errors.UserError(
      f'--cache_dir: the data set cannot be copied to {folder}: '
      f'{error.strerror}. It takes {sum(sizes) / 1e9:.1f} GB.'
    ) from error
  logging.info('Reading the copies in %s (%.1f GB).', folder, sum(sizes) / 1e9)
  result = copy.copy(dataset)
  result.data_sources = copies
  return result


def _copied(name, size, folder):
  """Return the path of a file's copy in the folder."""
  path = os.path.join(folder, os.path.basename(name))
  if not files.is_file(path) or files.size(path) != size:
    files.copy(name, path)
  return path
