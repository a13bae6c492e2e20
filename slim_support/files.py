"""Files and folders, local or on any file system that TensorFlow can open.

The one place that opens, writes, replaces and locks files whose paths a user
named. A path with '://' goes through `tf.io.gfile`, which imports TensorFlow;
local paths need nothing but the standard library. All functions raise OSError
where a file system refuses, unless they say otherwise.
"""

import contextlib
import errno
import filecmp
import glob as local_glob
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from slim_support import errors

_BLOCK_BYTES = 2**20


def is_remote(path: str) -> bool:
  """Return whether a path names a file system other than the local one."""
  return '://' in path


@contextlib.contextmanager
def _gfile():
  """Give `tf.io.gfile`; TensorFlow's errors become OSErrors."""
  import tensorflow.compat.v1 as tf

  try:
    yield tf.io.gfile
  except tf.errors.UnimplementedError as error:
    raise errors.UserError(
      f'TensorFlow cannot open such paths: {errors.error_summary(error)}.'
    ) from error
  except tf.errors.OpError as error:
    raise errors.as_os_error(error) from error


def join(folder: str, *names: str) -> str:
  """Return the path of a file in a folder, local or remote."""
  if is_remote(folder):
    return '/'.join([folder.rstrip('/'), *names])
  return os.path.join(folder, *names)


def exists(path: str) -> bool:
  """Return whether there is a file or folder."""
  if is_remote(path):
    with _gfile() as gfile:
      return gfile.exists(path)
  return os.path.exists(path)


def is_folder(path: str) -> bool:
  """Return whether there is a folder."""
  if is_remote(path):
    with _gfile() as gfile:
      return gfile.isdir(path)
  return os.path.isdir(path)


def is_file(path: str) -> bool:
  """Return whether there is a regular file."""
  if is_remote(path):
    with _gfile() as gfile:
      return gfile.exists(path) and not gfile.isdir(path)
  return os.path.isfile(path)


def list_folder(folder: str) -> list[str]:
  """Return the names of a folder's files and folders, sorted."""
  if is_remote(folder):
    with _gfile() as gfile:
      return sorted(name.rstrip('/') for name in gfile.listdir(folder))
  return sorted(os.listdir(folder))


def glob(folder: str, pattern: str) -> list[str]:
  """Return the paths in a folder that match a pattern, sorted.

  Args:
    folder: taken literally, whatever characters it holds.
    pattern: with the wildcards *, ? and [].
  """
  if is_remote(folder):
    with _gfile() as gfile:
      return sorted(gfile.glob(join(folder, pattern)))
  return sorted(
    local_glob.glob(os.path.join(local_glob.escape(folder), pattern))
  )


def size(path: str) -> int:
  """Return the length of a file in bytes."""
  if is_remote(path):
    with _gfile() as gfile:
      return gfile.stat(path).length
  return os.path.getsize(path)


def modified_secs(path: str) -> float:
  """Return when a file was last changed, in seconds since 1970."""
  if is_remote(path):
    with _gfile() as gfile:
      return gfile.stat(path).mtime_nsec / 1e9
  return os.path.getmtime(path)


def remove(path: str) -> None:
  """Remove a file; do nothing if there is none."""
  if is_remote(path):
    with contextlib.suppress(FileNotFoundError), _gfile() as gfile:
      gfile.remove(path)
    return
  with contextlib.suppress(FileNotFoundError):
    os.remove(path)


def remove_tree(folder: str) -> None:
  """Remove a folder with all that is in it; do nothing if there is none."""
  if is_remote(folder):
    with contextlib.suppress(FileNotFoundError), _gfile() as gfile:
      gfile.rmtree(folder)
    return
  with contextlib.suppress(FileNotFoundError):
    shutil.rmtree(folder)


def remove_empty_folder(folder: str) -> None:
  """Remove a local folder; raise OSError if there is anything in it."""
  os.rmdir(folder)


def make_folders(folder: str) -> None:
  """Make a folder and those above it, unless they are there."""
  if is_remote(folder):
    with _gfile() as gfile:
      gfile.makedirs(folder)
    return
  os.makedirs(folder, exist_ok=True)


