"""Images to try a network on: from its data set, or generated."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from datasets import dataset_factory, reading
from deployment.export import model_metadata
from deployment.export.config import ExportConfig
from slim_support import errors

_SIDE = 400


def prepare(
  image_files: Iterable[bytes], metadata: dict[str, Any]
) -> np.ndarray:
  """Return images as evaluation feeds them to the network.

  Args:
    image_files: the bytes of each.
    metadata: see `model_metadata.describe`.

  Returns:
    float32 [images, size, size, channels].
  """
  return np.stack([*prepared(image_files, metadata)])


def prepared(
  image_files: Iterable[bytes], metadata: dict[str, Any]
) -> Iterator[np.ndarray]:
  """Yield images as evaluation feeds them, float32 [size, size, channels].

  Args:
    image_files: the bytes of each.
    metadata: see `model_metadata.describe`.
  """
  preparation = model_metadata.preparation(metadata)
  with tf.Graph().as_default() as graph:
    one = tf.placeholder(tf.string, [])
    result = preparation.apply(one)
  with tf.Session(graph=graph) as session:
    run = session.make_callable(result, [one])
    for image in image_files:
      yield run(image)


def encoded(options: ExportConfig, metadata: dict[str, Any]) -> Iterator[bytes]:
  """Yield the bytes of up to --verify_images images.

  They come from the data set; without one they are generated.

  Args:
    options: the configuration.
    metadata: see `model_metadata.describe`.

  Raises:
    UserError: if the data set cannot be read.
  """
  dataset = find_dataset(options, training=False)
  if dataset is None:
    yield from _waves(options.verify_images, metadata['channels'])
  else:
    for record in itertools.islice(
      reading.records(dataset), options.verify_images
    ):
      yield record.encoded


def find_dataset(options: ExportConfig, training: bool) -> Any | None:
  """Return a split of the data set as a tf-slim Dataset.

  Args:
    options: the configuration.
    training: True for the training split, False for another one.

  Returns:
    None where the configuration names no folder or there is no such split.
  """
  if not options.dataset_dir:
    return None
  for split in dataset_factory.get_spec(options.dataset_name).splits:
    if (split == 'train') == training:
      try:
        return dataset_factory.get_dataset(
          options.dataset_name, split, options.dataset_dir
        )
      except errors.UserError:
        continue
  return None


def _waves(count, channels):
  """Yield PNGs of coloured waves, each different, the same in every run."""
  rng = np.random.RandomState(0)
  y, x = np.mgrid[0:_SIDE, 0:_SIDE] / _SIDE
  with tf.Graph().as_default() as graph:
    pixels = tf.placeholder(tf.uint8, [None, None, channels])
    png = tf.io.encode_png(pixels)
  with tf.Session(graph=graph) as session:
    encode = session.make_callable(png, [pixels])
    for _ in range(count):
      waves = [
        np.sin(2 * np.pi * (a * x + b * y + c))
        for a, b, c in rng.uniform(-4, 4, (channels, 3))
      ]
      image = 127.5 + 127.5 * np.stack(waves, axis=2)
      yield encode(image.astype(np.uint8))
