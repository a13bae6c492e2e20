"""Select variables by the scopes that --trainable_scopes and others name.

--checkpoint_exclude_scopes takes beginnings of names. --trainable_scopes takes
regular expressions that match at the beginning of a name, which a plain
beginning is too.
"""

import re
from collections.abc import Callable, Iterable

import tensorflow.compat.v1 as tf

from slim_support import errors


def excluded(
  prefixes: Iterable[str], variables: Iterable[tf.Variable]
) -> dict[str, list[tf.Variable]]:
  """Return the variables whose names begin with each of the prefixes.

  Raises:
    UserError: if a prefix matches no variable.
  """
  return _select(
    'checkpoint_exclude_scopes',
    prefixes,
    variables,
    lambda prefix: lambda variable: variable.op.name.startswith(prefix),
  )


def trainable(
  patterns: Iterable[str], variables: Iterable[tf.Variable]
) -> list[tf.Variable]:
  """Return the variables whose names match one of the patterns.

  Args:
    patterns: regular expressions, such as `InceptionV3/Mixed_7[bc]`.
    variables: the variables to select from.

  Returns:
    The variables in their order, each once.

  Raises:
    UserError: if a pattern is not a regular expression or matches no variable.
  """
  variables = list(variables)
  found = _select('trainable_scopes', patterns, variables, _matches)
  names = {variable.name for some in found.values() for variable in some}
  return [variable for variable in variables if variable.name in names]


def _matches(pattern: str) -> Callable[[tf.Variable], bool]:
  try:
    compiled = re.compile(pattern)
  except re.error as error:
    raise errors.UserError(
      f'--trainable_scopes: {pattern!r} is not a regular expression ({error}).'
    ) from error
  return lambda variable: bool(
    compiled.match(variable.op.name) or compiled.match(variable.name)
  )


def _select(flag, scopes, variables, matcher):
  """Return scope -> the variables that it matches, at least one."""
  variables = list(variables)
  result = {}
  for scope in scopes:
    result[scope] = [*filter(matcher(scope), variables)]
    if not result[scope]:
      raise _matches_nothing(flag, scope, variables)
  return result


def _matches_nothing(flag, scope, variables):
  """Return the error for a scope that matches no variable."""
  names = [variable.op.name for variable in variables]
  known = {
    '/'.join(name.split('/')[: depth + 1])
    for name in names
    for depth in range(name.count('/') + 1)
  }
  tops = sorted({name.split('/')[0] for name in names})
  near = errors.did_you_mean(scope, known)
  near = near or f' The names begin with {", ".join(tops)}.'
  return errors.UserError(
    f'--{flag}: no variable has a name that begins with {scope!r}.{near}'
  )
