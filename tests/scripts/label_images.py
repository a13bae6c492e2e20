"""Image files, good and bad, for the tests of both label_image programs."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

_RED = np.zeros([20, 30, 3], np.uint8) + np.array([200, 40, 10], np.uint8)


def _encoded(image, kind, **options):
  file = io.BytesIO()
  image.save(file, kind, **options)
  return file.getvalue()


def _animation():
  frames = [Image.fromarray(255 - _RED), Image.fromarray(_RED // 2)]
  return _encoded(
    Image.fromarray(_RED), 'GIF', save_all=True, append_images=frames
  )


def _png_of_size(width, height):
  """Returns a PNG that says it is large."""

  def chunk(kind, data):
    checksum = struct.pack('>I', zlib.crc32(kind + data))
    return struct.pack('>I', len(data)) + kind + data + checksum

  header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
  return (
    b'\x89PNG\r\n\x1a\n'
    + chunk(b'IHDR', header)
    + chunk(b'IDAT', zlib.compress(bytes(1000)))
    + chunk(b'IEND', b'')
  )


def _resized(data, position, layout, width, height):
  """Returns a file whose header says another size."""
  size = struct.pack(layout, width, height)
  return data[:position] + size + data[position + len(size) :]


def _gif_of_size(data, width, height):
  start = data.index(b'\x2c\0\0\0\0\x1e\0\x14\0')
  return _resized(data, start + 5, '<HH', width, height)


def _jpeg_of_size(data, width, height):
  start = data.index(b'\xff\xc0')
  return _resized(data, start + 5, '>HH', height, width)


def contents():
  """Returns file name -> bytes."""
  red = Image.fromarray(_RED)
  jpeg, png = _encoded(red, 'JPEG', quality=95), _encoded(red, 'PNG')
  gif, bmp = _encoded(red, 'GIF'), _encoded(red, 'BMP')
  deep = Image.fromarray(_RED[..., 0].astype(np.uint16) * 257)
  return {
    'red.jpg': jpeg,
    'red.png': png,
    'red.gif': gif,
    'red.bmp': bmp,
    'red.webp': _encoded(red, 'WEBP', lossless=True),
    'png_named.jpg': png,
    'progressive.jpg': _encoded(red, 'JPEG', progressive=True),
    'cmyk.jpg': _encoded(red.convert('CMYK'), 'JPEG', quality=95),
    'gray.jpg': _encoded(red.convert('L'), 'JPEG'),
    'gray.png': _encoded(red.convert('L'), 'PNG'),
    'gray.bmp': _encoded(red.convert('L'), 'BMP'),
    'gray_alpha.png': _encoded(red.convert('LA'), 'PNG'),
    'alpha.png': _encoded(red.convert('RGBA'), 'PNG'),
    'palette.png': _encoded(red.convert('P'), 'PNG'),
    'bits.png': _encoded(red.convert('1'), 'PNG'),
    'deep.png': _encoded(deep, 'PNG'),
    'animated.gif': _animation(),
    'palette.bmp': _encoded(red.convert('P'), 'BMP'),
    'red.tiff': _encoded(red, 'TIFF'),
    'cut.jpg': jpeg[: len(jpeg) // 2],
    'cut.png': png[: len(png) // 2],
    'cut.gif': gif[: len(gif) // 2],
    'cut.bmp': bmp[: len(bmp) // 2],
    'head.jpg': jpeg[:4],
    'head.png': png[:12],
    'head.gif': gif[:8],
    'head.bmp': bmp[:10],
    'words.jpg': b'This is not an image.\n' * 9,
    'empty.jpg': b'',
    'bomb.jpg': _jpeg_of_size(jpeg, 65000, 65000),
    'bomb.png': _png_of_size(60000, 60000),
    'bomb.gif': _gif_of_size(gif, 60000, 60000),
    'bomb.bmp': _resized(bmp, 18, '<ii', 60000, 60000),
    'most_negative.bmp': _resized(bmp, 18, '<ii', -(2**31), -(2**31)),
    'no_pixels.png': _png_of_size(0, 0),
  }


def write(folder):
  """Writes every file into a folder."""
  for name, data in contents().items():
    (folder / name).write_bytes(data)
