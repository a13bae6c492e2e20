"""What a converted folder says of itself: labels.txt, dataset.json, shards.

Importing this module does not import TensorFlow, so that classes and counts
can be asked for at once.
"""

import re

from datasets import label_lines
from slim_support import errors, files, json_files

LABELS_FILENAME = 'labels.txt'
METADATA_FILENAME = 'dataset.json'
FORMAT_VERSION = 1

_CONVERT_AGAIN = 'Delete it and convert the data set again.'
_SCHEMA = {
  'format_version': int,
  'name': str,
  'num_classes': int,
  'splits': {
    str: {
      'num_samples': int,
      'samples_per_class?': {str: int},
      'shards': [{'file': str, 'bytes': int}],
    }
  },
  'made_from?': {str: (str, int, float, bool, type(None), list, dict)},
}


def write_label_file(
  labels_to_class_names: dict[int, str],
  dataset_dir: str,
  filename: str = LABELS_FILENAME,
):
  """Write the class names, `0:daisy` a line, in the order of the labels.

  Args:
    labels_to_class_names: a map from integer labels to class names.
    dataset_dir: the folder to write to.
    filename: the name of the file.
  """
  lines = [
    f'{label}:{labels_to_class_names[label]}\n'
    for label in sorted(labels_to_class_names)
  ]
  files.write(files.join(dataset_dir, filename), ''.join(lines).encode())


def has_labels(dataset_dir: str, filename: str = LABELS_FILENAME) -> bool:
  """Return whether the folder holds a file of class names."""
  return files.exists(files.join(dataset_dir, filename))


def read_label_file(
  dataset_dir: str, filename: str = LABELS_FILENAME
) -> dict[int, str]:
  """Return the map from integer labels to class names.

  Args:
    dataset_dir: the folder that holds the file.
    filename: the name of the file.

  Raises:
    UserError: if the file cannot be read, if a line is not of the form
      `0:daisy`, or if a label stands on two lines.
  """
  path = files.join(dataset_dir, filename)
  return label_lines.parse_numbered(label_lines.read(path), path)


def write_metadata(metadata: dict, dataset_dir: str):
  """Write dataset.json; its presence says that a conversion is complete."""
  path = files.join(dataset_dir, METADATA_FILENAME)
  ordered = dict(sorted(metadata.items()))
  files.write(path, json_files.encode(ordered, indent=1))


