"""Builds tf-slim `Dataset`s: which files, and how a record is decoded."""

import tensorflow.compat.v1 as tf

from datasets import converted, reading
from tf_slim_compat import slim

IMAGE_KEY = 'image/encoded'
FORMAT_KEY = 'image/format'
LABEL_KEY = 'image/class/label'

_ItemHandler = slim.tfexample_decoder.ItemHandler


class EncodedImage(_ItemHandler):
  """Decodes the image by what its bytes are, whatever its format is said to be.

  Args:
    channels: 1 for grayscale, 3 for RGB.
    image_size: height and width where they are fixed, else None.
  """

  def __init__(self, channels, image_size=None):
    super().__init__([IMAGE_KEY, FORMAT_KEY])
    self._shape = [*(image_size or (None, None)), channels]

  def tensors_to_item(self, keys_to_tensors):
    """Returns the image, uint8 of [height, width, channels]."""
    return decode(keys_to_tensors[IMAGE_KEY], self._shape)


def decode(encoded, shape):
  """Returns an image, uint8, by what its bytes are.

  Args:
    encoded: the bytes of a BMP, GIF, JPEG or PNG, a string scalar.
    shape: [height, width, channels], where height and width may both be None.
  """
  image = tf.io.decode_image(encoded, shape[-1], expand_animations=False)
  image.set_shape([None, None, shape[-1]])
  return image if shape[0] is None else tf.ensure_shape(image, shape)


def make(spec, split_name, dataset_dir, *, file_pattern=None, reader=None):
  """Returns the `Dataset` of a split; see `ClassificationSpec.get_split`."""
  files = converted.find_files(spec, split_name, dataset_dir, file_pattern)
  num_samples = converted.num_samples(spec, split_name, dataset_dir)
  if num_samples is None:
    num_samples = reading.count_records(files)
  keys_to_features = {
    IMAGE_KEY: tf.FixedLenFeature([], tf.string, ''),
    FORMAT_KEY: tf.FixedLenFeature([], tf.string, 'png'),
    LABEL_KEY: tf.FixedLenFeature([], tf.int64),
  }
  items_to_handlers = {
    'image': EncodedImage(spec.channels, spec.image_size),
    'label': slim.tfexample_decoder.Tensor(LABEL_KEY),
  }
  if spec.items:
    spec.items(keys_to_features, items_to_handlers)
  return slim.dataset.Dataset(
    data_sources=files,
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


class ImageDecoder:
  """Decodes one image at a time in a graph and session of its own."""

  def __init__(self):
    with tf.Graph().as_default() as graph:
      self._data = tf.placeholder(tf.string, [])
      self._image = tf.io.decode_image(
        self._data, channels=3, expand_animations=False
      )
    self._session = tf.Session(
      graph=graph, config=tf.ConfigProto(device_count={'GPU': 0})
    )

  def decode(self, data: bytes):
    """Returns the image, uint8 of [height, width, 3].

    Raises:
      tf.errors.InvalidArgumentError: if it cannot be decoded.
    """
    return self._session.run(self._image, {self._data: data})

  def decodes(self, data: bytes) -> bool:
    """Says whether an image can be decoded."""
    try:
      self.decode(data)
    except tf.errors.InvalidArgumentError:
      return False
    return True
