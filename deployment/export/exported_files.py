"""Exported files, and the metadata that lie beside them."""

from slim_support import errors, files, json_files

METADATA_SUFFIX = '.json'
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


def write(path: str, data: bytes, metadata: dict | None = None):
  """Write a file, and its metadata beside it as PATH.json.

  A file never lies beside the metadata of an older one: those go first.

  Args:
    path: the file.
    data: its content.
    metadata: what to write as JSON; None writes none.

  Raises:
    UserError: if that fails; an older file is still there then.
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


def write_metadata_into(folder: str, metadata: dict):
  """Write the metadata of a SavedModel into its folder."""
  path = files.join(folder, *_METADATA_IN_FOLDER)
  files.make_folders(files.join(folder, _METADATA_IN_FOLDER[0]))
  json_files.write(path, metadata)


def metadata_path(path: str) -> str:
  """Return where the metadata of an exported file or folder lie."""
  if files.is_folder(path):
    return files.join(path, *_METADATA_IN_FOLDER)
  return path + METADATA_SUFFIX


def read_metadata(path: str) -> dict | None:
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
