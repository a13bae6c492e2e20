"""Digits: the 1,797 handwritten digits of scikit-learn, enlarged to 28 x 28.

They are the test set of the UCI data set "Optical Recognition of Handwritten
Digits" (E. Alpaydin, C. Kaynak, 1998, CC BY 4.0), 8 x 8 pixels in 17 levels.
The conversion needs no network access and takes seconds.
"""

from datasets import classification

SPLITS_TO_SIZES = {'train': 1500, 'test': 297}

SPEC = classification.ClassificationSpec(
  name='digits',
  splits=SPLITS_TO_SIZES,
  num_classes=10,
  channels=1,
  image_size=(28, 28),
  file_patterns=('digits_%s.tfrecord',),
  descriptions={
    'image': 'A [28 x 28 x 1] grayscale image, uint8.',
    'label': 'The digit, an integer from 0 to 9.',
  },
)

get_split = SPEC.get_split
