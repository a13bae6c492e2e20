"""Looks at image files, one by one, in a process of its own.

Knows nothing of TensorFlow, so that a worker starts in a blink. It speaks over
its standard input and output: a line of JSON with files in, a line of JSON
with inspections and then the re-encoded images out.
"""

import json
import os
import signal
import stat
import sys
from typing import NamedTuple

from datasets.images import headers
from slim_support import errors

MAX_FILE_BYTES = 1 << 28
MAX_IMAGE_PIXELS = 100_000_000


class ImageFile(NamedTuple):
  """Where an image lies.

  Attributes:
    name: what messages call it.
    path: the file, or the archive that holds the image.
    offset: where in an archive the image starts, None for a file of its own.
    size: its length in an archive.
  """

  name: str
  path: str
  offset: int | None = None
  size: int | None = None


class Policy(NamedTuple):
  """What is asked of images.

  Attributes:
    max_pixels: an image of more is refused.
    max_side: a longer side is shrunk to this; None leaves sizes alone.
    only_jpeg: store PNGs too as JPEGs.
  """

  max_pixels: int = MAX_IMAGE_PIXELS
  max_side: int | None = None
  only_jpeg: bool = False


class Inspection(NamedTuple):
  """What was found.

  Attributes:
    reason: why the image is refused; empty if it is not.
    doubt: why a decoder should be asked; empty if there is no need.
    image_format: what is stored, 'jpeg' or 'png'.
    height: of what is stored.
    width: of what is stored.
    size: the length of the file that was looked at.
    is_rotated: whether the EXIF data ask for turning.
    data: the image if it was re-encoded; None if its file is stored as it is.
  """

  reason: str = ''
  doubt: str = ''
  image_format: str = ''
  height: int = 0
  width: int = 0
  size: int = 0
  is_rotated: bool = False
  data: bytes | None = None


_archives = {}  # path -> open file, open as long as the process lives


def read_image(file: ImageFile) -> bytes:
  """Returns the bytes of an image.

  Raises:
    OSError: if they cannot be read.
    BadImage: if it is no regular file, or one of absurd length.
  """
  if file.offset is not None:
    if file.path not in _archives:
      _archives[file.path] = open(file.path, 'rb')  # noqa: SIM115
    _archives[file.path].seek(file.offset)
    data = _archives[file.path].read(file.size)
    if len(data) < file.size:
      raise headers.BadImage('the archive is cut off')
    return data
  # Without O_NONBLOCK the opening of a pipe would wait for its other end.
  flags = (
    os.O_RDONLY | getattr(os, 'O_BINARY', 0) | getattr(os, 'O_NONBLOCK', 0)
  )
  descriptor = os.open(file.path, flags)
  try:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
      raise headers.BadImage('it is not a regular file')
    if status.st_size > MAX_FILE_BYTES:
      raise headers.BadImage(f'the file is {status.st_size} bytes long')
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
  file: ImageFile, policy: Policy, *, may_reencode=True
) -> Inspection | None:
  """Looks at one image; whatever is wrong with it ends up in the inspection.

  Args:
    file: the image.
    policy: what is asked of it.
    may_reencode: whether this process may decode and encode it.

  Returns:
    The inspection; None if the image has to be re-encoded but may not be.
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
      doubt=header.doubt,
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
      f'a {header.image_format} of this kind is re-encoded. {error}'
    ) from error
  except Exception as error:  # decoders raise whatever the bytes provoke
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
  """Says whether an image has to be re-encoded."""
  is_jpeg = header.image_format == 'jpeg'
  if is_jpeg and header.channels == 4:  # made for printing, not for RGB
    return True
  if not is_jpeg and (header.image_format != 'png' or policy.only_jpeg):
    return True
  longest = max(header.height, header.width)
  return policy.max_side is not None and longest > policy.max_side


def main():
  """Answers requests until the standard input ends.

  The first line is the policy; each further one a list of files.
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
