"""Locks that keep a second process out of a folder."""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator

from absl import logging

from slim_support import errors, files


@contextlib.contextmanager
def exclusive_lock(path: str, in_use: Callable[[str], str]) -> Iterator[None]:
  """Hold a lock while the context lasts.

  The operating system ends the lock with its process, however that ends. A
  file system without locks is used without one, after a warning.

  Args:
    path: the lock file; it names its owner.
    in_use: returns the sentence for a lock that another process holds, given
      that process and its machine.

  Raises:
    UserError: if another process holds the lock.
  """
  if files.is_remote(path):
    logging.warning(
      '%s: this file system has no locks. Make sure that no second process '
      'uses the folder.',
      path,
    )
    yield
    return
  file = _locked_file(path, in_use)
  try:
    file.truncate(0)
    file.write(f'process {os.getpid()} on {socket.gethostname()}')
    file.flush()
    yield
  finally:
    if os.name != 'nt':  # Windows does not remove open files.
      with contextlib.suppress(OSError):
        os.remove(path)
    file.close()


def _locked_file(path, in_use):
  """Return the open, locked file."""
  while True:
    file = open(path, 'a+', encoding='utf-8')  # noqa: SIM115
    try:
      _lock_descriptor(file.fileno())
    except BlockingIOError:
      file.seek(0)
      owner = file.read().strip() or 'another process'
      file.close()
      raise errors.UserError(in_use(owner)) from None
    except OSError as error:
      logging.warning(
        '%s: this file system has no locks (%s); make sure that no second '
        'process uses the folder.',
        path,
        error.strerror,
      )
      return file
    # The last owner may have removed the file between opening and locking.
    with contextlib.suppress(OSError):
      if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
        return file
    file.close()


def _lock_descriptor(descriptor: int):
  """Lock an open file without waiting.

  Raises:
    BlockingIOError: if another process holds the lock.
    OSError: if the file system has no locks.
  """
  try:
    import fcntl
  except ImportError:
    import msvcrt

    try:
      os.lseek(descriptor, 0, os.SEEK_SET)
      msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except OSError as error:
      raise BlockingIOError(error.errno, error.strerror) from error
    return
  fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
