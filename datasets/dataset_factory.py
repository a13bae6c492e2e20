"""The data sets by name. Importing this does not import TensorFlow."""

import importlib

from datasets import classification, converted
from slim_support import errors

_MODULES = {
  'cifar10': 'datasets.cifar10',
  'digits': 'datasets.digits',
  'flowers': 'datasets.flowers',
  'folder': 'datasets.folder',
  'imagenet': 'datasets.imagenet',
  'mnist': 'datasets.mnist',
}


def dataset_names() -> list[str]:
  """Returns the names of all data sets."""
  return sorted(_MODULES)


def get_spec(name: str) -> classification.ClassificationSpec:
  """Returns what is known of a data set before its files are read.

  Raises:
    UserError: if the name is unknown; lists the known ones.
  """
  if name not in _MODULES:
    raise errors.unknown_name('data set', name, _MODULES)
  return importlib.import_module(_MODULES[name]).SPEC


def get_num_classes(name: str, dataset_dir=None) -> int:
  """Returns the number of classes; needs no files where it is fixed.

  Raises:
    UserError: if the name is unknown, or if the number depends on the files
      and they are not there.
  """
  return converted.num_classes(get_spec(name), dataset_dir)


def get_class_names(name: str, dataset_dir=None) -> dict | None:
  """Returns label -> class name where that is known, else None."""
  return converted.class_names(get_spec(name), dataset_dir)


def check_dataset(name: str, split_name: str, dataset_dir, file_pattern=None):
  """Checks without TensorFlow what `get_dataset` would complain about.

  Raises:
    UserError: as `get_dataset`.
  """
  converted.find_files(get_spec(name), split_name, dataset_dir, file_pattern)


def get_dataset(name, split_name, dataset_dir, file_pattern=None, reader=None):
  """Returns one split of a data set as a tf-slim `Dataset`.

  Args:
    name: the name of the data set.
    split_name: 'train', 'test', 'validation': what the data set has.
    dataset_dir: the folder that holds the converted files.
    file_pattern: which files to read instead of the usual ones, with a `%s`
      for the split.
    reader: the reader class, tf.TFRecordReader if None.

  Raises:
    UserError: if data set or split are unknown, or if the files are not there
      or not whole; says which command makes them.
  """
  spec = get_spec(name)
  return spec.get_split(
    split_name, dataset_dir, file_pattern=file_pattern, reader=reader
  )
