"""Build tf-slim `Dataset`s: the files, and the decoding of their records."""

from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from datasets import converted, reading
from datasets.specification import DatasetSpec
from slim_support import errors
from tf_slim_compat import slim

IMAGE_KEY, FORMAT_KEY, LABEL_KEY = reading.FeatureKeys()

_ItemHandler = slim.tfexample_decoder.ItemHandler


class EncodedImage(_ItemHandler):
  """A handler that decodes an image by its bytes, not by its stated format.

  Args:
    channels: 1 for gray, 3 for RGB.
    image_size: (height, width) in pixels if they are fixed, else None.
  """

  def __init__(self, channels: int, image_size: tuple[int, int] | None = None):
    super().__init__([IMAGE_KEY, FORMAT_KEY])
    self._shape = [*(image_size or (None, None)), channels]

  def tensors_to_item(self, keys_to_tensors: dict[str, tf.Tensor]) -> tf.Tensor:
    """Return the image, uint8 [height, width, channels].

    Args:
      keys_to_tensors: feature name -> the parsed feature, a string scalar.
    """
    return decode(keys_to_tensors[IMAGE_KEY], self._shape)


def decode(encoded: tf.Tensor, shape: list[int | None]) -> tf.Tensor:
  """Return a decoded image, uint8 [height, width, channels].

  Args:
    encoded: the contents of a BMP, GIF, JPEG or PNG file, a string scalar.
    shape: [height, width, channels]; height and width may both be None.
  """
  image = tf.io.decode_image(encoded, shape[-1], expand_animations=False)
  image.set_shape([None, None, shape[-1]])
  return image if shape[0] is None else tf.ensure_shape(image, shape)


def make_dataset(
  spec: DatasetSpec,
  split_name: str,
  dataset_dir: str,
  *,
  file_pattern: str | None = None,
  reader: Any = None,
) -> slim.dataset.Dataset:
  """Return the `Dataset` of a split.

  Args:
    spec: the data set.
    split_name: the name of the split.
    dataset_dir: the folder of the converted files.
    file_pattern: see `ClassificationSpec.get_split`.
    reader: see `ClassificationSpec.get_split`.

  Raises:
    UserError: see `ClassificationSpec.get_split`.
  """
  paths = converted.find_files(spec, split_name, dataset_dir, file_pattern)
  num_samples = converted.num_samples(spec, split_name, dataset_dir)
  if num_samples is None:
    num_samples = reading.count_records(paths)
  keys_to_features = {
    IMAGE_KEY: tf.FixedLenFeature([], tf.string, ''),
    FORMAT_KEY: tf.FixedLenFeature([], tf.string, 'png'),
    LABEL_KEY: tf.FixedLenFeature([], tf.int64),
  }
  items_to_handlers = {
    'image': EncodedImage(spec.channels, spec.image_size),
    'label': slim.tfexample_decoder.Tensor(LABEL_KEY),
  }
  if spec.add_items:
    spec.add_items(keys_to_features, items_to_handlers)
  return slim.dataset.Dataset(
    data_sources=paths,
    reader=reader or tf.TFRecordReader,
    decoder=slim.tfexample_decoder.TFExampleDecoder(
      keys_to_features, items_to_handlers
    ),
    num_samples=num_samples,
    items_to_descriptions=dict(spec.descriptions),
    num_classes=converted.num_classes(spec, dataset_dir),
    labels_to_names=converted.class_names(spec, dataset_dir),
    name=spec.name,
    split_name=split_name,
    dataset_dir=dataset_dir,
    channels=spec.channels,
    image_shape=[*(spec.image_size or (None, None)), spec.channels],
    image_key=IMAGE_KEY,
    format_key=FORMAT_KEY,
    label_key=LABEL_KEY,
  )


def adopt(
  dataset: Any, name: str, split_name: str, dataset_dir: str
) -> slim.dataset.Dataset:
  """Return the `Dataset` of another program, made fit for this library.

  It gets the attributes `name`, `split_name` and `dataset_dir` if it lacks
  them. Default values of its features that are tensors become constants, so
  that it can be used in other graphs than the one it was made in.

  Args:
    dataset: the tf-slim `Dataset`, which is changed.
    name: the name of the data set.
    split_name: the name of the split.
    dataset_dir: the folder of its files.

  Raises:
    UserError: if its files are missing or unreadable.
  """
  known = {'name': name, 'split_name': split_name, 'dataset_dir': dataset_dir}
  for attribute, value in known.items():
    if not hasattr(dataset, attribute):
      setattr(dataset, attribute, value)
  _make_defaults_constant(getattr(dataset.decoder, '_keys_to_features', {}))
  paths = reading.list_files(dataset)
  if not paths:
    raise errors.UserError(
      f'The data set {name!r} has no files of the split {split_name!r}: '
      f'nothing matches {dataset.data_sources}.'
    )
  for path in paths:
    converted.check_readable(path)
  return dataset


def _make_defaults_constant(keys_to_features: dict[str, Any]) -> None:
  """Replace the tensors among the default values by their values."""
  for key, feature in keys_to_features.items():
    default = getattr(feature, 'default_value', None)
    value = tf.get_static_value(default) if tf.is_tensor(default) else None
    if value is not None:
      keys_to_features[key] = feature._replace(default_value=value)


class ImageDecoder:
  """A decoder for one image at a time, in a graph and session of its own."""

  def __init__(self):
    with tf.Graph().as_default() as graph:
      self._data = tf.placeholder(tf.string, [])
      self._image = tf.io.decode_image(
        self._data, channels=3, expand_animations=False
      )
    self._session = tf.Session(
      graph=graph, config=tf.ConfigProto(device_count={'GPU': 0})
    )

  def decode(self, data: bytes) -> np.ndarray:
    """Return the image, uint8 [height, width, 3].

    Args:
      data: the contents of an image file.

    Raises:
      tf.errors.InvalidArgumentError: if it cannot be decoded.
    """
    return self._session.run(self._image, {self._data: data})

  def can_decode(self, data: bytes) -> bool:
    """Return whether an image can be decoded.

    Args:
      data: the contents of an image file.
    """
    try:
      self.decode(data)
    except tf.errors.InvalidArgumentError:
      return False
    return True
