"""Read archives that may be damaged or malicious."""

import contextlib
import gzip
import lzma
import os
import shutil
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator

from slim_support import errors, files

MAX_MEMBERS = 2_000_000
_BLOCK = 1 << 20
# Archives without a bound of their own: photographs hardly shrink, and text
# shrinks to a tenth.
_MIN_BOUND = 1 << 30
_MAX_RATIO = 50


@contextlib.contextmanager
def report_damaged_archive(path: str) -> Iterator[None]:
  """Turn the errors that a damaged archive raises into a sentence.

  Args:
    path: the archive, which must be a regular file.

  Raises:
    UserError: in place of the other errors.
  """
  try:
    files.check_readable(path)
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be read: {error.strerror or error}.'
    ) from error
  try:
    yield
  except (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    NotImplementedError,  # An unknown compression method of a zip archive.
  ) as error:
    raise _damaged(path, error) from error
  except OSError as error:
    if error.errno is not None:  # The decoder of bzip2 sets no number.
      raise
    raise _damaged(path, error) from error


def _damaged(path: str, error: Exception) -> errors.UserError:
  lines = str(error).splitlines() or [type(error).__name__]
  return errors.UserError(
    f'{path} is damaged or not an archive of its kind '
    f'({lines[0].rstrip(".: ")}).'
  )


def _too_large(path: str, max_bytes: int) -> errors.UserError:
  return errors.UserError(
    f'{path} was refused: it unpacks to more than {max_bytes} bytes, which is '
    'more than it can rightly hold.'
  )


def read_gzip(path: str, max_bytes: int) -> bytes:
  """Return the contents of a gzip file.

  Args:
    path: the file.
    max_bytes: the largest length that is accepted.

  Raises:
    UserError: if the file is damaged or holds more.
  """
  with report_damaged_archive(path), gzip.open(path) as file:
    data = file.read(max_bytes + 1)
  if len(data) > max_bytes:
    raise _too_large(path, max_bytes)
  return data


def unpack_gzip(path: str, target: str, max_bytes: int) -> None:
  """Write the contents of a gzip file to another file, whole or not at all.

  Args:
    path: the gzip file.
    target: the file to write.
    max_bytes: the largest length that is accepted.

  Raises:
    UserError: if the file is damaged or holds more.
    OSError: if the target cannot be written.
  """
  total = 0
  with (
    report_damaged_archive(path),
    gzip.open(path) as source,
    files.replacing(target) as temporary,
    open(temporary, 'wb') as file,
  ):
    while block := source.read(_BLOCK):
      total += len(block)
      if total > max_bytes:
        raise _too_large(path, max_bytes)
      file.write(block)


def _leaves_folder(name: str) -> bool:
  """Return whether a member's path is absolute or leads out of the folder."""
  name = name.replace('\\', '/')
  return name.startswith('/') or name[1:2] == ':' or '..' in name.split('/')


def _reason_to_refuse(member: tarfile.TarInfo) -> str | None:
  """Return why a member of a tar must not be read, None if it may."""
  if _leaves_folder(member.name):
    return 'its path leads out of the folder'
  if member.issym() or member.islnk():
    return f'it is a link to {member.linkname!r}'
  if not (member.isfile() or member.isdir()):
    return 'it is neither a file nor a folder'
  return None


def safe_members(
  archive: tarfile.TarFile,
  path: str,
  *,
  max_bytes: int,
  max_members: int = MAX_MEMBERS,
) -> Iterator[tarfile.TarInfo]:
  """Yield the regular files of a tar archive.

  Args:
    archive: the open archive.
    path: its name, for messages.
    max_bytes: the largest total length of its files that is accepted.
    max_members: the largest number of members that is accepted.

  Raises:
    UserError: at the first member that does not belong into a data set: one
      with a path out of the folder, a link, a device, or one that exceeds a
      limit.
  """
  total = 0
  for number, member in enumerate(archive, 1):
    total += member.size
    if total > max_bytes:
      raise _too_large(path, max_bytes)
    if number > max_members:
      raise errors.UserError(
        f'{path} was refused: it has more than {max_members} members.'
      )
    reason = _reason_to_refuse(member)
    if reason:
      raise errors.UserError(
        f'{path} was refused and nothing of it was used. Its member '
        f'{member.name!r} is not safe: {reason}.'
      )
    if member.isfile():
      yield member


