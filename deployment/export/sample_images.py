"""Images to try a network on: of its data set, or made for the purpose."""

import numpy as np
import tensorflow.compat.v1 as tf

from datasets import dataset_factory, reading
from deployment.export import model_metadata
from slim_support import errors

_SIDE = 400


def prepare(image_files, metadata):
  """Returns image files as the evaluation gives them to the network.

  Args:
    image_files: the bytes of each.
    metadata: see `model_metadata.describe`.

  Returns:
    float32 [images, size, size, channels].
  """
  preparation = model_metadata.preparation(metadata)
  with tf.Graph().as_default(), tf.Session() as session:
    one = tf.placeholder(tf.string, [])
    run = session.make_callable(preparation.apply(one), [one])
    return np.stack([run(image) for image in image_files])


def encoded(options, metadata):
  """Return the bytes of images: of the data set, else made for the purpose."""
  dataset = dataset_of(options, training=False)
  if dataset is not None:
    return reading.first_images(dataset, options.verify_images)
  return _waves(options.verify_images, metadata['channels'])


def dataset_of(options, training: bool):
  """Return the data set's training split, or another one.

  None where the configuration names no folder or there is no such split.
  """
  if not options.dataset_dir:
    return None
  splits = dataset_factory.get_spec(options.dataset_name).splits
  for split in splits:
    if (split == 'train') != training:
      continue
    try:
      return dataset_factory.get_dataset(
        options.dataset_name, split, options.dataset_dir
      )
    except errors.UserError:
      continue
  return None


def _waves(count, channels):
  """Returns PNGs of coloured waves, each another, the same on every run."""
  rng = np.random.RandomState(0)
  y, x = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
  with tf.Graph().as_default(), tf.Session() as session:
    pixels = tf.placeholder(tf.uint8, [None, None, channels])
    encode = session.make_callable(tf.io.encode_png(pixels), [pixels])
    found = []
    for _ in range(count):
      waves = [
        np.sin(2 * np.pi * (a * x + b * y + c))
        for a, b, c in rng.uniform(-4, 4, (channels, 3))
      ]
      image = 127.5 + 127.5 * np.stack(waves, axis=2)
      found.append(encode(image.astype(np.uint8)))
    return found
