"""Check where a command will write, before it does its work."""

import errno
import os
from collections.abc import Iterable

from slim_support import errors, files


def make_folder(flag: str, path: str) -> None:
  """Make the folder that a flag names, and check that it can be written to.

  Raises:
    UserError: if that fails; the message names the flag.
  """
  try:
    files.try_to_write(path)
  except OSError as error:
    raise errors.UserError(
      f'--{flag}={path}: cannot write there ({error.strerror or error}). Name '
      'a folder that can be written to.'
    ) from error


def check_writable(flag: str, path: str) -> None:
  """Check that the file that a flag names can be written.

  Its folder is made if need be. Long work ends in writing, so call this before
  the work starts.

  Raises:
    UserError: if it cannot; the message names the flag.
  """
  if not files.is_remote(path):
    _check_target(f'--{flag}={path}', path)
  folder = _folder_of(path)
  try:
    files.try_to_write(folder)
  except OSError as error:
    raise files.cannot_write(f'--{flag}={path}', error) from error


def _check_target(what, path):
  """Raise UserError for what is there already and cannot be replaced."""
  try:
    files.check_regular(path)
  except FileNotFoundError:
    return
  except OSError as error:
    if error.errno == errno.EISDIR:
      raise errors.UserError(f'{what} is a folder. Name a file.') from error
    if error.errno == errno.EINVAL:
      raise errors.UserError(
        f'{what} is a pipe or a device. Name a regular file.'
      ) from error
    raise files.cannot_write(what, error) from error


def _folder_of(path):
  if files.is_remote(path):
    return path.rpartition('/')[0]
  return os.path.dirname(os.path.realpath(path))


def check_new_folder(flag: str, path: str) -> None:
  """Check that a folder can be made, and that nothing is there yet.

  Raises:
    UserError: if there are files already, or none can be written.
  """
  path = path.rstrip('/')
  if files.exists(path) and not (
    files.is_folder(path) and not files.list_folder(path)
  ):
    raise errors.UserError(
      f'--{flag}={path} exists already. Remove it, or name another folder.'
    )
  if not files.is_folder(path):
    check_writable(flag, path)


def check_distinct(outputs: Iterable[tuple[str, str]]) -> None:
  """Check that no output lies in the place of another one, or inside it.

  Args:
    outputs: (flag, path) of everything that will be written.

  Raises:
    UserError: if two of them collide; the message names their flags.
  """
  seen = []
  for flag, path in outputs:
    place = _place(path)
    for other_flag, other_path, other in seen:
      if place == other or _is_inside(place, other) or _is_inside(other, place):
        raise errors.UserError(
          f'--{flag} and --{other_flag} collide: {path} and {other_path}. Name '
          'two different paths, neither of them inside the other.'
        )
    seen.append((flag, path, place))


def check_keeps(
  outputs: Iterable[tuple[str, str]], inputs: dict[str, str]
) -> None:
  """Check that no output replaces a file that the command reads.

  Args:
    outputs: (flag, path) of everything that will be written.
    inputs: path of a file that is read -> what it is, for the message.

  Raises:
    UserError: if an output would replace an input.
  """
  places = {_place(path): what for path, what in inputs.items()}
  for flag, path in outputs:
    if what := places.get(_place(path)):
      raise errors.UserError(
        f'--{flag}: {path} would replace {what}. Name another path.'
      )


def _place(path):
  """Return the same text for all paths of one file."""
  if files.is_remote(path):
    return path.rstrip('/')
  return os.path.realpath(os.path.expanduser(path))


def _is_inside(place, folder):
  return place.startswith(folder.rstrip('/') + '/')
