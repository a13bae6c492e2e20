"""The first picture of a GIF.

Decoders decode all pictures of an animation at once, which can take gigabytes
where only the first picture is wanted.

CompuServe, Graphics Interchange Format, Version 89a,
https://www.w3.org/Graphics/GIF/spec-gif89a.txt
"""

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B


def first_picture(data: bytes) -> tuple[bytes, int, int]:
  """Return a GIF that ends after its first picture.

  Args:
    data: the whole file.

  Returns:
    The shortened file, the height and the width of its picture in pixels.

  Raises:
    ValueError: if the file ends before or in its first picture, or is damaged.
  """
  try:
    position = 13 + _color_table_bytes(data[10])
    while data[position] == _EXTENSION:
      position = _after_blocks(data, position + 2)
    if data[position] != _IMAGE:
      raise ValueError('it holds no picture')
    width = int.from_bytes(data[position + 5 : position + 7], 'little')
    height = int.from_bytes(data[position + 7 : position + 9], 'little')
    position += 10 + _color_table_bytes(data[position + 9])
    position = _after_blocks(data, position + 1)
  except IndexError as error:
    raise ValueError('the file is truncated') from error
  return data[:position] + bytes([_TRAILER]), height, width


def _color_table_bytes(packed):
  """Return the length of the color table that packed fields announce."""
  return 3 << ((packed & 7) + 1) if packed & 0x80 else 0


def _after_blocks(data, position):
  """Return where a sequence of data blocks ends."""
  while data[position]:
    position += data[position] + 1
  return position + 1