def read_metadata(dataset_dir: str) -> dict | None:
  """Return what the conversion wrote about itself, None if there is nothing.

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
      f'{path} has format version {version}, and this library reads '
      f'{FORMAT_VERSION}. Convert the data set again.'
    )
  fault = _fault(metadata)
  if fault:
    raise errors.UserError(f'{path} is damaged: {fault}. {_CONVERT_AGAIN}')
  return metadata


def _fault(metadata) -> str | None:
  """Return what is impossible in the metadata, or None."""
  if not 0 < metadata['num_classes'] <= label_lines.MOST_CLASSES:
    return f'num_classes is {metadata["num_classes"]}'
  for name, split in metadata['splits'].items():
    if split['num_samples'] < 0:
      return f'the split {name!r} has {split["num_samples"]} samples'
    for shard in split['shards']:
      if not is_plain_name(shard['file']):
        return f'{shard["file"]!r} is not the name of a file in this folder'
  return None


def is_plain_name(name: str) -> bool:
  """Return whether a name stays in the folder that it is looked up in."""
  return (
    name not in ('', '.', '..')
    and not re.search(r'[/\\\0]', name)
    and name[1:2] != ':'
  )


def check_split(spec, split_name: str):
  """Raises UserError unless the data set has this split."""
  if split_name not in spec.splits:
    raise errors.unknown_name(f'split of {spec.name}', split_name, spec.splits)


def find_files(spec, split_name, dataset_dir, file_pattern=None) -> list[str]:
  """Returns the files of a split, sorted; see `get_split` for arguments.

  What the conversion wrote down is believed before a search by name, so files
  of an older conversion in the same folder are not read twice.

  Raises:
    UserError: if there are none, or if one is not as long as it was written.
  """
  check_split(spec, split_name)
  if not dataset_dir:
    raise errors.UserError(
      f'--dataset_dir is missing: the folder that holds {spec.name}. '
      f'{spec.how_to_make("")}'
    )
  if not files.is_folder(dataset_dir):
    raise errors.UserError(
      f'There is no folder {dataset_dir!r}. {spec.how_to_make(dataset_dir)}'
    )
  if file_pattern is None:
    found = _written_files(spec, split_name, dataset_dir)
    if found:
      return found
  for pattern in _patterns(spec, split_name, file_pattern):
    found = files.glob(dataset_dir, pattern)
    if found:
      return found
  raise _no_files(spec, split_name, dataset_dir, file_pattern)


def _patterns(spec, split_name, file_pattern) -> list[str]:
  patterns = [file_pattern] if file_pattern else spec.file_patterns
  return [
    pattern % split_name if '%s' in pattern else pattern for pattern in patterns
  ]


def _written_files(spec, split_name, dataset_dir) -> list[str]:
  """Returns the files that dataset.json names; checks that they are whole."""
  written = read_metadata(dataset_dir)
  if written is None:
    return []
  if written['name'] != spec.name:
    raise errors.UserError(
      f'{dataset_dir} holds the data set {written["name"]!r}, not '
      f'{spec.name!r}: give --dataset_name={written["name"]} or another '
      '--dataset_dir.'
    )
  found = []
  for shard in written['splits'].get(split_name, {}).get('shards', []):
    path = files.join(dataset_dir, shard['file'])
    size = files.size(path) if files.is_file(path) else None
    if size != shard['bytes']:
      state = 'missing' if size is None else f'{size} bytes long'
      raise errors.UserError(
        f'{path} is {state}, where the conversion wrote {shard["bytes"]} '
        f'bytes. {spec.how_to_make(dataset_dir)}'
      )
    found.append(path)
  return found


def _no_files(spec, split_name, dataset_dir, file_pattern):
  wanted = ' or '.join(_patterns(spec, split_name, file_pattern))
  found = files.list_folder(dataset_dir)[:5]
  holds = f'holds {", ".join(found)}, ...' if found else 'is empty'
  return errors.UserError(
    f'{dataset_dir} has no files of the split {split_name!r} of {spec.name} '
    f'({wanted}); it {holds}. {spec.how_to_make(dataset_dir)}'
  )


def num_classes(spec, dataset_dir=None) -> int:
  """Returns the number of classes, as converted or else as published.

  Args:
    spec: the data set.
    dataset_dir: the folder of the converted files; may be empty or None for a
      data set whose classes are fixed.

  Raises:
    UserError: if the classes are not fixed and nothing says how many there are.
  """
  written = read_metadata(dataset_dir) if dataset_dir else None
  if written is not None and written['name'] == spec.name:
    return written['num_classes']
  if spec.num_classes is not None:
    return spec.num_classes
  if dataset_dir and has_labels(dataset_dir):
    return max(read_label_file(dataset_dir)) + 1
  place = f'{dataset_dir} has no' if dataset_dir else '--dataset_dir gives no'
  raise errors.UserError(
    f'The number of classes of {spec.name} is not known: {place} '
    f'{METADATA_FILENAME} or {LABELS_FILENAME}. '
    f'{spec.how_to_make(dataset_dir)}'
  )


def num_samples(spec, split_name, dataset_dir) -> int | None:
  """Returns the number of samples, as converted or else as published.

  None means that neither says it.
  """
  written = read_metadata(dataset_dir)
  if written is not None and split_name in written['splits']:
    return written['splits'][split_name]['num_samples']
  return spec.splits[split_name]


def class_names(spec, dataset_dir=None) -> dict | None:
  """Returns label -> name from labels.txt, or as published, else None."""
  if dataset_dir and has_labels(dataset_dir):
    return read_label_file(dataset_dir)
  return spec.labels_to_names() if spec.labels_to_names else None
