"""What a classification data set is, and its way into a tf-slim Dataset.

A data set's module is one `ClassificationSpec`. Importing this module does not
import TensorFlow, so that names, splits and counts answer at once.
"""

import dataclasses
import glob
import os
from collections.abc import Mapping
from typing import Any

import slim_errors
from datasets import metadata as metadata_lib

_CONVERTER = 'download_and_convert_data.py'


@dataclasses.dataclass(frozen=True)
class ClassificationSpec:
  """Images with one label each, in TFRecord files.

  Attributes:
    name: the name of the data set, as in `--dataset_name`.
    splits: split -> the published number of samples, None if it varies.
    num_classes: the published number of classes, None if it varies.
    channels: what images are decoded to, 1 (grayscale) or 3 (RGB).
    image_size: height and width where all images share them, else None.
    file_patterns: file name patterns with `%s` for the split, the one that
      this library writes first, older ones after it.
    descriptions: item -> what it is, in words.
    command: the command that makes the files; `{dataset_dir}` is filled in.
    items: a function that adds keys_to_features and items_to_handlers, for
      data sets with more than an image and a label; called with slim and tf.
    labels_to_names: a function that names the labels if there is no
      labels.txt, or None.
  """

  name: str
  splits: Mapping[str, int | None]
  num_classes: int | None
  channels: int = 3
  image_size: tuple[int, int] | None = None
  file_patterns: tuple[str, ...] = ()
  descriptions: Mapping[str, str] = dataclasses.field(
    default_factory=lambda: {
      'image': 'An image of varying size, uint8.',
      'label': 'The class, an integer.',
    }
  )
  command: str = ''
  items: Any = None
  labels_to_names: Any = None

  def get_split(self, split_name, dataset_dir, file_pattern=None, reader=None):
    """Returns one split as a tf-slim `Dataset`. Reads no network.

    Args:
      split_name: for instance 'train'; the known ones are in `splits`.
      dataset_dir: the folder that holds the converted files.
      file_pattern: which files to read instead of the known names, relative to
        `dataset_dir`; a `%s` in it stands for the split.
      reader: the TensorFlow reader class, tf.TFRecordReader if None.

    Returns:
      A `Dataset` with the usual fields, and `name`, `split_name`,
      `dataset_dir`, `channels`, `image_shape`, `image_key`, `format_key`,
      `label_key`.

    Raises:
      UserError: if the split is unknown, or the folder or its files are not
        there or not whole.
    """
    from datasets import slim_dataset

    return slim_dataset.make(
      self, split_name, dataset_dir, file_pattern=file_pattern, reader=reader
    )

  def how_to_make(self, dataset_dir) -> str:
    """Returns the sentence with the command that makes the files."""
    command = self.command or (
      f'python {_CONVERTER} --dataset_name={self.name} '
      '--dataset_dir={dataset_dir}'
    )
    return f'Make it with: {command.format(dataset_dir=dataset_dir or "DIR")}'


def check_split(spec: ClassificationSpec, split_name: str):
  """Raises UserError unless the data set has this split."""
  if split_name not in spec.splits:
    raise slim_errors.unknown_name(
      f'split of {spec.name}', split_name, spec.splits
    )


def find_files(
  spec: ClassificationSpec, split_name, dataset_dir, file_pattern=None
) -> list[str]:
  """Returns the files of a split, sorted; see `get_split` for arguments.

  What the conversion wrote down is believed before a search by name, so files
  of an older conversion in the same folder are not read twice.

  Raises:
    UserError: if there are none, or if one is not as long as it was written.
  """
  check_split(spec, split_name)
  if not dataset_dir:
    raise slim_errors.UserError(
      f'--dataset_dir is missing: the folder that holds {spec.name}. '
      f'{spec.how_to_make("")}'
    )
  if '://' in dataset_dir:
    return _find_remote(spec, split_name, dataset_dir, file_pattern)
  if not os.path.isdir(dataset_dir):
    raise slim_errors.UserError(
      f'There is no folder {dataset_dir!r}. {spec.how_to_make(dataset_dir)}'
    )
  if file_pattern is None:
    files = _written_files(spec, split_name, dataset_dir)
    if files:
      return files
  for pattern in _patterns(spec, split_name, file_pattern):
    path = os.path.join(glob.escape(dataset_dir), pattern)
    files = sorted(glob.glob(path))
    if files:
      return files
  raise _no_files(spec, split_name, dataset_dir, file_pattern)


