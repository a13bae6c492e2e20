"""The data sets by name. Importing this module does not import TensorFlow."""

from typing import Any

from datasets import (
  cifar10,
  classification,
  converted,
  digits,
  flowers,
  folder,
  imagenet,
  mnist,
)
from slim_support import errors

# Name -> a module, or any object with a function
# get_split(split_name, dataset_dir, file_pattern=None, reader=None). Programs
# may add their own.
datasets_map: dict[str, Any] = {
  'cifar10': cifar10,
  'digits': digits,
  'flowers': flowers,
  'folder': folder,
  'imagenet': imagenet,
  'mnist': mnist,
}
# Where modules in the style of the original library state what they hold.
_SPLITS = ('SPLITS_TO_SIZES', '_SPLITS_TO_SIZES')
_NUM_CLASSES = ('NUM_CLASSES', '_NUM_CLASSES')
_USUAL_SPLITS = ('train', 'validation', 'test', 'eval')


def dataset_names() -> list[str]:
  """Return the names of all data sets, sorted."""
  return sorted(datasets_map)


def _entry(name: str) -> Any:
  """Return the module or object of a data set."""
  if name not in datasets_map:
    raise errors.unknown_name('data set', name, datasets_map)
  return datasets_map[name]


def _own_spec(entry: Any) -> classification.ClassificationSpec | None:
  """Return the specification of an entry that has one."""
  spec = getattr(entry, 'SPEC', entry)
  is_spec = isinstance(spec, classification.ClassificationSpec)
  return spec if is_spec else None


def get_spec(name: str) -> classification.ClassificationSpec:
  """Return what is known of a data set before its files are read.

  Args:
    name: the name of the data set.

  Returns:
    The specification. For an entry of `datasets_map` without one it holds the
    splits and classes that the entry states, if any.

  Raises:
    UserError: if the name is unknown; the message lists the known ones.
  """
  entry = _entry(name)
  return _own_spec(entry) or classification.ClassificationSpec(
    name=name,
    splits=_attribute(entry, _SPLITS, dict, {}),
    num_classes=_attribute(entry, _NUM_CLASSES, int, None),
    conversion_command=None,
  )


def _attribute(entry, names, kind, default) -> Any:
  """Return the first attribute of a type that an object has."""
  for name in names:
    value = getattr(entry, name, None)
    if isinstance(value, kind):
      return value
  return default


def get_num_classes(name: str, dataset_dir: str | None = None) -> int:
  """Return the number of classes; needs no files where it is published.

  Args:
    name: the name of the data set.
    dataset_dir: the folder of the converted files; may be empty or None for a
      data set with a published number of classes.

  Raises:
    UserError: if the name is unknown, or if the number depends on the files
      and they are missing.
  """
  entry = _entry(name)
  if _own_spec(entry) is None and dataset_dir:
    return _any_split(name, dataset_dir).num_classes
  return converted.num_classes(get_spec(name), dataset_dir)


def get_class_names(
  name: str, dataset_dir: str | None = None
) -> dict[int, str] | None:
  """Return label -> class name if the names are known, else None.

  Args:
    name: the name of the data set.
    dataset_dir: the folder of the converted files; may be empty or None.

  Raises:
    UserError: if the name is unknown, or if labels.txt is damaged.
  """
  entry = _entry(name)
  if _own_spec(entry) is None and dataset_dir:
    return _any_split(name, dataset_dir).labels_to_names
  return converted.class_names(get_spec(name), dataset_dir)


def _any_split(name: str, dataset_dir: str) -> Any:
  """Return the `Dataset` of any split of an entry without a specification."""
  reason = 'it has none of the usual splits'
  for split in dict.fromkeys([*get_spec(name).splits, *_USUAL_SPLITS]):
    try:
      return get_dataset(name, split, dataset_dir)
    except errors.UserError as error:
      reason = error
  raise errors.UserError(
    f'The classes of the data set {name!r} are not known: {reason}'
  )


def check_dataset(
  name: str,
  split_name: str,
  dataset_dir: str | None,
  file_pattern: str | None = None,
) -> None:
  """Check without TensorFlow what `get_dataset` would complain about.

  An entry of `datasets_map` without a specification is not checked.

  Args:
    name: the name of the data set.
    split_name: the name of the split.
    dataset_dir: the folder of the converted files.
    file_pattern: see `get_dataset`.

  Raises:
    UserError: see `get_dataset`.
  """
  spec = _own_spec(_entry(name))
  if spec is not None:
    converted.find_files(spec, split_name, dataset_dir, file_pattern)


def get_dataset(
  name: str,
  split_name: str,
  dataset_dir: str,
  file_pattern: str | None = None,
  reader: Any = None,
) -> Any:
  """Return one split of a data set as a tf-slim `Dataset`.

  Args:
    name: the name of the data set.
    split_name: the name of the split, for instance 'train'.
    dataset_dir: the folder that holds the converted files.
    file_pattern: the files to read instead of the usual ones, with a `%s` for
      the split.
    reader: the TensorFlow reader class; None for tf.TFRecordReader.

  Raises:
    UserError: if data set or split are unknown, or if the files are missing,
      damaged or unreadable; the message gives the command that makes them.
  """
  entry = _entry(name)
  if _own_spec(entry) is not None:
    return entry.get_split(
      split_name, dataset_dir, file_pattern=file_pattern, reader=reader
    )
  # Entries of other programs may name their arguments differently.
  try:
    dataset = entry.get_split(split_name, dataset_dir, file_pattern, reader)
  except errors.UserError:
    raise
  except ValueError as error:
    raise errors.UserError(f'The data set {name!r}: {error}') from error
  from datasets import slim_dataset

  return slim_dataset.adopt(dataset, name, split_name, dataset_dir)
