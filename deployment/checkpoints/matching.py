"""Compare a network's variables with those of a checkpoint."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from deployment.checkpoints import locate
from slim_support import errors

_SHOWN = 10


class Mismatch(NamedTuple):
  """A variable that has another shape in the checkpoint.

  Attributes:
    name: its name in the checkpoint.
    here: its shape in the graph.
    there: its shape in the checkpoint.
  """

  name: str
  here: list[int]
  there: list[int]


class Match(NamedTuple):
  """How a graph's variables fit a checkpoint.

  Attributes:
    fitting: name in the checkpoint -> variable, those that can be restored.
    missing: sorted names that the checkpoint does not have.
    mismatched: variables that have another shape there.
  """

  fitting: dict[str, tf.Variable]
  missing: list[str]
  mismatched: list[Mismatch]


def match(
  prefix: str, variables: Mapping[str, tf.Variable] | Iterable[tf.Variable]
) -> Match:
  """Compare variables with a checkpoint.

  Args:
    prefix: the checkpoint.
    variables: name in the checkpoint -> variable, or variables that have the
      same names there.

  Raises:
    UserError: if the checkpoint cannot be read.
  """
  if not isinstance(variables, Mapping):
    variables = {variable.op.name: variable for variable in variables}
  shapes = locate.reader(prefix).get_variable_to_shape_map()
  result = Match({}, [], [])
  for name, variable in sorted(variables.items()):
    here = variable.shape.as_list()
    if name not in shapes:
      result.missing.append(name)
    elif shapes[name] != here:
      result.mismatched.append(Mismatch(name, here, shapes[name]))
    else:
      result.fitting[name] = variable
  return result


def shorten(names: Iterable[str]) -> str:
  """Return the first names, and how many more there are."""
  names = list(names)
  more = len(names) - _SHOWN
  return ', '.join(names[:_SHOWN]) + (f' and {more} more' if more > 0 else '')


def describe(mismatched: list[Mismatch]) -> str:
  """Return the shapes of variables that do not fit, for a message."""
  shown = '; '.join(
    f'{name} is {here} here and {there} in the checkpoint'
    for name, here, there in mismatched[:_SHOWN]
  )
  more = len(mismatched) - _SHOWN
  return shown + (f'; and {more} more' if more > 0 else '')


def check_fits(
  prefix: str, missing: list[str], mismatched: list[Mismatch]
) -> None:
  """Raise UserError if a checkpoint lacks variables or has other shapes."""
  if mismatched:
    raise errors.UserError(
      f'{prefix} does not fit: {describe(mismatched)}.{_hint(mismatched)}'
    )
  if missing:
    raise errors.UserError(
      f'{prefix} lacks {len(missing)} variables of this network: '
      f'{shorten(missing)}. Is it a checkpoint of another --model_name?'
    )


def _differ_in_channels(item):
  """Return whether it is the first layer, for gray or for color images."""
  if len(item.here) != 4 or len(item.there) != 4:
    return False
  channels = {item.here[2], item.there[2]}
  same = item.here[:2] == item.there[:2] and item.here[3] == item.there[3]
  return same and channels == {1, 3}


def _hint(mismatched):
  """Return the flag that makes the shapes fit."""
  first = next(filter(_differ_in_channels, mismatched), None)
  if first:
    if first.there[2] == 1:
      return ' The checkpoint is for gray images: use --use_grayscale.'
    return (
      ' The checkpoint is for color images: leave out --use_grayscale, and use '
      'a data set of color images.'
    )
  classes = {(*here[-1:], *there[-1:]) for _, here, there in mismatched}
  if classes <= {(1001, 1000)}:
    return (
      ' The checkpoint has 1000 classes, without the background: use '
      '--labels_offset=1.'
    )
  if classes <= {(1000, 1001)}:
    return ' The checkpoint has 1001 classes: use --labels_offset=0.'
  if len(classes) == 1:
    scopes = sorted({name.rsplit('/', 1)[0] for name, _, _ in mismatched})
    return (
      ' To train these from the beginning, use '
      f'--checkpoint_exclude_scopes={",".join(scopes)}.'
    )
  return ' Is it a checkpoint of another --model_name or width?'
