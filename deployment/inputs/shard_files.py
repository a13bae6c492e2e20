"""The files of a data set, checked before anything reads them."""

from typing import Any

import tensorflow.compat.v1 as tf

from datasets import reading
from slim_support import errors, files


def checked_files(dataset: Any) -> list[str]:
  """Return the files of a data set, sorted, after a check of each.

  TensorFlow would wait forever for the end of a pipe or a device.

  Args:
    dataset: the tf-slim Dataset.

  Raises:
    UserError: if there are none, if one is not a regular file, or if all of
      them are empty.
  """
  names = reading.list_files(dataset)
  if not names:
    sources = ', '.join(map(str, reading.as_list(dataset.data_sources)))
    raise errors.UserError(f'There are no files {sources}.')
  for name in names:
    try:
      files.check_regular(name)
    except OSError as error:
      raise errors.UserError(
        f'{name} cannot be read: {error.strerror or error}.'
      ) from error
  # One file with anything in it is enough: asking takes long where it is far.
  if not any(map(_length, names)):
    raise errors.UserError(
      f'{", ".join(names)}: there is nothing in it. Convert the data set again.'
    )
  return names


def _length(name):
  """Return the length of a file in bytes."""
  try:
    return tf.io.gfile.stat(name).length
  except tf.errors.OpError as error:
    raise errors.UserError(
      f'{name} cannot be read: {errors.as_os_error(error).strerror}.'
    ) from error