def read_bytes(path: str, limit: int | None = None) -> bytes:
  """Return the contents of a regular file.

  Args:
    path: the file.
    limit: read this many bytes at most; None reads all.

  Raises:
    OSError: if it cannot be read, or is a pipe or a device, which could keep
      the reader waiting forever.
  """
  if is_remote(path):
    with _gfile() as gfile, gfile.GFile(path, 'rb') as file:
      return file.read() if limit is None else file.read(limit)
  check_regular(path)
  with open(path, 'rb') as file:
    return file.read() if limit is None else file.read(limit)


def check_regular(path: str) -> None:
  """Raise OSError for a local path that is a folder, a pipe or a device."""
  if is_remote(path):
    return
  mode = os.stat(path).st_mode
  if stat.S_ISDIR(mode):
    raise OSError(errno.EISDIR, 'it is a folder', path)
  if not stat.S_ISREG(mode):
    raise OSError(errno.EINVAL, 'it is not a regular file', path)


def check_readable(path: str) -> None:
  """Raise OSError unless a local path is a regular file that can be opened."""
  if is_remote(path):
    return
  check_regular(path)
  with open(path, 'rb'):
    pass


def copy(source: str, target: str) -> None:
  """Copy a file, whole or not at all; either may be remote."""
  if not is_remote(target):
    with replacing(target) as temporary:
      if is_remote(source):
        with _gfile() as gfile:
          gfile.copy(source, temporary, overwrite=True)
      else:
        shutil.copyfile(source, temporary)
    return
  with _gfile() as gfile:
    gfile.copy(source, target, overwrite=True)


def has_same_content(path: str, other: str) -> bool:
  """Return whether two local files are equal; remote ones never are."""
  if is_remote(path) or is_remote(other):
    return False
  return filecmp.cmp(path, other, shallow=False)


def write(path: str, data: bytes) -> None:
  """Write a file that appears whole or not at all.

  A link keeps pointing where it did: the file behind it is replaced.

  Raises:
    OSError: if that fails, or if the path is a folder, a pipe or a device;
      what was there before is still there.
  """
  with writing(path) as file:
    file.write(data)


@contextlib.contextmanager
def writing(path: str) -> Iterator[BinaryIO]:
  """Give a file to write to, which gets its name when the context ends.

  If the context ends with an exception, nothing is written. See `write`.

  Args:
    path: the file.

  Raises:
    OSError: as `write`.
  """
  if is_remote(path):
    with _remote_file(path) as file:
      yield file
    return
  with replacing(path) as temporary, open(temporary, 'wb') as file:
    yield file
    file.flush()
    os.fsync(file.fileno())


@contextlib.contextmanager
def _remote_file(path):
  """Give a local temporary file, which is copied to `path` at the end."""
  with tempfile.TemporaryFile() as file:
    yield file
    file.seek(0)
    # An object becomes visible only when it is closed.
    with _gfile() as gfile, gfile.GFile(path, 'wb') as target:
      while block := file.read(_BLOCK_BYTES):
        target.write(block)


@contextlib.contextmanager
def replacing(path: str) -> Iterator[str]:
  """Give a temporary name beside a local file, which it replaces at the end."""
  with contextlib.suppress(FileNotFoundError):
    check_regular(path)
  path = os.path.realpath(path)
  temporary = f'{path}.tmp'
  try:
    yield temporary
    os.replace(temporary, path)
  except BaseException:
    with contextlib.suppress(OSError):
      os.remove(temporary)
    raise
  sync_folder(os.path.dirname(path))


def move(source: str, target: str) -> None:
  """Move a file to a name on the same file system, replacing what is there."""
  if is_remote(source):
    with _gfile() as gfile:
      gfile.rename(source, target, overwrite=True)
    return
  os.replace(source, target)


def sync_folder(folder: str) -> None:
  """Make the names in a folder survive a power failure, where that works."""
  try:
    descriptor = os.open(folder, os.O_RDONLY)
  except OSError:  # Windows does not open folders.
    return
  try:
    os.fsync(descriptor)
  except OSError:  # Some network file systems refuse.
    pass
  finally:
    os.close(descriptor)


