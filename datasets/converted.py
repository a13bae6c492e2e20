"""A converted folder: what dataset.json and labels.txt say, and its shards.

Importing this module does not import TensorFlow, so that classes and sizes are
known at once.
"""

import re
from collections.abc import Mapping
from typing import Any

from datasets import label_lines
from datasets.label_file import (
  LABELS_FILENAME,
  has_labels,
  read_label_file,
  write_label_file,
)
from datasets.specification import DatasetSpec
from slim_support import errors, files, json_files

__all__ = [
  'FORMAT_VERSION',
  'LABELS_FILENAME',
  'METADATA_FILENAME',
  'check_folder_name',
  'check_readable',
  'check_split',
  'class_names',
  'find_files',
  'has_labels',
  'is_plain_name',
  'num_classes',
  'num_samples',
  'read_label_file',
  'read_metadata',
  'write_label_file',
  'write_metadata',
]

METADATA_FILENAME = 'dataset.json'
FORMAT_VERSION = 1

_MAX_SAMPLES = 10**12
_CONVERT_AGAIN = 'Delete it and convert the data set again.'
_ANY = (str, int, float, bool, type(None), list, dict)
_SCHEMA = {
  'format_version': int,
  'name': str,
  'num_classes': int,
  'splits': {
    str: {
      'num_samples': int,
      'samples_per_class?': {str: int},
      'formats?': {str: int},
      'notes?': {str: int},
      'shards': [{'file': str, 'bytes': int}],
    }
  },
  'made_from?': {str: _ANY},
  'moved?': {str: str},
}


def write_metadata(metadata: Mapping[str, Any], dataset_dir: str) -> None:
  """Write dataset.json, which marks the conversion as complete.

  Args:
    metadata: the contents.
    dataset_dir: the folder of the data set.

  Raises:
    OSError: if the file cannot be written.
  """
  path = files.join(dataset_dir, METADATA_FILENAME)
  ordered = dict(sorted(metadata.items()))
  files.write(path, json_files.encode(ordered, indent=1))


def read_metadata(dataset_dir: str) -> dict[str, Any] | None:
  """Return the contents of dataset.json, None if the folder has none.

  Args:
    dataset_dir: the folder of the data set.

  Raises:
    UserError: if the file is damaged, or of a later version of this library.
  """
  path = files.join(dataset_dir, METADATA_FILENAME)
  if not files.exists(path):
    return None
  metadata = json_files.read(path, _SCHEMA, _CONVERT_AGAIN)
  version = metadata['format_version']
  if version != FORMAT_VERSION:
    raise errors.UserError(
      f'{path} has format version {version}, and this library reads version '
      f'{FORMAT_VERSION}. Convert the data set again.'
    )
  fault = _fault(metadata)
  if fault:
    raise errors.UserError(f'{path} is damaged: {fault}. {_CONVERT_AGAIN}')
  return metadata


def _fault(metadata) -> str | None:
  """Return what is impossible in the metadata, or None."""
  if not 0 < metadata['num_classes'] <= label_lines.MAX_CLASSES:
    return f'num_classes is {metadata["num_classes"]}'
  seen = set()
  for name, split in metadata['splits'].items():
    if not 0 <= split['num_samples'] <= _MAX_SAMPLES:
      return f'the split {name!r} has {split["num_samples"]} samples'
    for shard in split['shards']:
      if not is_plain_name(shard['file']):
        return f'{shard["file"]!r} is not the name of a file in this folder'
      if shard['file'] in seen:
        return f'the file {shard["file"]!r} is listed twice'
      seen.add(shard['file'])
  return None


def is_plain_name(name: str) -> bool:
  """Return whether a name is that of a file directly in a folder.

  Args:
    name: a file name from a source that is not trusted. Names of other folders
      and hidden files, which this library uses itself, are refused.
  """
  return bool(
    name
    and name[0] != '.'
    and not re.search(r'[/\\\0\ud800-\udfff]', name)
    and name[1:2] != ':'
    and name not in (LABELS_FILENAME, METADATA_FILENAME)
  )


def check_split(spec: DatasetSpec, split_name: str) -> None:
  """Raise UserError unless the data set has a split.

  Args:
    spec: the data set.
    split_name: the name of the split.
  """
  if split_name not in spec.splits:
    raise errors.unknown_name(f'split of {spec.name}', split_name, spec.splits)


def find_files(
  spec: DatasetSpec,
  split_name: str,
  dataset_dir: str | None,
  file_pattern: str | None = None,
) -> list[str]:
  """Return the paths of a split's files, sorted; all of them can be read.

  The files that dataset.json lists take precedence over a search by name, so
  files of an older conversion in the same folder are not read too.

  Args:
    spec: the data set.
    split_name: the name of the split.
    dataset_dir: the folder of the converted files.
    file_pattern: see `ClassificationSpec.get_split`.

  Raises:
    UserError: if there are no files, or if one cannot be read or does not have
      the length that dataset.json states.
  """
  check_split(spec, split_name)
  if not dataset_dir:
    raise errors.UserError(
      f'--dataset_dir is missing: the folder that holds {spec.name}. '
      f'{spec.conversion_hint("")}'
    )
  check_folder_name(dataset_dir)
  if not files.is_folder(dataset_dir):
    raise errors.UserError(
      f'There is no folder {dataset_dir!r}. {spec.conversion_hint(dataset_dir)}'
    )
  metadata = None if file_pattern else read_metadata(dataset_dir)
  if metadata is not None:
    found = _listed_files(spec, split_name, dataset_dir, metadata)
  else:
    found = _matching_files(spec, split_name, dataset_dir, file_pattern)
  if not found:
    raise _no_files(spec, split_name, dataset_dir, file_pattern)
  for path in found:
    check_readable(path)
  return found


