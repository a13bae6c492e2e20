"""Read the format, size and damage of an encoded image without decoding it.

The format follows from the first bytes, never from the file's extension. JPEG
and PNG files are checked from end to end, so that a truncated or overwritten
file is found, but the pixels are not decoded. This module needs only the
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
  """Return the image format of a file, or None if it is not an image.

  Args:
    start: at least the first 16 bytes of the file.
  """
  for signature, image_format in _SIGNATURES:
    if start.startswith(signature):
      return image_format
  if start[:4] == b'RIFF' and start[8:12] == b'WEBP':
    return 'webp'
  return None


def read_header(data: bytes) -> Header:
  """Return the properties of an image file.

  Args:
    data: the contents of the whole file.

  Raises:
    BadImage: if the file is not an image or cannot be decoded.
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
    raise BadImage('the PNG file is truncated or its header is damaged')
  width, height, depth, color, *methods = struct.unpack_from(
    '>IIBBBBB', data, 16
  )
  channels, depths = _PNG_COLORS.get(color, (0, ()))
  if depth not in depths or not (height and width):
    raise BadImage('the PNG header is damaged')
  if methods[0] or methods[1] or methods[2] > 1:
    raise BadImage('the PNG file uses an unknown compression method')
  return Header('png', height, width, channels, warning=_chunk_warning(data))


def _chunk_warning(data: bytes) -> str:
  """Return what is wrong with the chunks of a PNG; '' if nothing."""
  view, position, seen = memoryview(data), 8, set()
  while True:
    if position + 12 > len(data):
      return 'the file is truncated'
    length, kind = struct.unpack_from('>I4s', data, position)
    end = position + 12 + length
    if end > len(data):
      return 'the file is truncated'
    checksum = int.from_bytes(view[end - 4 : end], 'big')
    if zlib.crc32(view[position + 4 : end - 4]) != checksum:
      return f'the chunk at byte {position} is damaged'
    seen.add(kind)
    position = end
    if kind == b'IEND':
      return '' if b'IDAT' in seen else 'it has no image data'
