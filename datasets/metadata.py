"""The two small files beside the shards: labels.txt and dataset.json.

Holds nothing but the standard library, so that classes and counts can be
asked for before TensorFlow is imported.
"""

import contextlib
import json
import os

import slim_errors

LABELS_FILENAME = 'labels.txt'
METADATA_FILENAME = 'dataset.json'
FORMAT_VERSION = 1


def write_atomically(path: str, data: bytes):
  """Writes a file so that it is there whole or not at all."""
  temporary = f'{path}.tmp'
  try:
    with open(temporary, 'wb') as file:
      file.write(data)
      file.flush()
      os.fsync(file.fileno())
    os.replace(temporary, path)
  except OSError:
    with contextlib.suppress(OSError):
      os.remove(temporary)
    raise
  sync_folder(os.path.dirname(path) or '.')


def sync_folder(folder: str):
  """Makes the names in a folder survive a power cut, where that is offered."""
  try:
    descriptor = os.open(folder, os.O_RDONLY)
  except OSError:  # Windows does not open folders
    return
  try:
    os.fsync(descriptor)
  except OSError:  # some network file systems refuse
    pass
  finally:
    os.close(descriptor)


def _read_bytes(path: str) -> bytes:
  """Reads a local file, or one on a file system that TensorFlow knows."""
  if '://' in path:
    import tensorflow.compat.v1 as tf

    with tf.io.gfile.GFile(path, 'rb') as file:
      return file.read()
  with open(path, 'rb') as file:
    return file.read()


def _exists(path: str) -> bool:
  if '://' in path:
    import tensorflow.compat.v1 as tf

    return tf.io.gfile.exists(path)
  return os.path.isfile(path)


def write_label_file(
  labels_to_class_names: dict, dataset_dir: str, filename=LABELS_FILENAME
):
  """Writes the class names, `0:daisy` a line, in the order of the labels.

  Args:
    labels_to_class_names: a map from integer labels to class names.
    dataset_dir: the folder to write to.
    filename: the name of the file.
  """
  lines = [f'{key}:{labels_to_class_names[key]}\n' for key in
           sorted(labels_to_class_names)]  # fmt: skip
  path = os.path.join(dataset_dir, filename)
  write_atomically(path, ''.join(lines).encode())


def has_labels(dataset_dir: str, filename=LABELS_FILENAME) -> bool:
  """Says whether the folder holds a file of class names."""
  return _exists(os.path.join(dataset_dir, filename))


def read_label_file(dataset_dir: str, filename=LABELS_FILENAME) -> dict:
  """Returns the map from integer labels to class names.

  Args:
    dataset_dir: the folder that holds the file.
    filename: the name of the file.

  Raises:
    UserError: if a line is not of the form `0:daisy`.
  """
  path = os.path.join(dataset_dir, filename)
  names = {}
  for number, line in enumerate(_read_bytes(path).decode().split('\n'), 1):
    label, colon, name = line.rstrip('\r').partition(':')
    if not label and not colon:
      continue
    if not colon or not label.strip().lstrip('-').isdigit():
      raise slim_errors.UserError(
        f'{path}, line {number}: expected LABEL:NAME, for instance 0:daisy, '
        f'found {line[:60]!r}.'
      )
    names[int(label)] = name
  return names


def write_metadata(metadata: dict, dataset_dir: str):
  """Writes dataset.json; its presence says that a conversion is complete."""
  text = json.dumps(metadata, indent=1, sort_keys=True, ensure_ascii=False)
  path = os.path.join(dataset_dir, METADATA_FILENAME)
  write_atomically(path, f'{text}\n'.encode())


def read_metadata(dataset_dir: str) -> dict | None:
  """Returns what the conversion wrote about itself, None if there is nothing.

  Raises:
    UserError: if the file is no metadata of this library, or of a later one.
  """
  path = os.path.join(dataset_dir, METADATA_FILENAME)
  if not _exists(path):
    return None
  try:
    metadata = json.loads(_read_bytes(path))
    version = metadata['format_version']
    metadata['splits'], metadata['num_classes']  # noqa: B018
  except (ValueError, KeyError, TypeError) as error:
    raise slim_errors.UserError(
      f'{path} is damaged: delete it and convert the data set again.'
    ) from error
  if version != FORMAT_VERSION:
    raise slim_errors.UserError(
      f'{path} has format version {version}; this library reads '
      f'{FORMAT_VERSION}. Convert the data set again.'
    )
  return metadata
