"""The 1,797 handwritten digits that scikit-learn ships, as 28 x 28 images.

They are the test set of the UCI data set "Optical Recognition of Handwritten
Digits" (E. Alpaydin, C. Kaynak, 1998, CC BY 4.0), 8 x 8 pixels of 17 levels.
The conversion needs no network and takes seconds.
"""

from datasets import classification

SPEC = classification.ClassificationSpec(
  name='digits',
  splits={'train': 1500, 'test': 297},
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
