"""Exported files, and the metadata beside them."""

from typing import Any

from slim_support import errors, files, json_files

METADATA_SUFFIX = '.json'
_FORMAT_VERSION = 'format_version'
_METADATA_IN_FOLDER = ('assets.extra', 'metadata.json')

_ADVICE = 'Remove it, or export again.'
_NODE = {'name': str, 'shape': [(int, type(None))]}
_NUMBER = (float, type(None))
_SCHEMA = {
  'input?': _NODE,
  'output?': _NODE,
  'logits?': _NODE,
  'image_size?': (int, type(None)),
  'channels?': (int, type(None)),
  'decoded_channels?': int,
  'preprocessing?': str,
  'values?': str,
  'input_mean?': _NUMBER,
  'input_std?': _NUMBER,
  'num_classes?': int,
  'labels_offset?': int,
  'labels?': (list, type(None)),
}


def write(
  path: str, data: bytes, metadata: dict[str, Any] | None = None
) -> None:
  """Write a file, and its metadata beside it as PATH.json.

  The metadata of an older file are removed first, so that no file ever lies
  beside the metadata of another one.

  Args:
    path: the file.
    data: its content.
    metadata: what to write as JSON; None writes none.

  Raises:
    UserError: if that fails; an older file is still there in this case.
  """
  beside = path + METADATA_SUFFIX
  try:
    if metadata is not None:
      files.remove(beside)
    files.write(path, data)
    if metadata is not None:
      json_files.write(beside, metadata)
  except OSError as error:
    raise files.cannot_write(path, error) from error


def write_metadata_into(folder: str, metadata: dict[str, Any]) -> None:
  """Write the metadata of a SavedModel into its folder.

  Args:
    folder: the SavedModel.
    metadata: what to write as JSON.

  Raises:
    OSError: if that fails.
  """
  path = files.join(folder, *_METADATA_IN_FOLDER)
  files.make_folders(files.join(folder, _METADATA_IN_FOLDER[0]))
  json_files.write(path, metadata)


def metadata_path(path: str) -> str:
  """Return the path of the metadata of an exported file or folder."""
  if files.is_folder(path):
    return files.join(path, *_METADATA_IN_FOLDER)
  return path + METADATA_SUFFIX


def check_is_metadata(flag: str, path: str) -> None:
  """Check that only metadata of an earlier export would be replaced.

  Args:
    flag: the flag that names the export.
    path: where its metadata will be written.

  Raises:
    UserError: if another file is there.
  """
  if not files.exists(path):
    return
  try:
    json_files.read(path, {_FORMAT_VERSION: int}, '')
  except errors.UserError as error:
    raise errors.UserError(
      f'--{flag}: {path}, where its metadata would be written, is not a file '
      'of an earlier export. Move it, or name another path.'
    ) from error


def read_metadata(path: str) -> dict[str, Any] | None:
  """Return the metadata of an exported file or folder, None without any.

  Raises:
    UserError: if they are damaged.
  """
  beside = metadata_path(path)
  if not files.exists(beside):
    return None
  metadata = json_files.read(beside, _SCHEMA, _ADVICE)
  fault = _fault(metadata)
  if fault:
    raise errors.UserError(f'{beside} is damaged: {fault}. {_ADVICE}')
  return metadata


def _fault(metadata) -> str | None:
  """Return what is impossible in the metadata, or None."""
  for name in ('channels', 'decoded_channels'):
    if metadata.get(name) not in (None, 1, 3):
      return f'{name} is {metadata[name]}'
  for name in metadata.get('labels') or ():
    if not isinstance(name, str | None):
      return f'labels must hold names, found {name!r}'
  std = metadata.get('input_std')
  if std is not None and std <= 0:
    return f'input_std is {std}'
  if (metadata.get('labels_offset') or 0) < 0:
    return f'labels_offset is {metadata["labels_offset"]}'
  return None
