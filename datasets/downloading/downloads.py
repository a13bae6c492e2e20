"""Downloads that can break off at any point and are believed only when whole.

A file is downloaded to `NAME.part`, goes on there after a break, and gets its
name only when length and checksum are right.
"""

import dataclasses
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request

from slim_support import errors, files, progress

_BLOCK = 1 << 18
_STALL_SECONDS, _STALL_BYTES = 60, 1 << 14

_BROKEN = (
  http.client.HTTPException,
  urllib.error.URLError,
  ConnectionError,
  TimeoutError,
  EOFError,
)


@dataclasses.dataclass(frozen=True)
class Download:
  """A published file.

  Attributes:
    filename: the name it gets.
    urls: where it lies; the later ones are mirrors.
    size: in bytes, None if not known.
    sha256: its checksum in hexadecimal digits, None if not known; with 96
      digits it is a SHA-384.
    authorization: the header of that name; is not sent on to other servers.
  """

  filename: str
  urls: tuple[str, ...]
  size: int | None = None
  sha256: str | None = None
  authorization: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class Patience:
  """How long to wait for a server before going to the next.

  Attributes:
    attempts: how often a broken connection is taken up again at one URL.
    timeout: seconds without any answer.
    pause: seconds before the second attempt; doubled for each further one.
  """

  attempts: int = 4
  timeout: float = 30.0
  pause: float = 1.0


class _Refused(Exception):
  """What a server sends is not the file; asking again would not help."""


def fetch(
  download: Download, folder: str, patience=None, *, is_ours=False
) -> str:
  """Returns the path of the downloaded file in `folder`.

  A file that is there under its name already is checked, not downloaded.

  Args:
    download: what to fetch.
    folder: where to put it; must exist.
    patience: a `Patience`, None for the usual one.
    is_ours: whether the folder holds only what was downloaded here, so that a
      wrong file may be replaced; else it is left alone.

  Raises:
    UserError: if the file there is not the published one, or if no URL gives
      it; names every URL with its reason.
    OSError: if the disk is full.
  """
  path = os.path.join(folder, download.filename)
  if os.path.exists(path) and not is_ours:
    check(download, path)
    return path
  if os.path.exists(path):
    if _fault(download, path) is None:
      return path
    os.remove(path)
  failures = []
  for url in download.urls:
    try:
      _fetch_from(url, download, f'{path}.part', patience or Patience())
      files.move(f'{path}.part', path)
      return path
    except _Refused as error:
      failures.append(f'{url}: {error}')
  raise errors.UserError(
    f'Could not download {download.filename}. {" ".join(failures)} '
    f'Download it in another way, place it as {download.filename} in the '
    'folder that the command writes to, and run the same command again.'
  )


def check(download: Download, path: str):
  """Raises UserError unless a file has the published length and checksum."""
  fault = _fault(download, path)
  if fault:
    raise errors.UserError(
      f'{path} is not the published file: {fault}. It was left as it is; '
      'delete or rename it and run the same command to download it anew.'
    )


def _fault(download: Download, path: str) -> str | None:
  """Says what is wrong with a file; None if nothing is."""
  size = os.path.getsize(path)
  wrong_size = download.size is not None and size != download.size
  if not wrong_size and download.sha256 is None:
    return None
  algorithm = 'sha384' if len(download.sha256 or '') == 96 else 'sha256'
  found = sha256_of(path, algorithm)
  if found == download.sha256:
    return None
  start = _first_bytes(path)
  sums = f'{algorithm} {found}, expected {download.sha256}'
  if wrong_size:
    sums = f'{size} bytes, expected {download.size}; {sums}'
  if _looks_like_html(start):
    sums = f'it looks like a web page (HTML), not like an archive; {sums}'
  return sums


def sha256_of(path: str, algorithm: str = 'sha256') -> str:
  """Returns the SHA-256, or another, checksum in hexadecimal digits."""
  with open(path, 'rb') as file:
    if hasattr(hashlib, 'file_digest'):  # Python 3.11
      return hashlib.file_digest(file, algorithm).hexdigest()
    digest = hashlib.new(algorithm)
    while block := file.read(_BLOCK):
      digest.update(block)
    return digest.hexdigest()


def _first_bytes(path: str) -> bytes:
  with open(path, 'rb') as file:
    return file.read(512)


def _looks_like_html(start: bytes) -> bool:
  start = start.lstrip(b'\xef\xbb\xbf \t\r\n').lower()
  return start.startswith((b'<!doctype html', b'<html', b'<head', b'<?xml'))


def _fetch_from(url, download, part, patience):
  """Downloads to `part` from one URL, taking broken connections up again."""
  reason = 'no attempt was made'
  for attempt in range(patience.attempts):
    resumed = os.path.exists(part)
    if attempt:
      time.sleep(patience.pause * 2 ** (attempt - 1))
    try:
      _transfer(url, download, part, patience.timeout)
    except urllib.error.HTTPError as error:
      reason = f'HTTP status {error.code} ({error.reason}).'
      error.close()
      if error.code < 500 and error.code != 429:
        break
      continue
    except _BROKEN as error:
      reason = f'{getattr(error, "reason", error) or type(error).__name__}.'
      continue
    fault = _fault(download, part)
    if fault is None:
      return
    os.remove(part)
    reason = f'{fault}.'
    if not resumed:  # an old beginning may be at fault, a fresh file is not
      break
  raise _Refused(reason)


def _transfer(url, download, part, timeout):
  """Appends to `part` what the server still has to send, or starts again.

  Raises:
    EOFError: if the connection ends early.
  """
  have = os.path.getsize(part) if os.path.exists(part) else 0
  if have and have == download.size:
    return
  headers = {'User-Agent': 'slim-image-models'}
  if have:
    headers['Range'] = f'bytes={have}-'
  request = urllib.request.Request(url, headers=headers)
  if download.authorization:
    request.add_unredirected_header('Authorization', download.authorization)
  try:
    response = urllib.request.urlopen(request, timeout=timeout)
  except urllib.error.HTTPError as error:
    if error.code != 416 or not have:
      raise
    error.close()
    os.remove(part)  # longer than the file it should become
    raise EOFError('the server has nothing after the part already here') from (
      error
    )
  with response:
    if have and not _continues(response, have):
      have = 0
    length = response.headers.get('Content-Length', '')
    total = have + int(length) if length.isdigit() else download.size
    _copy(response, part, have, total, download)
  if total is not None and os.path.getsize(part) < total:
    raise EOFError(
      f'the connection broke after {os.path.getsize(part)} of {total} bytes'
    )


def _continues(response, have: int) -> bool:
  """Says whether a response goes on where the part ends."""
  content_range = response.headers.get('Content-Range', '')
  return response.status == 206 and content_range.startswith(f'bytes {have}-')


def _copy(response, part, have, total, download):
  """Copies a response to the end of the part."""
  started, received = time.monotonic(), 0
  with (
    open(part, 'r+b' if have else 'wb') as file,
    progress.Progress(f'Downloading {download.filename}', total, 'B') as bar,
  ):
    file.seek(have)
    bar.skip(have)
    while block := response.read1(_BLOCK):
      file.write(block)
      bar.add(len(block))
      have += len(block)
      received += len(block)
      if download.size is not None and have > download.size:
        raise _Refused(f'sends more than the expected {download.size} bytes.')
      if time.monotonic() - started > _STALL_SECONDS:
        if received < _STALL_BYTES:
          raise TimeoutError('the server sends next to nothing')
        started, received = time.monotonic(), 0
    file.flush()
    os.fsync(file.fileno())
