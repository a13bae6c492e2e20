import random
import struct

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from datasets.images import headers
from tests.datasets.made import encode, picture

PICTURE = picture(0, height=45, width=60)
DEEP = (np.arange(45 * 60).reshape(45, 60) * 24).astype(np.uint16)
KINDS = {
  'jpeg': (lambda: encode(PICTURE), 3),
  'progressive': (lambda: encode(PICTURE, progressive=True), 3),
  'optimized': (lambda: encode(PICTURE, optimize=True), 3),
  'restarts': (lambda: encode(PICTURE, restart_marker_blocks=3), 3),
  'unsampled': (lambda: encode(PICTURE, subsampling=0), 3),
  'gray jpeg': (lambda: encode(PICTURE, mode='L'), 1),
  'cmyk': (lambda: encode(PICTURE, mode='CMYK'), 4),
  'commented': (lambda: encode(PICTURE, comment=b'\xff\xd9 not the end'), 3),
  'png': (lambda: encode(PICTURE, 'PNG'), 3),
  'gray png': (lambda: encode(PICTURE, 'PNG', 'L'), 1),
  'bitmap png': (lambda: encode(PICTURE, 'PNG', '1'), 1),
  'palette png': (lambda: encode(PICTURE, 'PNG', 'P'), 3),
  'rgba png': (lambda: encode(PICTURE, 'PNG', 'RGBA'), 4),
  'gray alpha png': (lambda: encode(PICTURE, 'PNG', 'LA'), 2),
  '16-bit png': (lambda: encode(DEEP, 'PNG'), 1),
}


@pytest.mark.parametrize('kind', KINDS)
def test_size_and_channels_are_read(kind):
  make, channels = KINDS[kind]
  header = headers.read_header(make())
  assert (header.height, header.width) == (45, 60)
  assert (header.channels, header.warning) == (channels, '')


@pytest.mark.parametrize('kind', KINDS)
def test_every_cut_is_noticed(kind):
  data = KINDS[kind][0]()
  for length in range(1, len(data), max(1, len(data) // 60)):
    try:
      header = headers.read_header(data[:length])
    except headers.BadImage:
      continue
    assert header.warning, f'{length} of {len(data)} bytes'


def test_images_without_warning_can_be_decoded():
  """Damages files at random; TensorFlow must decode all that pass."""
  chance = random.Random(0)
  contents = tf.placeholder(tf.string, [])
  decoded = tf.io.decode_image(contents, 3, expand_animations=False)
  passed = 0
  with tf.Session() as session:
    for kind in ('jpeg', 'progressive', 'optimized', 'cmyk', 'png'):
      data = KINDS[kind][0]()
      for _ in range(60):
        damaged = bytearray(data)
        start = chance.randrange(len(data))
        stop = start + chance.choice((1, 1, 20, 400))
        damaged[start:stop] = chance.randbytes(len(damaged[start:stop]))
        try:
          header = headers.read_header(bytes(damaged))
        except headers.BadImage:
          continue
        if not header.warning:
          session.run(decoded, {contents: bytes(damaged)})
          passed += 1
  assert passed > 50  # the check is not simply strict


@pytest.mark.parametrize(
  ('data', 'reason'),
  [
    (b'', 'empty'),
    (b'<html>', 'not an image'),
    (b'\xff\xd8\xff', 'damaged'),
    (b'\x89PNG\r\n\x1a\n', 'truncated'),
    (encode(PICTURE)[:100], 'damaged'),
  ],
)
def test_no_image_is_refused_with_a_reason(data, reason):
  with pytest.raises(headers.BadImage, match=reason):
    headers.read_header(data)


@pytest.mark.parametrize('image_format', ['GIF', 'BMP', 'WEBP', 'TIFF'])
def test_other_formats_are_recognized(image_format):
  header = headers.read_header(encode(PICTURE, image_format))
  assert header.image_format == image_format.lower()


@pytest.mark.parametrize('orientation', [1, 3, 6, 8])
def test_orientation_is_read(orientation):
  exif = Image.Exif()
  exif[0x0112] = orientation
  header = headers.read_header(encode(PICTURE, exif=exif))
  assert header.orientation == orientation


def test_unsupported_jpeg_processes_are_refused():
  data = bytearray(encode(PICTURE))
  frame = data.index(b'\xff\xc0')
  data[frame + 1] = 0xC3  # lossless
  with pytest.raises(headers.BadImage, match='0xc3'):
    headers.read_header(bytes(data))
  data[frame + 1] = 0xC0
  struct.pack_into('>H', data, frame + 5, 0)  # no lines
  with pytest.raises(headers.BadImage, match='0 high'):
    headers.read_header(bytes(data))
