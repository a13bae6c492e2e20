"""Photo-like images to measure with, the same on every machine.

Clouds of noise whose amplitude falls with frequency as that of photographs
does, shapes with sharp edges, and grain, stored as JPEG.
"""

import io
import os

import numpy as np
import tensorflow.compat.v1 as tf

from datasets import classification, dataset_utils
from slim_support import errors

NUM_CLASSES = 5
_FALL = 1.4  # of the amplitude with frequency
_SHAPES = 12
_GRAIN = 2.5
_QUALITY = 90


def photo(number: int, height: int, width: int) -> np.ndarray:
  """Return the photo with this number, uint8 [height, width, 3]."""
  random = np.random.default_rng(number)
  clouds = np.stack([_clouds(random, height, width) for _ in range(4)], -1)
  image = 115 + 50 * (0.8 * clouds[..., :1] + 0.4 * clouds[..., 1:])
  rows, columns = np.mgrid[:height, :width]
  for _ in range(_SHAPES):
    row, column = random.uniform(0, height), random.uniform(0, width)
    radii = random.uniform(0.03, 0.3, 2) * [height, width]
    within = ((rows - row) / radii[0]) ** 2 + (
      (columns - column) / radii[1]
    ) ** 2
    color = random.uniform(0, 255, 3)
    image[within < 1] = 0.5 * image[within < 1] + 0.5 * color
  image += _GRAIN * random.normal(size=(height, width, 1))
  return np.clip(image, 0, 255).astype(np.uint8)


def _clouds(random, height, width):
  frequency = np.hypot(
    np.fft.fftfreq(height)[:, np.newaxis], np.fft.rfftfreq(width)
  )
  frequency[0, 0] = 1 / max(height, width)
  phases = np.exp(2j * np.pi * random.uniform(size=frequency.shape))
  field = np.fft.irfft2(phases / frequency**_FALL, s=(height, width))
  return (field - field.mean()) / field.std()


def jpeg(image: np.ndarray) -> bytes:
  """Return an image as JPEG with 4:2:0 chroma, as cameras write it."""
  pillow = errors.import_extra('PIL.Image', 'images')
  buffer = io.BytesIO()
  pillow.fromarray(image).save(buffer, 'JPEG', quality=_QUALITY)
  return buffer.getvalue()


def png(image: np.ndarray) -> bytes:
  """Return a grayscale image, uint8 [height, width], as PNG."""
  pillow = errors.import_extra('PIL.Image', 'images')
  buffer = io.BytesIO()
  pillow.fromarray(image).save(buffer, 'PNG')
  return buffer.getvalue()


def photos(folder: str, count: int, *, height=375, width=500, shards=4):
  """Return a data set of `count` JPEGs, written to the folder if need be."""

  def encoded(number):
    return jpeg(photo(number, height, width)), b'jpeg', height, width

  _write(folder, count, shards, encoded)
  return _dataset(folder, count, 3)


def small_images(folder: str, count: int, *, channels=1, shards=1):
  """Return a data set of PNGs, as MNIST's (28 x 28) or CIFAR-10's (32 x 32).

  Args:
    folder: where the files are, or will be written.
    count: how many images.
    channels: 1 for 28 x 28 gray images, 3 for 32 x 32 RGB images.
    shards: into how many files.
  """
  side = 28 if channels == 1 else 32

  def encoded(number):
    image = photo(number, side, side)
    image = image[..., 0] if channels == 1 else image
    return png(image), b'png', side, side

  _write(folder, count, shards, encoded)
  return _dataset(folder, count, channels, (side, side))


def _write(folder, count, shards, encoded):
  """Write the images in shards; `_WRITTEN` says that all are there."""
  written = os.path.join(folder, 'written')
  if os.path.exists(written):
    return
  os.makedirs(folder, exist_ok=True)
  for shard in range(shards):
    path = os.path.join(folder, f'train_{shard:05d}-of-{shards:05d}.tfrecord')
    with tf.io.TFRecordWriter(path) as writer:
      for number in range(shard, count, shards):
        data, image_format, height, width = encoded(number)
        example = dataset_utils.image_to_tfexample(
          data, image_format, height, width, number % NUM_CLASSES
        )
        writer.write(example.SerializeToString())
  with open(written, 'w', encoding='utf-8') as file:
    file.write(f'{count}\n')


def _dataset(folder, count, channels, image_size=None):
  spec = classification.ClassificationSpec(
    name='benchmark',
    splits={'train': count},
    num_classes=NUM_CLASSES,
    channels=channels,
    image_size=image_size,
    file_patterns=('%s_*.tfrecord',),
  )
  return spec.get_split('train', folder)
