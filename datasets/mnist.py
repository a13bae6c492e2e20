"""MNIST: 70,000 handwritten digits of 28 x 28 pixels, 10,000 for testing.

Gradient-Based Learning Applied to Document Recognition
Yann LeCun, Leon Bottou, Yoshua Bengio, Patrick Haffner
Proceedings of the IEEE 86 (11), 1998
"""

from datasets import classification

SPLITS_TO_SIZES = {'train': 60000, 'test': 10000}

SPEC = classification.ClassificationSpec(
  name='mnist',
  splits=SPLITS_TO_SIZES,
  num_classes=10,
  channels=1,
  image_size=(28, 28),
  file_patterns=('mnist_%s.tfrecord',),
  descriptions={
    'image': 'A [28 x 28 x 1] grayscale image, uint8.',
    'label': 'The digit, an integer from 0 to 9.',
  },
)

get_split = SPEC.get_split
