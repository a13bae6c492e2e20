"""Convert the digits of scikit-learn to TFRecords of PNG images."""

import numpy as np

from datasets.conversion import engine
from datasets.download_and_convert_mnist import array_split
from slim_support import errors

_NUM_TEST = 297
_MAX_VALUE = 16  # Each of 8 x 8 pixels counts the ink of a 4 x 4 block.
_SIDE, _BORDER = 20, 4  # As in MNIST: 20 x 20 pixels, padded to 28 x 28.


def _interpolation(old: int, new: int) -> np.ndarray:
  """Return the [new, old] matrix of linear interpolation of pixel centers."""
  position = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
  below = np.minimum(np.floor(position).astype(int), old - 2)
  share = position - below
  matrix = np.zeros((new, old))
  matrix[np.arange(new), below] = 1 - share
  matrix[np.arange(new), below + 1] = share
  return matrix


def _enlarge(images: np.ndarray) -> np.ndarray:
  """Return digits enlarged to the size of MNIST, uint8 [number, 28, 28, 1].

  Args:
    images: [number, 8, 8], values in [0, 16].
  """
  matrix = _interpolation(images.shape[1], _SIDE)
  large = matrix @ images @ matrix.T * (255 / _MAX_VALUE)
  border = ((0, 0), (_BORDER, _BORDER), (_BORDER, _BORDER))
  large = np.pad(np.rint(large), border)
  return large.astype(np.uint8)[..., np.newaxis]


def _split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Return the indices for training and testing, stratified by class.

  The split is the same on every run.
  """
  order = np.random.RandomState(0).permutation(len(labels))
  by_class = order[np.argsort(labels[order], kind='stable')]
  chosen = np.arange(_NUM_TEST) * len(labels) // _NUM_TEST
  is_test = np.zeros(len(labels), bool)
  is_test[by_class[chosen]] = True
  return order[~is_test[order]], order[is_test[order]]


def _open(unused_paths, unused_work_folder) -> engine.OpenedSource:
  sklearn_datasets = errors.import_extra('sklearn.datasets', 'digits')
  digits = sklearn_datasets.load_digits()
  images, labels = _enlarge(digits.images), digits.target
  train, test = _split(labels)
  return engine.OpenedSource(
    {digit: str(digit) for digit in range(10)},
    {
      'train': array_split(images[train], labels[train]),
      'test': array_split(images[test], labels[test]),
    },
  )


def make_source() -> engine.Source:
  """Return the source for the conversion engine."""
  return engine.Source(name='digits', open=_open)


def run(dataset_dir: str, options: engine.Options | None = None) -> None:
  """Convert the digits.

  Args:
    dataset_dir: the folder to write to.
    options: the user's options; None for the defaults.

  Raises:
    UserError: see `engine.convert`.
  """
  engine.convert(make_source(), dataset_dir, options)
