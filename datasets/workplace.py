"""The folder that a conversion works in: writable, its own, not full."""

import contextlib
import errno
import os

import slim_errors

WORK_FOLDER = '.conversion'
_NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


def make_folder(work: str):
  """Makes the folder of a conversion, or says why that is not possible."""
  if '://' in work:
    raise slim_errors.UserError(
      f'--dataset_dir={os.path.dirname(work)} is no folder of this machine: '
      'convert to one, and copy it where you like.'
    )
  try:
    try_to_write(work)
  except OSError as error:
    raise slim_errors.UserError(
      f'Cannot write to --dataset_dir={os.path.dirname(work)}: '
      f'{error.strerror}.'
    ) from error


def try_to_write(folder: str):
  """Makes a folder and a file in it; raises OSError where that fails."""
  os.makedirs(folder, exist_ok=True)
  probe = os.path.join(folder, f'.probe-{os.getpid()}')
  with open(probe, 'wb'):
    pass
  os.remove(probe)


@contextlib.contextmanager
def lock(folder: str):
  """Keeps a second conversion out; ends with its process, however it ends."""
  try:
    import fcntl
  except ImportError:  # Windows has no such locks on folders
    yield
    return
  descriptor = os.open(folder, os.O_RDONLY)
  try:
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
  except BlockingIOError as error:
    os.close(descriptor)
    raise slim_errors.UserError(
      f'Another conversion is at work in {folder}: wait until it is done, or '
      'choose another --dataset_dir.'
    ) from error
  except OSError:  # some network file systems have no locks
    pass
  try:
    yield
  finally:
    os.close(descriptor)


@contextlib.contextmanager
def full_disk_named(folder: str):
  """Turns the error of a full disk into a sentence that says what to do."""
  try:
    yield
  except OSError as error:
    if error.errno not in _NO_SPACE:
      raise
    raise slim_errors.UserError(
      f'No space left for {folder}. What was finished waits in '
      f'{os.path.join(folder, WORK_FOLDER)}: make room and run the same '
      'command again to go on, or delete that folder.'
    ) from error
