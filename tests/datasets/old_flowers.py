"""A data set module in the style of the original library.

It knows nothing of this project's own attributes: it states its splits, finds
its files by a pattern, and decodes them with tf-slim alone.
"""

import os

import tensorflow.compat.v1 as tf

from datasets import dataset_utils
from tf_slim_compat import slim

_FILE_PATTERN = 'flowers_%s_*.tfrecord'
SPLITS_TO_SIZES = {'train': 12, 'validation': 6}
_NUM_CLASSES = 3
_ITEMS_TO_DESCRIPTIONS = {
  'image': 'A photograph.',
  'label': 'Its class.',
}


def get_split(split_name, dataset_dir, file_pattern=None, reader=None):
  """Returns a split."""
  if split_name not in SPLITS_TO_SIZES:
    raise ValueError(f'split name {split_name} was not recognized.')
  pattern = os.path.join(
    dataset_dir, (file_pattern or _FILE_PATTERN) % split_name
  )
  decoder = slim.tfexample_decoder.TFExampleDecoder(
    {
      'image/encoded': tf.FixedLenFeature((), tf.string, default_value=''),
      'image/format': tf.FixedLenFeature((), tf.string, default_value='png'),
      'image/class/label': tf.FixedLenFeature(
        [], tf.int64, default_value=tf.zeros([], dtype=tf.int64)
      ),
    },
    {
      'image': slim.tfexample_decoder.Image(),
      'label': slim.tfexample_decoder.Tensor('image/class/label'),
    },
  )
  labels_to_names = None
  if dataset_utils.has_labels(dataset_dir):
    labels_to_names = dataset_utils.read_label_file(dataset_dir)
  return slim.dataset.Dataset(
    data_sources=pattern,
    reader=reader or tf.TFRecordReader,
    decoder=decoder,
    num_samples=SPLITS_TO_SIZES[split_name],
    items_to_descriptions=_ITEMS_TO_DESCRIPTIONS,
    num_classes=_NUM_CLASSES,
    labels_to_names=labels_to_names,
  )
