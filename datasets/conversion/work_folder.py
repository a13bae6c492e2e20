"""The working folder of a conversion: made, locked, watched for a full disk."""

import contextlib
from collections.abc import Iterator

from slim_support import errors, files

WORK_FOLDER = '.conversion'
_LOCK_FILE = '.conversion-lock'


@contextlib.contextmanager
def opened(dataset_dir: str) -> Iterator[str]:
  """Give the working folder of a conversion, for this process alone.

  Args:
    dataset_dir: the folder of the data set; the working folder lies in it.

  Raises:
    UserError: if it cannot be written to, if another conversion uses it, or if
      the disk is full.
  """
  if files.is_remote(dataset_dir):
    raise errors.UserError(
      f'--dataset_dir={dataset_dir} is not a folder of this machine. Convert '
      'to a local folder, then copy it.'
    )
  work = files.join(dataset_dir, WORK_FOLDER)
  files.make_folder('dataset_dir', dataset_dir)
  lock = files.exclusive_lock(
    files.join(dataset_dir, _LOCK_FILE),
    lambda owner: (
      f'Another conversion ({owner}) is at work in {dataset_dir}. Wait until '
      'it is done, or choose another --dataset_dir.'
    ),
  )
  full_disk = files.report_full_disk(
    dataset_dir,
    f'Finished shards are kept in {work}. Make room and run the same command '
    'again to continue, or delete that folder.',
  )
  with lock, full_disk:
    files.make_folders(work)
    try:
      yield work
    finally:
      with contextlib.suppress(OSError):  # An empty folder is not left behind.
        files.remove_empty_folder(work)