def check_tar(path: str) -> None:
  """Raise UserError unless a file is a tar archive that can be read."""
  with report_damaged_archive(path), tarfile.open(path) as archive:
    archive.next()


def extract_tar(path: str, folder: str, max_bytes: int | None = None) -> None:
  """Unpack the regular files of a tar archive into a folder, all or none.

  All members are checked before the first is written.

  Args:
    path: the archive, compressed or not.
    folder: the folder to unpack to; existing files are replaced.
    max_bytes: the largest total length that is accepted; None for 1 GiB, or 50
      times the length of the archive if that is more.

  Raises:
    UserError: if the archive is damaged or not safe, or if the folder cannot be
      written to.
  """
  with report_damaged_archive(path), tarfile.open(path) as archive:
    bound = _bound(path, max_bytes)
    members = list(safe_members(archive, path, max_bytes=bound))
    _check_space(path, folder, sum(member.size for member in members))
    # Early versions of Python 3.10 and 3.11 have no filter; the checks of
    # `safe_members` do not depend on it.
    options = {'filter': 'data'} if hasattr(tarfile, 'data_filter') else {}
    with _staging(path, folder) as staging:
      for member in members:
        archive.extract(member, staging, **options)


def extract_zip(
  archive: zipfile.ZipFile, folder: str, max_bytes: int | None = None
) -> None:
  """Unpack a zip archive into a folder, all or none.

  Args:
    archive: the open archive.
    folder: the folder to unpack to; existing files are replaced.
    max_bytes: see `extract_tar`.

  Raises:
    UserError: see `extract_tar`.
  """
  path = str(archive.filename)
  members = archive.infolist()
  for member in members:
    if _leaves_folder(member.filename):
      raise errors.UserError(
        f'{path} was refused and nothing of it was used. Its member '
        f'{member.filename!r} is not safe: its path leads out of the folder.'
      )
    if member.flag_bits & 1:
      raise errors.UserError(f'{path} is encrypted. Unpack it yourself.')
  total = sum(member.file_size for member in members)
  bound = _bound(archive.filename, max_bytes)
  if total > bound:
    raise _too_large(path, bound)
  _check_space(path, folder, total)
  with _staging(path, folder) as staging:
    try:
      archive.extractall(staging)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
      raise _damaged(path, error) from error


def _bound(path: str | None, max_bytes: int | None) -> int:
  if max_bytes is not None:
    return max_bytes
  length = os.path.getsize(path) if path else 0
  return max(_MIN_BOUND, _MAX_RATIO * length)


def _check_space(path: str, folder: str, num_bytes: int) -> None:
  """Raise UserError unless the disk has room for the contents of an archive."""
  try:
    free = shutil.disk_usage(folder).free
  except OSError:
    return
  if num_bytes > free:
    raise errors.UserError(
      f'{path} needs {num_bytes / 1e6:.0f} MB, but {folder} has only '
      f'{free / 1e6:.0f} MB free. Free some space, or use another folder.'
    )


@contextlib.contextmanager
def _staging(path: str, folder: str) -> Iterator[str]:
  """Give a temporary folder, whose files are moved to `folder` at the end."""
  try:
    staging = tempfile.mkdtemp(prefix='.unpacking-', dir=folder)
    try:
      yield staging
      _move_files(staging, folder)
    finally:
      shutil.rmtree(staging, ignore_errors=True)
  except OSError as error:
    if error.errno is None:
      raise
    raise errors.UserError(
      f'{path} cannot be unpacked in {folder}: {error.strerror}.'
    ) from error


def _move_files(source: str, target: str) -> None:
  """Move all files below a folder to the same places below another one."""
  for folder, _, names in os.walk(source):
    there = os.path.normpath(
      os.path.join(target, os.path.relpath(folder, source))
    )
    files.make_folders(there)
    for name in names:
      files.move(os.path.join(folder, name), os.path.join(there, name))
