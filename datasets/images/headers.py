"""Format, size and soundness of an encoded image, without decoding it.

Formats are told by their first bytes, never by the file's extension. JPEG and
PNG files are walked from end to end, so that a file that was cut off or
overwritten is found; the picture itself is not decoded. Holds nothing but the
standard library.
"""

import struct
import zlib

from datasets.images.jpeg import read_jpeg
from datasets.images.types import BadImage, Header

__all__ = ['BadImage', 'Header', 'read_header', 'sniff']

_SIGNATURES = (
  (b'\xff\xd8\xff', 'jpeg'),
  (b'\x89PNG\r\n\x1a\n', 'png'),
  (b'GIF87a', 'gif'),
  (b'GIF89a', 'gif'),
  (b'BM', 'bmp'),
  (b'II*\0', 'tiff'),
  (b'MM\0*', 'tiff'),
)


def sniff(start: bytes) -> str | None:
  """Returns the image format that a file starts as, None if it is none.

  Args:
    start: the first 16 bytes or more.
  """
  for signature, image_format in _SIGNATURES:
    if start.startswith(signature):
      return image_format
  if start[:4] == b'RIFF' and start[8:12] == b'WEBP':
    return 'webp'
  return None


def read_header(data: bytes) -> Header:
  """Returns what is known of an image file.

  Args:
    data: the whole file.

  Raises:
    BadImage: if it is no image, or one that no decoder here can read.
  """
  if not data:
    raise BadImage('the file is empty')
  image_format = sniff(data[:16])
  if image_format == 'jpeg':
    return read_jpeg(data)
  if image_format == 'png':
    return _read_png(data)
  if image_format is None:
    raise BadImage(f'it is not an image: it starts with {data[:16]!r}')
  return Header(image_format)


# Color type -> channels, and the bit depths that go with it. PNG (Portable
# Network Graphics) Specification, https://www.w3.org/TR/png-2/
_PNG_COLORS = {
  0: (1, {1, 2, 4, 8, 16}),
  2: (3, {8, 16}),
  3: (3, {1, 2, 4, 8}),
  4: (2, {8, 16}),
  6: (4, {8, 16}),
}


def _read_png(data: bytes) -> Header:
  if len(data) < 33 or data[12:16] != b'IHDR':
    raise BadImage('the PNG file is cut off or damaged in its header')
  width, height, depth, color, *methods = struct.unpack_from(
    '>IIBBBBB', data, 16
  )
  channels, depths = _PNG_COLORS.get(color, (0, ()))
  if depth not in depths or not (height and width):
    raise BadImage('the PNG header is damaged')
  if methods[0] or methods[1] or methods[2] > 1:
    raise BadImage('the PNG file is packed by an unknown method')
  return Header('png', height, width, channels, doubt=_doubt_of_chunks(data))


def _doubt_of_chunks(data: bytes) -> str:
  """Says what is wrong with the chunks of a PNG; '' if nothing."""
  view, position, seen = memoryview(data), 8, set()
  while True:
    if position + 12 > len(data):
      return 'the file is cut off'
    length, kind = struct.unpack_from('>I4s', data, position)
    end = position + 12 + length
    if end > len(data):
      return 'the file is cut off'
    checksum = int.from_bytes(view[end - 4 : end], 'big')
    if zlib.crc32(view[position + 4 : end - 4]) != checksum:
      return f'the chunk at byte {position} is damaged'
    seen.add(kind)
    position = end
    if kind == b'IEND':
      return '' if b'IDAT' in seen else 'it holds no picture'
