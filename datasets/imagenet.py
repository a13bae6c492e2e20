"""ImageNet ILSVRC2012: 1,331,167 images, 50,000 of them for validation.

ImageNet Large Scale Visual Recognition Challenge
Olga Russakovsky et al., arXiv:1409.0575

The labels are 1 to 1000, in the order of the WordNet ids (synsets). Label 0 is
a background class without images, so there are 1001 classes.

imagenet_synsets.txt (a WordNet id and a readable name on each line) and
imagenet_validation_labels.txt (the WordNet id of each validation image) are
from the data files of the packages tensorflow-datasets 4.9.10 and timm 1.0.31,
both under the Apache License 2.0.
"""

import functools
import os

from datasets import classification

LOAD_READABLE_NAMES = True

_FOLDER = os.path.dirname(os.path.abspath(__file__))


def _read_lines(filename: str) -> list[str]:
  with open(os.path.join(_FOLDER, filename), encoding='utf-8') as file:
    return file.read().splitlines()


@functools.cache
def synsets() -> dict[str, str]:
  """Return WordNet id -> readable name, in the order of labels 1 to 1000."""
  return dict(
    line.split('\t', 1) for line in _read_lines('imagenet_synsets.txt')
  )


def validation_synsets() -> list[str]:
  """Return the WordNet id of each of the 50,000 validation images."""
  return _read_lines('imagenet_validation_labels.txt')


def create_readable_names_for_imagenet_labels() -> dict[int, str]:
  """Return label -> readable name for the labels 0 to 1000.

  Label 0 is the background. No network access is needed.
  """
  return {
    0: 'background',
    **dict(enumerate(synsets().values(), 1)),
  }


def _labels_to_names() -> dict[int, str] | None:
  if LOAD_READABLE_NAMES:
    return create_readable_names_for_imagenet_labels()
  return None


def _add_items(keys_to_features, items_to_handlers):
  """Add the name of the class and the bounding boxes."""
  import tensorflow.compat.v1 as tf

  from tf_slim_compat import slim

  keys_to_features['image/class/text'] = tf.FixedLenFeature([], tf.string, '')
  prefix, sides = 'image/object/bbox/', ['ymin', 'xmin', 'ymax', 'xmax']
  for side in sides:
    keys_to_features[prefix + side] = tf.VarLenFeature(tf.float32)
  keys_to_features[f'{prefix}label'] = tf.VarLenFeature(tf.int64)
  decoder = slim.tfexample_decoder
  items_to_handlers['label_text'] = decoder.Tensor('image/class/text')
  items_to_handlers['object/bbox'] = decoder.BoundingBox(sides, prefix)
  items_to_handlers['object/label'] = decoder.Tensor(f'{prefix}label')


SPLITS_TO_SIZES = {'train': 1281167, 'validation': 50000}
_SPLITS_TO_SIZES = SPLITS_TO_SIZES

SPEC = classification.ClassificationSpec(
  name='imagenet',
  splits=SPLITS_TO_SIZES,
  num_classes=1001,
  file_patterns=('%s-*-of-*',),
  descriptions={
    'image': 'A color image of varying height and width, uint8.',
    'label': 'The class, an integer from 1 to 1000; 0 is the background.',
    'label_text': 'The name of the class.',
    'object/bbox': 'Bounding boxes [ymin, xmin, ymax, xmax], values in [0, 1].',
    'object/label': 'The class of each box.',
  },
  conversion_command=(
    'bash datasets/download_and_preprocess_imagenet.sh {dataset_dir}'
  ),
  add_items=_add_items,
  default_class_names=_labels_to_names,
)

get_split = SPEC.get_split
