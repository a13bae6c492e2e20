"""Read the size of a JPEG file and check it for damage without decoding it.

ITU-T Recommendation T.81, Digital Compression and Coding of Continuous-Tone
Still Images, https://www.w3.org/Graphics/JPEG/itu-t81.pdf; its section B names
the markers, tables and parameters used below.
"""

import functools
import re
import struct

from datasets.images.types import BadImage, Header

_BASELINE, _EXTENDED, _PROGRESSIVE = 0xC0, 0xC1, 0xC2
_HUFFMAN, _ARITHMETIC, _QUANTIZATION, _APP1 = 0xC4, 0xCC, 0xDB, 0xE1
_SCAN, _END, _PADDING = 0xDA, 0xD9, 0xFF
_OTHER_FRAMES = {*range(0xC3, 0xD0)} - {_HUFFMAN, 0xC8, _ARITHMETIC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
# In compressed data, 0xFF is followed by 0 (an escaped 0xFF) or by a restart
# marker, and repeated 0xFF bytes are padding. Anything else starts a segment.
_NEXT_MARKER = re.compile(rb'\xff[^\x00\xd0-\xd7\xff]')
_BETWEEN_SCANS = {0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)}


class _Damage(Exception):
  """Damage that some decoders tolerate."""


def read_jpeg(data: bytes) -> Header:
  """Return the properties of a JPEG file; see `headers.read_header`.

  Args:
    data: the contents of the whole file.

  Raises:
    BadImage: if the file cannot be decoded.
  """
  reader = _Reader(data)
  warning = ''
  try:
    reader.read()
  except _Damage as error:
    warning = str(error)
  except (IndexError, struct.error):
    warning = 'the file is truncated'
  if reader.size is None:
    raise BadImage(f'the JPEG header is damaged: {warning or "no frame"}')
  return Header('jpeg', *reader.size, reader.orientation, warning)


class _Reader:
  """A reader that visits all segments of a JPEG file.

  Attributes:
    size: height, width and number of components; None before the frame.
    orientation: the EXIF orientation.
  """

  def __init__(self, data: bytes):
    self._data = data
    self.size, self.orientation = None, 1
    self._progressive = False
    self._component_tables = {}  # component -> its quantization table
    self._quantization_tables = set()
    self._huffman_tables = set()

  def read(self):
    """Read all segments up to the end of the image."""
    position = 2
    while True:
      marker, segment, position = self._next_segment(position)
      if marker == _END:
        return
      if marker == _SCAN:
        self._read_scan(segment)
        position = self._skip_compressed_data(position)
      else:
        self._read_segment(marker, segment)

  def _next_segment(self, position: int):
    """Return a segment's marker and contents and the position after it."""
    data = self._data
    if data[position] != 0xFF:
      raise _Damage(f'no segment starts at byte {position}')
    marker = data[position + 1]
    while marker == _PADDING or marker in _WITHOUT_LENGTH:
      position += 1 if marker == _PADDING else 2
      marker = data[position + 1]
    if marker == _END:
      if self.size is None:
        raise _Damage('it has no image data')
      return marker, b'', position
    length = data[position + 2] << 8 | data[position + 3]
    end = position + 2 + length
    if length < 2 or end > len(data):
      raise _Damage('the file is truncated')
    return marker, data[position + 4 : end], end

  def _skip_compressed_data(self, position: int) -> int:
    """Return the position of the segment after the compressed data."""
    match = _NEXT_MARKER.search(self._data, position)
    if match is None:
      raise _Damage('the file is truncated')
    return match.end() - 2

  def _read_segment(self, marker: int, segment: bytes):
    if marker in (_BASELINE, _EXTENDED, _PROGRESSIVE):
      self._read_frame(marker, segment)
    elif marker in _OTHER_FRAMES:
      raise BadImage(f'the JPEG process {marker:#x} is not supported')
    elif marker == _HUFFMAN:
      self._huffman_tables |= _huffman_tables(segment)
    elif marker == _QUANTIZATION:
      self._read_quantization(segment)
    elif marker == _APP1 and segment.startswith(b'Exif\0\0'):
      self.orientation = read_orientation(segment[6:])
    elif marker not in _BETWEEN_SCANS:
      raise _Damage(f'there is an unknown marker {marker:#x}')

  def _read_frame(self, marker: int, segment: bytes):
    precision, height, width, components = struct.unpack_from('>BHHB', segment)
    if self.size is not None:
      raise _Damage('it has two frame headers')
    if precision != 8:
      raise BadImage(f'a JPEG of {precision} bits is not supported')
    if not (height and width):
      raise BadImage(f'the JPEG is {width} pixels wide and {height} high')
    if components not in (1, 3, 4) or len(segment) != 6 + 3 * components:
      raise BadImage(f'a JPEG of {components} components is not supported')
    for sampling in segment[7::3]:
      if not (1 <= sampling >> 4 <= 4 and 1 <= sampling & 15 <= 4):
        raise BadImage('the JPEG header is damaged: sampling factors')
    self.size = height, width, components
    self._progressive = marker == _PROGRESSIVE
    tables = segment[8::3]
    self._component_tables = dict(zip(segment[6::3], tables, strict=True))

  def _read_quantization(self, segment: bytes):
    position = 0
    while position < len(segment):
      precision, table = segment[position] >> 4, segment[position] & 15
      position += 129 if precision else 65
      if precision > 1 or table > 3 or position > len(segment):
        raise _Damage('a quantization table is damaged')
      self._quantization_tables.add(table)

  def _read_scan(self, segment: bytes):
    if self.size is None:
      raise _Damage('a scan comes before the frame header')
    count = segment[0]
    components, tables = segment[1 : 1 + 2 * count : 2], segment[2::2]
    is_sound = 1 <= count <= 4 and len(segment) == 4 + 2 * count
    if not is_sound or len(set(components)) != count:
      raise _Damage('a scan header is damaged')
    first, last, approximation = segment[-3:]
    for component, table in zip(components, tables, strict=False):
      if component not in self._component_tables:
        raise _Damage('a scan names a component that is not there')
      if self._component_tables[component] not in self._quantization_tables:
        raise _Damage('a quantization table is missing')
      self._check_tables(table, first, last, approximation)
    if self._progressive and not _is_progression(
      first, last, approximation, count
    ):
      raise _Damage('a scan header is damaged')

  def _check_tables(self, table: int, first, last, approximation):
    """Check that the Huffman tables of a component in a scan are there."""
    needed = set()
    if not self._progressive or (first == 0 and approximation >> 4 == 0):
      needed.add(table >> 4)
    if not self._progressive or last > 0:
      needed.add(0x10 | table & 15)
    if not needed <= self._huffman_tables:
      raise _Damage('a Huffman table is missing')