def check_folder_name(dataset_dir: str) -> None:
  """Raise UserError for a path that TensorFlow cannot handle.

  Args:
    dataset_dir: the folder of the data set.
  """
  try:
    dataset_dir.encode()
  except UnicodeEncodeError as error:
    raise errors.UserError(
      f'--dataset_dir={dataset_dir!r} is not valid UTF-8, which TensorFlow '
      'needs. Rename it, or use another folder.'
    ) from error


def check_readable(path: str) -> None:
  """Raise UserError unless a path is a regular file that can be opened.

  Args:
    path: local paths are checked; remote ones are not.
  """
  try:
    files.check_readable(path)
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be read: {error.strerror or error}.'
    ) from error


def _patterns(spec, split_name, file_pattern) -> list[str]:
  patterns = [file_pattern] if file_pattern else spec.file_patterns
  return [pattern.replace('%s', split_name) for pattern in patterns]


def _matching_files(spec, split_name, dataset_dir, file_pattern) -> list[str]:
  """Return the files that match the first pattern that has any."""
  try:
    for pattern in _patterns(spec, split_name, file_pattern):
      found = files.glob(dataset_dir, pattern)
      if found:
        return found
  except OSError as error:
    raise errors.UserError(
      f'{dataset_dir} cannot be read: {error.strerror or error}.'
    ) from error
  return []


def _listed_files(spec, split_name, dataset_dir, metadata) -> list[str]:
  """Return the files that dataset.json lists, after a check of their length."""
  if metadata['name'] != spec.name:
    raise errors.UserError(
      f'{dataset_dir} holds the data set {metadata["name"]!r}, not '
      f'{spec.name!r}. Use --dataset_name={metadata["name"]} or another '
      '--dataset_dir.'
    )
  found = []
  for shard in metadata['splits'].get(split_name, {}).get('shards', []):
    path = files.join(dataset_dir, shard['file'])
    size = files.size(path) if files.is_file(path) else None
    if size is None and files.exists(path):
      check_readable(path)  # Says what it is instead of a file.
    if size != shard['bytes']:
      state = 'missing' if size is None else f'{size} bytes long'
      raise errors.UserError(
        f'{path} is {state}, but the conversion wrote {shard["bytes"]} '
        f'bytes. {spec.conversion_hint(dataset_dir)}'
      )
    found.append(path)
  return found


def _no_files(spec, split_name, dataset_dir, file_pattern) -> errors.UserError:
  wanted = ' or '.join(_patterns(spec, split_name, file_pattern))
  try:
    found = files.list_folder(dataset_dir)[:5]
  except OSError as error:
    return errors.UserError(
      f'{dataset_dir} cannot be read: {error.strerror or error}.'
    )
  holds = f'holds {", ".join(found)}, ...' if found else 'is empty'
  return errors.UserError(
    f'{dataset_dir} has no files of the split {split_name!r} of {spec.name} '
    f'({wanted}); it {holds}. {spec.conversion_hint(dataset_dir)}'
  )


def num_classes(spec: DatasetSpec, dataset_dir: str | None = None) -> int:
  """Return the number of classes, as converted or else as published.

  Args:
    spec: the data set.
    dataset_dir: the folder of the converted files; may be empty or None for a
      data set with a published number of classes.

  Raises:
    UserError: if neither the folder nor the specification states the number.
  """
  metadata = read_metadata(dataset_dir) if dataset_dir else None
  if metadata is not None and metadata['name'] == spec.name:
    return metadata['num_classes']
  if spec.num_classes is not None:
    return spec.num_classes
  if dataset_dir and has_labels(dataset_dir):
    highest = max(read_label_file(dataset_dir), default=-1)
    if highest >= 0:
      return highest + 1
  place = f'{dataset_dir} has no' if dataset_dir else '--dataset_dir gives no'
  raise errors.UserError(
    f'The number of classes of {spec.name} is not known: {place} '
    f'{METADATA_FILENAME} and no class names in {LABELS_FILENAME}. '
    f'{spec.conversion_hint(dataset_dir)}'
  )


def num_samples(
  spec: DatasetSpec, split_name: str, dataset_dir: str
) -> int | None:
  """Return the number of samples, as converted or else as published.

  Args:
    spec: the data set.
    split_name: the name of the split.
    dataset_dir: the folder of the converted files.

  Returns:
    The number, or None if neither states it.
  """
  metadata = read_metadata(dataset_dir)
  if metadata is not None and split_name in metadata['splits']:
    return metadata['splits'][split_name]['num_samples']
  return spec.splits[split_name]


def class_names(
  spec: DatasetSpec, dataset_dir: str | None = None
) -> dict[int, str] | None:
  """Return label -> name from labels.txt, or as published, else None.

  Args:
    spec: the data set.
    dataset_dir: the folder of the converted files; may be empty or None.

  Raises:
    UserError: if labels.txt is damaged.
  """
  if dataset_dir and has_labels(dataset_dir):
    return read_label_file(dataset_dir)
  return spec.default_class_names() if spec.default_class_names else None
