"""Files and folders that appear whole or not at all."""

import contextlib
import json
import os
import shutil

import slim_errors
from datasets import metadata as dataset_files

METADATA_SUFFIX = '.json'
_METADATA_IN_FOLDER = os.path.join('assets.extra', 'metadata.json')


def check_writable(flag: str, path: str):
  """Makes the folder of a file, and checks that it takes files.

  Long work ends in writing, so this is asked before it starts.

  Raises:
    UserError: if nothing can be written there; it names the flag.
  """
  folder = os.path.dirname(os.path.abspath(path))
  try:
    os.makedirs(folder, exist_ok=True)
  except OSError as error:
    raise _unwritable(f'--{flag}={path}', error) from error
  if not os.access(folder, os.W_OK):
    raise slim_errors.UserError(
      f'--{flag}={path}: {folder} cannot be written to.'
    )
  if os.path.isdir(path):
    raise slim_errors.UserError(f'--{flag}={path} is a folder, not a file.')


def check_new_folder(flag: str, path: str):
  """Checks that a folder can be made, and that nothing is there yet.

  Raises:
    UserError: if there are files already, or none can be written.
  """
  path = path.rstrip('/')
  if os.path.isfile(path) or (os.path.isdir(path) and os.listdir(path)):
    raise slim_errors.UserError(
      f'--{flag}={path} is there already: remove it or name another folder.'
    )
  if not os.path.isdir(path):
    check_writable(flag, path)


def write(path: str, data: bytes, metadata: dict | None = None):
  """Writes a file, and its metadata beside it as PATH.json.

  A file never lies beside the metadata of an older one: those go first.

  Args:
    path: the file.
    data: its content.
    metadata: what to write as JSON; None writes none.

  Raises:
    UserError: if that fails; what was there before is still there.
  """
  beside = path + METADATA_SUFFIX
  try:
    if metadata is not None and os.path.exists(beside):
      os.remove(beside)
    dataset_files.write_atomically(path, data)
    if metadata is not None:
      dataset_files.write_atomically(beside, encode_json(metadata))
  except OSError as error:
    raise _unwritable(path, error) from error
  finally:
    for temporary in (f'{path}.tmp', f'{beside}.tmp'):
      with contextlib.suppress(OSError):
        os.remove(temporary)


def encode_json(content) -> bytes:
  """Returns JSON for people to read."""
  text = json.dumps(content, indent=1, ensure_ascii=False)
  return f'{text}\n'.encode()


@contextlib.contextmanager
def new_folder(path: str):
  """Gives the name of a folder to fill, which becomes `path` at the end.

  Raises:
    UserError: if it cannot be written; nothing of it is left then.
  """
  path = path.rstrip('/')
  temporary = f'{path}.tmp-{os.getpid()}'
  shutil.rmtree(temporary, ignore_errors=True)
  try:
    yield temporary
    if os.path.isdir(path):
      os.rmdir(path)
    os.rename(temporary, path)
  except OSError as error:
    raise _unwritable(path, error) from error
  finally:
    shutil.rmtree(temporary, ignore_errors=True)


def _unwritable(what, error):
  return slim_errors.UserError(
    f'{what} cannot be written: {error.strerror or error}.'
  )


def metadata_path(path: str) -> str:
  """Returns where the metadata of an exported file or folder lie."""
  if os.path.isdir(path):
    return os.path.join(path, _METADATA_IN_FOLDER)
  return path + METADATA_SUFFIX


def read_metadata(path: str) -> dict | None:
  """Returns the metadata of an exported file or folder, None without any.

  Raises:
    UserError: if they are damaged.
  """
  beside = metadata_path(path)
  if not os.path.isfile(beside):
    return None
  try:
    with open(beside, encoding='utf-8') as file:
      return json.load(file)
  except ValueError as error:
    raise slim_errors.UserError(
      f'{beside} is damaged: remove it, or export again.'
    ) from error
