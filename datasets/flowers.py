"""Flowers: 3,670 photographs of five kinds, 3,320 to train, 350 to validate.

Published by the TensorFlow team with the tutorial "How to Retrain an Image
Classifier for New Categories"; the photographers are named in the archive's
LICENSE.txt.
"""

from datasets import classification

SPEC = classification.ClassificationSpec(
  name='flowers',
  splits={'train': 3320, 'validation': 350},
  num_classes=5,
  # Older conversions wrote flowers_train_00000-of-00005.tfrecord.
  file_patterns=('flowers_%s-*.tfrecord', 'flowers_%s_*.tfrecord'),
  descriptions={
    'image': 'A color image of varying size, uint8.',
    'label': 'The kind of flower, an integer from 0 to 4.',
  },
)

get_split = SPEC.get_split
