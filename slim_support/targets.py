"""Check where a command will write, before it does its work."""

import os
from collections.abc import Iterable

from slim_support import errors, files


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
