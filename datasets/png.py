"""PNG encoding of small images by the thousand.

PNG (Portable Network Graphics) Specification, second edition,
https://www.w3.org/TR/png-2/. One 8-bit image is a signature, a header chunk,
one compressed data chunk and an end chunk. Rows are filtered for all images of
a batch at once; what is left is one call of zlib an image.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

_SIGNATURE = b'\x89PNG\r\n\x1a\n'


class _Coding(NamedTuple):
  """How images of one kind are written: what is small and quick for them."""

  color_type: int
  row_filter: int
  level: int
  strategy: int


# Drawings on an empty ground repeat whole runs. In photographs neighbours
# differ little, and looking for longer matches than runs finds nothing.
_CODINGS = {
  1: _Coding(0, row_filter=0, level=1, strategy=zlib.Z_DEFAULT_STRATEGY),
  3: _Coding(2, row_filter=1, level=6, strategy=zlib.Z_RLE),
}


def _chunk(kind: bytes, data: bytes) -> bytes:
  checksum = zlib.crc32(data, zlib.crc32(kind))
  return b'%b%b%b%b' % (
    len(data).to_bytes(4, 'big'),
    kind,
    data,
    checksum.to_bytes(4, 'big'),
  )


def _filter_rows(images: np.ndarray, row_filter: int) -> np.ndarray:
  """Puts the filter's number before each row and filters the row.

  Args:
    images: uint8 of [number, height, width, channels].
    row_filter: 0 for none, 1 for the difference from the left pixel.

  Returns:
    uint8 of [number, height, 1 + width * channels].
  """
  number, height, width, channels = images.shape
  rows = np.full((number, height, 1 + width * channels), row_filter, np.uint8)
  rows[:, :, 1:] = images.reshape(number, height, -1)
  if row_filter:
    rows[:, :, 1 + channels :] -= images[:, :, :-1].reshape(number, height, -1)
  return rows


def encode_batch(images: np.ndarray, batch_size: int = 1000) -> Iterator[bytes]:
  """Yields the PNG of each image, the same bytes on every run.

  Args:
    images: uint8 of [number, height, width, channels], 1 or 3 channels.
    batch_size: how many images are filtered at once; bounds the memory.

  Raises:
    ValueError: if the array is of another type or shape.
  """
  if images.dtype != np.uint8 or images.ndim != 4:
    raise ValueError(
      f'expected a uint8 batch, got {images.dtype} of shape {images.shape}'
    )
  height, width, channels = images.shape[1:]
  if channels not in _CODINGS:
    raise ValueError(f'expected 1 or 3 channels, got {channels}')
  coding = _CODINGS[channels]
  header = struct.pack('>IIBBBBB', width, height, 8, coding.color_type, 0, 0, 0)
  head = _SIGNATURE + _chunk(b'IHDR', header)
  tail = _chunk(b'IEND', b'')
  for start in range(0, len(images), batch_size):
    batch = images[start : start + batch_size]
    for rows in _filter_rows(batch, coding.row_filter):
      packer = zlib.compressobj(coding.level, strategy=coding.strategy)
      data = packer.compress(rows) + packer.flush()
      yield b'%b%b%b' % (head, _chunk(b'IDAT', data), tail)