@functools.lru_cache(maxsize=256)  # most files use the tables of the standard
def _huffman_tables(segment: bytes) -> frozenset:
  """Return the ids of a segment's Huffman tables; AC tables count from 16."""
  tables, position = set(), 0
  while position < len(segment):
    table = segment[position]
    lengths = segment[position + 1 : position + 17]
    start, position = position + 17, position + 17 + sum(lengths)
    if position > len(segment) or table & 15 > 3 or table >> 4 > 1:
      raise _Damage('a Huffman table is damaged')
    is_dc = table >> 4 == 0
    _check_code(lengths, segment[start:position] if is_dc else b'')
    tables.add(table)
  return frozenset(tables)


def _check_code(lengths: bytes, dc_symbols: bytes):
  """Check that the code lengths form a prefix code.

  Args:
    lengths: the number of codes of 1, 2, ..., 16 bits.
    dc_symbols: the symbols of a DC table; empty for an AC table.
  """
  free = 1
  for count in lengths:
    free = 2 * free - count
    if free < 0:
      raise _Damage('a Huffman table is damaged')
  if sum(lengths) > 256 or (dc_symbols and max(dc_symbols) > 15):
    raise _Damage('a Huffman table is damaged')


def _is_progression(first, last, approximation, count) -> bool:
  """Return whether the parameters of a progressive scan are valid."""
  high, low = approximation >> 4, approximation & 15
  is_dc = first == 0 and last == 0
  is_band = 1 <= first <= last <= 63 and count == 1
  return (is_dc or is_band) and low <= 13 and high in (0, low + 1)


def read_orientation(tiff: bytes) -> int:
  """Return the orientation that EXIF data state, 1 if they state none.

  Args:
    tiff: the EXIF data after the `Exif` signature.
  """
  order = {b'II': '<', b'MM': '>'}.get(tiff[:2])
  if order is None:
    return 1
  try:
    (start,) = struct.unpack_from(f'{order}I', tiff, 4)
    (count,) = struct.unpack_from(f'{order}H', tiff, start)
    for index in range(min(count, 256)):
      entry = start + 2 + 12 * index
      tag, kind = struct.unpack_from(f'{order}HH', tiff, entry)
      if (tag, kind) == (0x0112, 3):
        (value,) = struct.unpack_from(f'{order}H', tiff, entry + 8)
        return value if 1 <= value <= 8 else 1
  except struct.error:
    pass
  return 1
