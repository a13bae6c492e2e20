"""CIFAR-10: 60,000 color images of 32 x 32 pixels in ten classes.

Learning Multiple Layers of Features from Tiny Images
Alex Krizhevsky
Technical report, University of Toronto, 2009
"""

from datasets import classification

SPLITS_TO_SIZES = {'train': 50000, 'test': 10000}

SPEC = classification.ClassificationSpec(
  name='cifar10',
  splits=SPLITS_TO_SIZES,
  num_classes=10,
  image_size=(32, 32),
  file_patterns=('cifar10_%s.tfrecord',),
  descriptions={
    'image': 'A [32 x 32 x 3] color image, uint8.',
    'label': 'The class, an integer from 0 to 9.',
  },
)

get_split = SPEC.get_split
