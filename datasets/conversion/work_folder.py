"""The work folder of a conversion: create it, lock it, report its errors."""

import contextlib
from collections.abc import Iterator

from datasets import converted
from slim_support import errors, files, locks, targets

WORK_FOLDER = '.conversion'
_LOCK_FILE = '.conversion-lock'


@contextlib.contextmanager
def locked(dataset_dir: str) -> Iterator[str]:
  """Give the path of the work folder, which no other process uses meanwhile.

  Args:
    dataset_dir: the folder of the data set, which holds the work folder.

  Yields:
    The path of the work folder.

  Raises:
    UserError: if the folder cannot be written to, if another conversion uses
      it, if the disk is full, or if any file in it cannot be read or written.
  """
  if files.is_remote(dataset_dir):
    raise errors.UserError(
      f'--dataset_dir={dataset_dir} is not a local folder. Convert to a local '
      'folder, then copy it.'
    )
  converted.check_folder_name(dataset_dir)
  work = files.join(dataset_dir, WORK_FOLDER)
  targets.make_folder('dataset_dir', dataset_dir)
  full_disk = files.report_full_disk(
    dataset_dir,
    f'Finished shards are kept in {work}. Free some space and run the same '
    'command again to continue, or delete that folder.',
  )
  lock = locks.exclusive_lock(
    files.join(dataset_dir, _LOCK_FILE),
    lambda owner: (
      f'Another conversion ({owner}) is running in {dataset_dir}. Wait until '
      'it has finished, or use another --dataset_dir.'
    ),
  )
  with _report_errors(dataset_dir), full_disk, lock:
    files.make_folders(work)
    try:
      yield work
    finally:
      with contextlib.suppress(OSError):  # An empty folder is not left behind.
        files.remove_empty_folder(work)


@contextlib.contextmanager
def _report_errors(dataset_dir: str) -> Iterator[None]:
  """Turn any other error of the file system into a sentence."""
  try:
    yield
  except OSError as error:
    place = f' ({error.filename})' if error.filename else ''
    raise errors.UserError(
      f'The conversion in {dataset_dir} stopped at an error of the file '
      f'system: {error.strerror or error}{place}. Fix it and run the same '
      'command again.'
    ) from error
