"""Builds tf-slim `Dataset`s: which files, and how a record is decoded."""

import tensorflow.compat.v1 as tf

import slim_errors
from datasets import classification
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
  files = classification.find_files(spec, split_name, dataset_dir, file_pattern)
  num_samples = classification.num_samples(spec, split_name, dataset_dir)
  if num_samples is None:
    num_samples = _count_records(files)
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
    num_classes=classification.num_classes(spec, dataset_dir),
    labels_to_names=classification.class_names(spec, dataset_dir),
    name=spec.name,
    split_name=split_name,
    dataset_dir=dataset_dir,
    channels=spec.channels,
    image_shape=[*(spec.image_size or (None, None)), spec.channels],
    image_key=IMAGE_KEY,
    format_key=FORMAT_KEY,
    label_key=LABEL_KEY,
  )


def _count_records(files) -> int:
  """Counts the records of a split of which nothing else says the size."""
  count = 0
  for path in files:
    try:
      count += sum(1 for _ in tf.python_io.tf_record_iterator(path))
    except tf.errors.DataLossError as error:
      raise slim_errors.UserError(
        f'{path} is damaged after record {count}: {error.message}'
      ) from error
  return count