@contextlib.contextmanager
def new_folder(path: str) -> Iterator[str]:
  """Give the name of a folder to fill, which becomes `path` at the end.

  Object stores cannot rename folders: there, `path` itself is filled.

  Raises:
    UserError: if it cannot be written; nothing of it is left then.
  """
  path = path.rstrip('/')
  temporary = path if is_remote(path) else f'{path}.tmp-{os.getpid()}'
  try:
    if temporary != path:
      remove_tree(temporary)
    yield temporary
    if temporary != path:
      if os.path.isdir(path):
        os.rmdir(path)
      os.rename(temporary, path)
  except OSError as error:
    raise cannot_write(path, error) from error
  finally:
    if temporary != path:
      shutil.rmtree(temporary, ignore_errors=True)


def cannot_write(what: str, error: OSError) -> errors.UserError:
  """Return the error for a path that cannot be written.

  Args:
    what: the path, or the flag with the path.
    error: why not.
  """
  return errors.UserError(
    f'{what} cannot be written: {error.strerror or error}.'
  )


def try_to_write(folder: str) -> None:
  """Make a folder and a file in it; raise OSError where that fails."""
  make_folders(folder)
  if is_remote(folder):
    return  # Whether an object can be written shows when it is.
  probe = os.path.join(folder, f'.probe-{os.getpid()}')
  with open(probe, 'wb'):
    pass
  os.remove(probe)


def private_folder(parent: str, name: str) -> str:
  """Make a local folder that only this user can read and write.

  Args:
    parent: the folder that holds it; made if need be. It may be shared, such
      as the folder of temporary files.
    name: name of the folder, to which the user's number is added.

  Returns:
    The path of the folder.

  Raises:
    OSError: if it cannot be made, or if another user could replace it: if it is
      a link, belongs to another user, or lies where others may rename it.
  """
  make_folders(parent)
  if os.name == 'nt':  # Folders of a user are private there.
    path = os.path.join(parent, name)
    make_folders(path)
    return path
  user = os.getuid()
  parent = os.path.realpath(parent)
  _check_owner(parent, user, shared=True)
  path = os.path.join(parent, f'{name}-{user}')
  with contextlib.suppress(FileExistsError):
    os.mkdir(path, 0o700)
  _check_owner(path, user, shared=False)
  os.chmod(path, 0o700)
  return path


def _check_owner(path, user, *, shared):
  """Raise OSError if other users can put their own files in a folder's place.

  Args:
    path: the folder.
    user: number of this process's user.
    shared: whether it may belong to root and, with the sticky bit, be writable
      for others.
  """
  found = os.lstat(path)
  if not stat.S_ISDIR(found.st_mode):
    raise OSError(errno.ENOTDIR, 'it is a link or not a folder', path)
  if found.st_uid != user and not (shared and found.st_uid == 0):
    raise OSError(errno.EPERM, 'it belongs to another user', path)
  protected = shared and found.st_mode & stat.S_ISVTX
  if found.st_mode & stat.S_IWOTH and not protected:
    raise OSError(errno.EPERM, 'other users can write there', path)


def fingerprint(path: str, edge_bytes: int = 65536) -> str:
  """Return a text that changes when a file does, without reading all of it.

  Args:
    path: the file, local or remote.
    edge_bytes: how much of its start and of its end is looked at.

  Returns:
    64 hexadecimal digits, from the size, the time of the last change, and the
    start and the end of the contents.
  """
  length = size(path)
  digest = hashlib.sha256(f'{length} {modified_secs(path)}'.encode())
  starts = (0, max(0, length - edge_bytes))
  if is_remote(path):
    with _gfile() as gfile, gfile.GFile(path, 'rb') as file:
      for start in starts:
        file.seek(start)
        digest.update(file.read(edge_bytes))
    return digest.hexdigest()
  check_regular(path)
  with open(path, 'rb') as file:
    for start in starts:
      file.seek(start)
      digest.update(file.read(edge_bytes))
  return digest.hexdigest()


@contextlib.contextmanager
def report_full_disk(folder: str, advice: str) -> Iterator[None]:
  """Turn the error of a full disk into a sentence.

  Args:
    folder: what was being written.
    advice: a sentence that says what the user can do now.

  Raises:
    UserError: in place of the OSError.
  """
  try:
    yield
  except OSError as error:
    if error.errno not in errors.FULL_DISK:
      raise
    raise errors.UserError(f'No space left for {folder}. {advice}') from error
