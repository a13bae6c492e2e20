"""Flowers: 3,670 photographs in five classes, 350 of them for validation.

Published by the TensorFlow team with the tutorial "How to Retrain an Image
Classifier for New Categories"; the photographers are named in the archive's
LICENSE.txt.
"""

from datasets import classification

SPLITS_TO_SIZES = {'train': 3320, 'validation': 350}

SPEC = classification.ClassificationSpec(
  name='flowers',
  splits=SPLITS_TO_SIZES,
  num_classes=5,
  # Older conversions wrote flowers_train_00000-of-00005.tfrecord.
  file_patterns=('flowers_%s-*.tfrecord', 'flowers_%s_*.tfrecord'),
  descriptions={
    'image': 'A color image of varying size, uint8.',
    'label': 'The class, an integer from 0 to 4.',
  },
)

get_split = SPEC.get_split
