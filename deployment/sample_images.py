"""Images to try a network on: of its data set, or made for the purpose."""

import itertools
from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

import slim_errors
from datasets import dataset_factory, dataset_utils
from deployment import export_metadata

_SIDE = 400


class Record(NamedTuple):
  """One image as it is stored: its bytes, their format and its label."""

  encoded: bytes
  format: str
  label: int


def record(options) -> Record:
  """Returns one image of a data set by its number.

  Args:
    options: dataset_name, dataset_split_name, dataset_dir and index.

  Raises:
    UserError: if the split does not have so many.
  """
  dataset = dataset_factory.get_dataset(
    options.dataset_name, options.dataset_split_name, options.dataset_dir
  )
  records = itertools.chain.from_iterable(
    map(tf.io.tf_record_iterator, dataset_utils.list_files(dataset))
  )
  content = next(itertools.islice(records, options.index, None), None)
  if content is None:
    raise slim_errors.UserError(
      f'--index={options.index}: the split has {dataset.num_samples} images.'
    )
  features = tf.train.Example.FromString(content).features.feature
  return Record(
    features[dataset.image_key].bytes_list.value[0],
    features[dataset.format_key].bytes_list.value[0].decode(),
    features[dataset.label_key].int64_list.value[0],
  )


def prepare(image_files, metadata):
  """Returns image files as the evaluation gives them to the network.

  Args:
    image_files: the bytes of each.
    metadata: see `export_metadata.describe`.

  Returns:
    float32 [images, size, size, channels].
  """
  preparation = export_metadata.preparation(metadata)
  with tf.Graph().as_default(), tf.Session() as session:
    one = tf.placeholder(tf.string, [])
    run = session.make_callable(preparation.apply(one), [one])
    return np.stack([run(image) for image in image_files])


def encoded(options, metadata):
  """Returns the bytes of images: of the data set, else made for the purpose."""
  count = options.verify_images
  files = files_of(options, training=False)
  if files:
    return first(files, count)
  return _waves(count, metadata['channels'])


def files_of(options, training: bool):
  """Returns the TFRecords of the data set's training split, or of another.

  None where there are none.
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
      ).data_sources
    except slim_errors.UserError:
      continue
  return None


def first(files, count: int):
  """Returns the bytes of the first images of some TFRecords."""
  found = []
  for path in files:
    for record in tf.python_io.tf_record_iterator(path):
      features = tf.train.Example.FromString(record).features.feature
      found.append(features['image/encoded'].bytes_list.value[0])
      if len(found) == count:
        return found
  return found


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