def _patterns(spec, split_name, file_pattern) -> list[str]:
  patterns = [file_pattern] if file_pattern else spec.file_patterns
  return [
    pattern % split_name if '%s' in pattern else pattern for pattern in patterns
  ]


def _written_files(spec, split_name, dataset_dir) -> list[str]:
  """Returns the files that dataset.json names; checks that they are whole."""
  written = metadata_lib.read_metadata(dataset_dir)
  if written is None:
    return []
  if written['name'] != spec.name:
    raise slim_errors.UserError(
      f'{dataset_dir} holds the data set {written["name"]!r}, not '
      f'{spec.name!r}: give --dataset_name={written["name"]} or another '
      '--dataset_dir.'
    )
  files = []
  for shard in written['splits'].get(split_name, {}).get('shards', []):
    path = os.path.join(dataset_dir, shard['file'])
    size = os.path.getsize(path) if os.path.isfile(path) else None
    if size != shard['bytes']:
      state = 'missing' if size is None else f'{size} bytes long'
      raise slim_errors.UserError(
        f'{path} is {state}, where the conversion wrote {shard["bytes"]} '
        f'bytes. {spec.how_to_make(dataset_dir)}'
      )
    files.append(path)
  return files


def _find_remote(spec, split_name, dataset_dir, file_pattern) -> list[str]:
  import tensorflow.compat.v1 as tf

  for pattern in _patterns(spec, split_name, file_pattern):
    files = sorted(tf.io.gfile.glob(f'{dataset_dir.rstrip("/")}/{pattern}'))
    if files:
      return files
  raise _no_files(spec, split_name, dataset_dir, file_pattern)


def _no_files(spec, split_name, dataset_dir, file_pattern):
  wanted = ' or '.join(_patterns(spec, split_name, file_pattern))
  found = []
  if '://' not in dataset_dir:
    found = sorted(os.listdir(dataset_dir))[:5]
  holds = f'holds {", ".join(found)}, ...' if found else 'is empty'
  return slim_errors.UserError(
    f'{dataset_dir} has no files of the split {split_name!r} of {spec.name} '
    f'({wanted}); it {holds}. {spec.how_to_make(dataset_dir)}'
  )


def num_classes(spec: ClassificationSpec, dataset_dir=None) -> int:
  """Returns the number of classes, as converted or else as published.

  Args:
    spec: the data set.
    dataset_dir: the folder of the converted files; may be empty or None for a
      data set whose classes are fixed.

  Raises:
    UserError: if the classes are not fixed and nothing says how many there are.
  """
  written = metadata_lib.read_metadata(dataset_dir) if dataset_dir else None
  if written is not None and written['name'] == spec.name:
    return written['num_classes']
  if spec.num_classes is not None:
    return spec.num_classes
  if dataset_dir and metadata_lib.has_labels(dataset_dir):
    return max(metadata_lib.read_label_file(dataset_dir)) + 1
  place = f'{dataset_dir} has no' if dataset_dir else '--dataset_dir gives no'
  raise slim_errors.UserError(
    f'The number of classes of {spec.name} is not known: {place} '
    f'{metadata_lib.METADATA_FILENAME} or {metadata_lib.LABELS_FILENAME}. '
    f'{spec.how_to_make(dataset_dir)}'
  )


def num_samples(
  spec: ClassificationSpec, split_name, dataset_dir
) -> int | None:
  """Returns the number of samples, as converted or else as published.

  None means that neither says it.
  """
  written = metadata_lib.read_metadata(dataset_dir)
  if written is not None and split_name in written['splits']:
    return written['splits'][split_name]['num_samples']
  return spec.splits[split_name]


def class_names(spec: ClassificationSpec, dataset_dir=None) -> dict | None:
  """Returns label -> name from labels.txt, or as published, else None."""
  if dataset_dir and metadata_lib.has_labels(dataset_dir):
    return metadata_lib.read_label_file(dataset_dir)
  return spec.labels_to_names() if spec.labels_to_names else None
