"""Converts the digits that scikit-learn ships to TFRecords of PNGs."""

import numpy as np

from datasets.conversion import engine
from datasets.download_and_convert_mnist import array_split
from slim_support import errors

_NUM_TEST = 297
_BRIGHTEST = 16  # each 8 x 8 pixel counts the inked ones of a 4 x 4 block
_SIDE, _BORDER = 20, 4  # MNIST's own layout: 20 x 20 in the middle of 28 x 28


def _interpolation(old: int, new: int) -> np.ndarray:
  """Returns the [new, old] matrix of linear interpolation, centres aligned."""
  position = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
  below = np.minimum(np.floor(position).astype(int), old - 2)
  share = position - below
  matrix = np.zeros((new, old))
  matrix[np.arange(new), below] = 1 - share
  matrix[np.arange(new), below + 1] = share
  return matrix


def _enlarge(images: np.ndarray) -> np.ndarray:
  """Enlarges digits to MNIST's size.

  Args:
    images: numbers from 0 to 16 of [number, 8, 8].

  Returns:
    uint8 of [number, 28, 28, 1].
  """
  matrix = _interpolation(images.shape[1], _SIDE)
  large = matrix @ images @ matrix.T * (255 / _BRIGHTEST)
  border = ((0, 0), (_BORDER, _BORDER), (_BORDER, _BORDER))
  large = np.pad(np.rint(large), border)
  return large.astype(np.uint8)[..., np.newaxis]


def _split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Returns the indices to train and to test on, every class in proportion.

  The permutation is drawn once and for all.
  """
  order = np.random.RandomState(0).permutation(len(labels))
  by_class = order[np.argsort(labels[order], kind='stable')]
  chosen = np.arange(_NUM_TEST) * len(labels) // _NUM_TEST
  is_test = np.zeros(len(labels), bool)
  is_test[by_class[chosen]] = True
  return order[~is_test[order]], order[is_test[order]]


def _open(unused_paths, unused_work_folder) -> engine.Content:
  sklearn_datasets = errors.import_extra('sklearn.datasets', 'digits')
  digits = sklearn_datasets.load_digits()
  images, labels = _enlarge(digits.images), digits.target
  train, test = _split(labels)
  return engine.Content(
    {digit: str(digit) for digit in range(10)},
    {
      'train': array_split(images[train], labels[train]),
      'test': array_split(images[test], labels[test]),
    },
  )


def make_source() -> engine.Source:
  """Returns the source."""
  return engine.Source(name='digits', open=_open)


def run(dataset_dir: str, options=None):
  """Converts the digits.

  Args:
    dataset_dir: the folder to write to.
    options: `conversion.Options`, None for the usual ones.
  """
  engine.convert(make_source(), dataset_dir, options)
