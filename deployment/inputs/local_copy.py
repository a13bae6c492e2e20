"""Copy a data set from a slow or remote file system to the local disk."""

import concurrent.futures
import copy
import os
from typing import Any

from absl import logging

from deployment.inputs import record_counts, shard_files
from slim_support import errors, files

_COPIED_AT_ONCE = 4


def on_disk(dataset: Any, folder: str) -> Any:
  """Return the data set with its files replaced by copies on the local disk.

  A file that was copied before is used again if it still has the same size, the
  same time of its last change, and the same start and end. The copies are in a
  folder that only this user can read and write, and a copy appears under its
  name when it is complete.

  Args:
    dataset: the tf-slim Dataset.
    folder: a local folder; the copies go into a folder in it.

  Returns:
    The Dataset that reads the copies.

  Raises:
    UserError: if a file cannot be read or a copy cannot be written.
  """
  if files.is_remote(folder):
    raise errors.UserError(
      f'--cache_dir={folder}: copies go to a disk of this machine. Use a '
      'local folder.'
    )
  names = shard_files.checked_files(dataset)
  try:
    private = files.private_folder(folder, 'slim-cache')
    total = sum(map(files.size, names))
    with concurrent.futures.ThreadPoolExecutor(_COPIED_AT_ONCE) as pool:
      copies = [*pool.map(lambda name: _copied(name, private), names)]
  except OSError as error:
    raise errors.UserError(
      f'--cache_dir: the data set cannot be copied to {folder}: '
      f'{error.strerror or error}{_place(error)}.'
    ) from error
  logging.info('Reading the copies in %s (%.1f GB).', private, total / 1e9)
  result = copy.copy(dataset)
  result.data_sources = copies
  counts = record_counts.of_files(dataset, names, count=False)
  if counts:
    result.record_counts = dict(zip(copies, counts, strict=True))
  return result


def _place(error):
  return f' ({error.filename})' if error.filename else ''


def _copied(name, folder):
  """Return the path of the copy of a file, which is made if need be."""
  base = os.path.basename(name)
  path = os.path.join(folder, f'{base}.{files.fingerprint(name)[:24]}')
  if not files.is_file(path) or files.size(path) != files.size(name):
    # Other processes of this machine may be copying the same file.
    temporary = f'{path}.{os.getpid()}'
    files.copy(name, temporary)
    files.move(temporary, path)
  return path
