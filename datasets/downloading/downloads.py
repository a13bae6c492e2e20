"""Downloads that can be interrupted, resumed and verified.

A file is downloaded to `NAME.part`, where an interrupted download continues. It
gets its name when its length and checksum are right.
"""

import contextlib
import dataclasses
import hashlib
import http.client
import os
import re
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
    filename: the name that the file gets.
    urls: its http or https addresses; the later ones are mirrors.
    size: length in bytes, None if not known.
    sha256: checksum in hexadecimal digits, None if not known; 96 digits are a
      SHA-384.
    authorization: the HTTP header `Authorization`, or None; it is not sent to
      other servers after a redirect.
  """

  filename: str
  urls: tuple[str, ...]
  size: int | None = None
  sha256: str | None = None
  authorization: str | None = dataclasses.field(default=None, repr=False)


@dataclasses.dataclass(frozen=True)
class RetryPolicy:
  """How often and how long to try a server before using the next one.

  Attributes:
    attempts: number of connections to one URL.
    timeout: seconds to wait for an answer.
    pause: seconds before the second attempt; doubled for each later one.
  """

  attempts: int = 4
  timeout: float = 30.0
  pause: float = 1.0


class _Refused(Exception):
  """A server does not send the file, and another attempt would not help."""


def fetch(
  download: Download,
  folder: str,
  retry_policy: RetryPolicy | None = None,
  *,
  replace_wrong_file: bool = False,
) -> str:
  """Download a file to a folder, unless it is there already.

  Args:
    download: the file.
    folder: the folder, which must exist.
    retry_policy: how often to try; None for the default.
    replace_wrong_file: whether to download again if the folder holds another
      file of that name; else that is an error.

  Returns:
    The path of the file.

  Raises:
    UserError: if the folder holds another file of that name, or if no URL
      works; the message gives the reason for each URL.
    OSError: if the file cannot be written, for instance because the disk is
      full.
  """
  path = os.path.join(folder, download.filename)
  if os.path.exists(path) and not replace_wrong_file:
    check(download, path)
    return path
  if os.path.exists(path):
    if _fault(download, path) is None:
      return path
    os.remove(path)
  failures = []
  for url in download.urls:
    try:
      _fetch_from(url, download, f'{path}.part', retry_policy or RetryPolicy())
      files.move(f'{path}.part', path)
      return path
    except _Refused as error:
      failures.append(f'{url}: {error}')
  raise errors.UserError(
    f'Could not download {download.filename}. {" ".join(failures)} '
    f'Download it in another way, place it as {download.filename} in the '
    'folder that the command writes to, and run the same command again.'
  )


def check(download: Download, path: str) -> None:
  """Raise UserError unless a file has the published length and checksum.

  Args:
    download: the published file.
    path: the file to check.
  """
  fault = _fault(download, path)
  if fault:
    raise errors.UserError(
      f'{path} is not the published file: {fault}. It was not changed. Delete '
      'or rename it and run the same command again to download it.'
    )


def _fault(download: Download, path: str) -> str | None:
  """Return what is wrong with a file, None if nothing is."""
  try:
    files.check_readable(path)
  except OSError as error:
    return f'it cannot be read: {error.strerror or error}'
  size = os.path.getsize(path)
  wrong_size = download.size is not None and size != download.size
  if not wrong_size and download.sha256 is None:
    return None
  algorithm = 'sha384' if len(download.sha256 or '') == 96 else 'sha256'
  found = checksum(path, algorithm)
  if found == download.sha256:
    return None
  start = _first_bytes(path)
  sums = f'{algorithm} {found}, expected {download.sha256}'
  if wrong_size:
    sums = f'{size} bytes, expected {download.size}; {sums}'
  if _looks_like_html(start):
    sums = f'it is a web page (HTML), not an archive; {sums}'
  return sums


def checksum(path: str, algorithm: str = 'sha256') -> str:
  """Return the checksum of a file in hexadecimal digits.

  Args:
    path: the file.
    algorithm: the name of the algorithm in `hashlib`.

  Raises:
    OSError: if the file cannot be read.
  """
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


def _fetch_from(url, download, part, retry_policy) -> None:
  """Download to `part` from one URL; broken connections are resumed.

  Raises:
    _Refused: if the URL does not give the file.
  """
  if not re.match('https?://', url):
    raise _Refused('this is not an http or https address.')
  reason = 'no attempt was made'
  for attempt in range(retry_policy.attempts):
    resumed = os.path.exists(part)
    if attempt:
      time.sleep(retry_policy.pause * 2 ** (attempt - 1))
    try:
      _transfer(url, download, part, retry_policy.timeout)
    except _BROKEN as error:
      reason = _connection_error(error)
      continue
    except ValueError as error:
      raise _Refused(f'this is not a valid address ({error}).') from error
    fault = _fault(download, part)
    if fault is None:
      return
    os.remove(part)
    reason = f'{fault}.'
    if not resumed:  # Only an old beginning can make another attempt useful.
      break
  raise _Refused(reason)


def _connection_error(error) -> str:
  """Return what is wrong with a connection.

  Raises:
    _Refused: if another attempt would not help.
  """
  if not isinstance(error, urllib.error.HTTPError):
    return f'{getattr(error, "reason", error) or type(error).__name__}.'
  reason = f'HTTP status {error.code} ({error.reason}).'
  error.close()
  if error.code < 500 and error.code != 429:
    raise _Refused(reason)
  return reason


def _transfer(url, download, part, timeout):
  """Append the rest of the file to `part`, or download it from the start.

  Raises:
    EOFError: if the connection ends early.
    OSError: if `part` is a folder, a pipe or a device.
  """
  with contextlib.suppress(FileNotFoundError):
    files.check_regular(part)
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
    os.remove(part)  # It is longer than the file.
    raise EOFError('the server has nothing after this part') from error
  with response:
    if have and not _continues(response, have):
      have = 0
    length = response.headers.get('Content-Length', '')
    total = (
      have + int(length) if re.fullmatch('[0-9]+', length) else download.size
    )
    _copy(response, part, have, total, download)
  if total is not None and os.path.getsize(part) < total:
    raise EOFError(
      f'the connection broke after {os.path.getsize(part)} of {total} bytes'
    )


def _continues(response, have: int) -> bool:
  """Return whether a response continues where the part ends."""
  content_range = response.headers.get('Content-Range', '')
  return response.status == 206 and content_range.startswith(f'bytes {have}-')


def _copy(response, part, have, total, download):
  """Append a response to the part."""
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
        raise _Refused(
          f'the server sends more than the expected {download.size} bytes.'
        )
      if time.monotonic() - started > _STALL_SECONDS:
        if received < _STALL_BYTES:
          raise TimeoutError('the server sends less than 16 kB per minute')
        started, received = time.monotonic(), 0
    file.flush()
    os.fsync(file.fileno())
