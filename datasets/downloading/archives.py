"""Reading of archives that may be damaged or made to do harm."""

import contextlib
import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator

from slim_support import errors, files

MAX_MEMBERS = 2_000_000
MAX_BYTES = 1 << 40
_BLOCK = 1 << 20


@contextlib.contextmanager
def report_damaged_archive(path: str):
  """Turns what a damaged archive raises into one sentence with its name."""
  try:
    yield
  except (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
  ) as error:
    raise errors.UserError(
      f'{path} is not a whole archive of its kind: {error}'
    ) from error


def read_gzip(path: str, max_bytes: int) -> bytes:
  """Returns the contents of a gzip file.

  Args:
    path: the file.
    max_bytes: more than this is refused.

  Raises:
    UserError: if the file is damaged or holds more.
  """
  with report_damaged_archive(path), gzip.open(path) as file:
    data = file.read(max_bytes + 1)
  if len(data) > max_bytes:
    raise errors.UserError(
      f'{path} holds more than the {max_bytes} bytes that it can rightly have.'
    )
  return data


def _reason_to_refuse(member: tarfile.TarInfo) -> str | None:
  """Says why a member of a tar is refused; None if it may be read."""
  name = member.name.replace('\\', '/')
  if name.startswith('/') or name[1:2] == ':':
    return 'its path is absolute'
  if '..' in name.split('/'):
    return 'its path leads out of the folder'
  if member.issym() or member.islnk():
    return f'it is a link to {member.linkname!r}'
  if not (member.isfile() or member.isdir()):
    return 'it is neither a file nor a folder'
  return None


def safe_members(
  archive: tarfile.TarFile, path: str, *, max_bytes=MAX_BYTES,
  max_members=MAX_MEMBERS,
) -> Iterator[tarfile.TarInfo]:  # fmt: skip
  """Yields the regular files of a tar.

  Args:
    archive: the open archive.
    path: its name, for the error.
    max_bytes: how much its files may hold together.
    max_members: how many members it may have.

  Raises:
    UserError: at the first member that has no business in a data set: one with
      a path out of the folder, a link, a device, or too much of them.
  """
  total = 0
  for number, member in enumerate(archive, 1):
    reason = _reason_to_refuse(member)
    total += member.size
    if total > max_bytes:
      reason = f'the archive unpacks to more than {max_bytes} bytes'
    if number > max_members:
      reason = f'the archive has more than {max_members} members'
    if reason:
      raise errors.UserError(
        f'{path} is refused, nothing of it was used: member {member.name!r}: '
        f'{reason}.'
      )
    if member.isfile():
      yield member


def extract_tar(path: str, folder: str, max_bytes=MAX_BYTES):
  """Unpacks the regular files of a tar archive into a folder.

  All members are looked at before the first is written.

  Raises:
    UserError: if the archive is damaged or a member is refused.
  """
  with report_damaged_archive(path), tarfile.open(path) as archive:
    members = list(safe_members(archive, path, max_bytes=max_bytes))
    # Python 3.10 and 3.11 before 3.11.4 lack the filter; `safe_members` holds
    # alone there.
    options = {'filter': 'data'} if hasattr(tarfile, 'data_filter') else {}
    for member in members:
      archive.extract(member, folder, **options)


def extract_zip(archive: zipfile.ZipFile, folder: str, max_bytes=MAX_BYTES):
  """Unpacks a zip archive into a folder; see `extract_tar`."""
  for member in archive.infolist():
    name = member.filename.replace('\\', '/')
    if name.startswith('/') or '..' in name.split('/') or name[1:2] == ':':
      raise errors.UserError(
        f'{archive.filename} is refused: member {name!r} leads out of the '
        'folder.'
      )
  if sum(member.file_size for member in archive.infolist()) > max_bytes:
    raise errors.UserError(
      f'{archive.filename} is refused: it unpacks to more than {max_bytes} '
      'bytes.'
    )
  with report_damaged_archive(str(archive.filename)):
    archive.extractall(folder)


def unpack_gzip(path: str, target: str, max_bytes: int):
  """Write the contents of a gzip file to another; see `read_gzip`."""
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
        raise errors.UserError(
          f'{path} is refused: it unpacks to more than {max_bytes} bytes.'
        )
      file.write(block)
