"""A worker process that inspects image files and re-encodes some of them.

It does not import TensorFlow, so that it starts fast. It communicates over
standard input and output: it reads a line of JSON with files, and writes a line
of JSON with their inspections followed by the bytes of re-encoded images.
"""

import json
import os
import signal
import stat
import sys
from typing import NamedTuple

from datasets.images import headers
from datasets.images.types import MAX_IMAGE_PIXELS, Policy
from slim_support import errors

__all__ = [
  'MAX_IMAGE_PIXELS',
  'ImageFile',
  'Inspection',
  'Policy',
  'inspect',
  'main',
  'read_image',
]

MAX_FILE_BYTES = 1 << 28


class ImageFile(NamedTuple):
  """The location of an image, in a file of its own or in an archive.

  Attributes:
    name: the name for messages.
    path: the path of the file or of the archive.
    offset: start of the image in the archive in bytes; None for a file of its
      own.
    size: length of the image in the archive in bytes; None for a file of its
      own.
  """

  name: str
  path: str
  offset: int | None = None
  size: int | None = None


class Inspection(NamedTuple):
  """The result of inspecting an image.

  Attributes:
    rejection_reason: why the image cannot be used; empty if it can.
    warning: damage that a decoder may tolerate, so that the image must be
      decoded once before it is used; empty if there is none.
    image_format: format of the stored image, 'jpeg' or 'png'.
    height: height of the stored image in pixels.
    width: width of the stored image in pixels.
    size: length of the inspected file in bytes.
    is_rotated: whether the EXIF data state that the image is rotated.
    data: the re-encoded image; None if the file is stored unchanged.
  """

  rejection_reason: str = ''
  warning: str = ''
  image_format: str = ''
  height: int = 0
  width: int = 0
  size: int = 0
  is_rotated: bool = False
  data: bytes | None = None


_archives = {}  # path -> open file, kept open until the process ends


def read_image(file: ImageFile) -> bytes:
  """Return the bytes of an image.

  Args:
    file: the location of the image.

  Raises:
    OSError: if it cannot be read.
    BadImage: if it is not a regular file, or longer than `MAX_FILE_BYTES`.
  """
  if file.offset is not None:
    if file.path not in _archives:
      _archives[file.path] = open(file.path, 'rb')  # noqa: SIM115
    _archives[file.path].seek(file.offset)
    data = _archives[file.path].read(file.size)
    if len(data) < file.size:
      raise headers.BadImage('the archive is truncated')
    return data
  # Without O_NONBLOCK, opening a pipe would wait for a writer.
  flags = (
    os.O_RDONLY | getattr(os, 'O_BINARY', 0) | getattr(os, 'O_NONBLOCK', 0)
  )
  descriptor = os.open(file.path, flags)
  try:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
      raise headers.BadImage('it is not a regular file')
    if status.st_size > MAX_FILE_BYTES:
      raise headers.BadImage(f'the file has {status.st_size} bytes')
    return _read_to_end(descriptor, status.st_size)
  finally:
    os.close(descriptor)


def _read_to_end(descriptor: int, size: int) -> bytes:
  data = os.read(descriptor, size)
  while len(data) < size:
    part = os.read(descriptor, size - len(data))
    if not part:
      break
    data += part
  return data


def inspect(
  file: ImageFile, policy: Policy, *, may_reencode: bool = True
) -> Inspection | None:
  """Inspect one image; errors become the `rejection_reason` of the result.

  Args:
    file: the location of the image.
    policy: the requirements that the image must meet.
    may_reencode: whether this process may decode and re-encode the image.

  Returns:
    The inspection; None if the image must be re-encoded and `may_reencode` is
    false.
  """
  try:
    return _inspect_bytes(read_image(file), policy, may_reencode)
  except OSError as error:
    return Inspection(f'it cannot be read: {error.strerror or error}')
  except headers.BadImage as error:
    return Inspection(str(error))


def _inspect_bytes(data, policy, may_reencode) -> Inspection | None:
  header = headers.read_header(data)
  _check_pixels(header.height, header.width, policy)
  is_rotated = header.orientation != 1
  if not _must_change(header, policy):
    return Inspection(
      warning=header.warning,
      image_format=header.image_format,
      height=header.height,
      width=header.width,
      size=len(data),
      is_rotated=is_rotated,
    )
  if not may_reencode:
    return None
  try:
    from datasets.images import reencoding

    image_format, height, width, changed = reencoding.reencode(
      data, header, policy
    )
  except headers.BadImage:
    raise
  except errors.UserError as error:
    raise headers.BadImage(
      f'this kind of {header.image_format} must be re-encoded. {error}'
    ) from error
  except Exception as error:  # decoders raise many kinds of errors
    raise headers.BadImage(f'it cannot be decoded: {error}') from error
  return Inspection(
    '', '', image_format, height, width, len(data), is_rotated, changed
  )


def _check_pixels(height: int, width: int, policy: Policy):
  if height * width > policy.max_pixels:
    raise headers.BadImage(
      f'{width} x {height} pixels are more than --max_image_pixels='
      f'{policy.max_pixels}'
    )


def _must_change(header, policy) -> bool:
  """Return whether an image must be re-encoded."""
  is_jpeg = header.image_format == 'jpeg'
  if is_jpeg and header.channels == 4:  # CMYK, which is made for printing
    return True
  if not is_jpeg and (header.image_format != 'png' or policy.only_jpeg):
    return True
  longest = max(header.height, header.width)
  return policy.max_side is not None and longest > policy.max_side


def main() -> None:
  """Answer requests until standard input ends.

  The first line is the policy; each later line is a list of files.
  """
  signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent closes the input
  requests, replies = sys.stdin.buffer, sys.stdout.buffer
  policy = Policy(*json.loads(requests.readline()))
  for line in requests:
    inspections = [
      inspect(ImageFile(*fields), policy) for fields in json.loads(line)
    ]
    heads = [
      [
        *inspection[:-1],
        None if inspection.data is None else len(inspection.data),
      ]
      for inspection in inspections
    ]
    replies.write(json.dumps(heads).encode() + b'\n')
    for inspection in inspections:
      if inspection.data is not None:
        replies.write(inspection.data)
    replies.flush()
