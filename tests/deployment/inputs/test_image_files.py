"""Image files of every kind become what the network was evaluated on."""

import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from deployment.inputs import image_files

_GRAY = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5
_COLOR = np.stack([_GRAY, 255 - _GRAY, _GRAY // 2], axis=2)


def _encode(mode, image_format):
  pixels = _GRAY if mode in ('L', 'LA') else _COLOR
  image = Image.fromarray(pixels)
  image = image.quantize(256) if mode == 'P' else image.convert(mode)
  file = io.BytesIO()
  image.save(file, image_format)
  return file.getvalue()


def _run(tensor):
  with tf.Session() as session:
    return session.run(tensor)


@pytest.mark.parametrize(
  ('mode', 'image_format', 'tolerance'),
  [
    ('L', 'PNG', 0),
    ('LA', 'PNG', 0),
    ('RGB', 'PNG', 0),
    ('RGBA', 'PNG', 0),
    ('L', 'BMP', 0),
    ('RGB', 'BMP', 0),
    ('L', 'GIF', 0),
    ('P', 'GIF', 3),
    ('L', 'JPEG', 12),
    ('RGB', 'JPEG', 60),
    ('CMYK', 'JPEG', 60),
  ],
)
@pytest.mark.parametrize('channels', [1, 3])
def test_decode(mode, image_format, tolerance, channels):
  image = _run(image_files.decode(_encode(mode, image_format), channels))
  assert image.dtype == np.uint8
  assert image.shape == (6, 8, channels)
  if mode in ('L', 'LA'):
    expected = np.repeat(_GRAY[:, :, None], channels, axis=2)
  elif channels == 3:
    expected = _COLOR
  else:
    expected = (_COLOR @ [0.2989, 0.5870, 0.1140])[:, :, None]
    tolerance += 1
  difference = np.abs(image.astype(float) - expected)
  # JPEG blurs colours most; on average it comes close.
  assert difference.max() <= tolerance
  assert difference.mean() <= 10


def test_scale_is_resize_then_normalise():
  data = _encode('RGB', 'PNG')
  image = _run(image_files.scale(data, 3, 4, 3, mean=100.0, std=50.0))
  # Corners are not aligned: a result of half the size takes every other pixel.
  expected = (_COLOR[::2, ::2].astype(np.float32) - 100) / 50
  np.testing.assert_allclose(image, expected, atol=1e-5)


def test_scale_keeps_gray_as_it_is():
  data = _encode('L', 'PNG')
  image = _run(image_files.scale(data, 6, 8, 1, mean=0.0, std=1.0))
  np.testing.assert_array_equal(image[:, :, 0], _GRAY)


@pytest.mark.parametrize(
  ('preprocessing', 'channels', 'low', 'high'),
  [
    ('lenet', 1, -1, 1),
    ('inception', 3, -1, 1),
    ('vgg_16', 3, -124, 152),
    ('cifarnet', 3, -9, 9),
  ],
)
def test_preparation(preprocessing, channels, low, high):
  preparation = image_files.Preparation(
    preprocessing, image_size=16, channels=channels, decoded_channels=channels
  )
  image = _run(preparation.apply(_encode('RGB', 'PNG')))
  assert image.shape == (16, 16, channels)
  assert image.dtype == np.float32
  assert low <= image.min() < image.max() <= high
  assert not tf.get_collection(tf.GraphKeys.SUMMARIES)
