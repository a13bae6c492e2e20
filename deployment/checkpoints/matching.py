"""Match a network's variables with those of a checkpoint."""

from deployment.checkpoints import locate
from slim_support import errors

_SHOWN = 10


def in_scope(name: str, scopes) -> bool:
  """Returns whether a variable's name starts with one of the scopes."""
  return any(name.startswith(scope) for scope in scopes)


def check_scopes(flag: str, scopes, variables):
  """Raises UserError if one of the scopes matches no variable."""
  names = [variable.op.name for variable in variables]
  known = {
    '/'.join(name.split('/')[: depth + 1])
    for name in names
    for depth in range(name.count('/') + 1)
  }
  for scope in scopes:
    if not any(name.startswith(scope) for name in names):
      tops = sorted({name.split('/')[0] for name in names})
      raise errors.UserError(
        f'--{flag}: no variable starts with {scope!r}.'
        + (
          errors.did_you_mean(scope, known)
          or f' The variables lie below {", ".join(tops)}.'
        )
      )


def assignment(prefix: str, variables):
  """Sorts variables by how they fit a checkpoint.

  Args:
    prefix: the checkpoint.
    variables: dict of name in the checkpoint to variable, or a list of
      variables, which go by their own names.

  Returns:
    fitting: dict of name to variable, to be restored.
    missing: sorted names that the checkpoint lacks.
    misshapen: list of (name, shape here, shape in the checkpoint).
  """
  if not isinstance(variables, dict):
    variables = {variable.op.name: variable for variable in variables}
  shapes = locate.reader(prefix).get_variable_to_shape_map()
  fitting, missing, misshapen = {}, [], []
  for name, variable in sorted(variables.items()):
    here = variable.shape.as_list()
    if name not in shapes:
      missing.append(name)
    elif shapes[name] != here:
      misshapen.append((name, here, shapes[name]))
    else:
      fitting[name] = variable
  return fitting, missing, misshapen


def shorten(names) -> str:
  """Returns the first names, and how many more there are."""
  names = list(names)
  more = len(names) - _SHOWN
  return ', '.join(names[:_SHOWN]) + (f' and {more} more' if more > 0 else '')


def check_fits(prefix: str, missing, misshapen):
  """Raises UserError if a checkpoint lacks variables or has other shapes."""
  if misshapen:
    details = '; '.join(
      f'{name} is {here} here and {there} in the checkpoint'
      for name, here, there in misshapen[:_SHOWN]
    )
    raise errors.UserError(
      f'{prefix} does not fit: {details}.{_hint(misshapen)}'
    )
  if missing:
    raise errors.UserError(
      f'{prefix} lacks {len(missing)} variables of this network: '
      f'{shorten(missing)}. Is it a checkpoint of another --model_name?'
    )


def _hint(misshapen):
  """Returns the flag that mends a shape mismatch."""
  classes = {(here[-1], there[-1]) for _, here, there in misshapen}
  if classes <= {(1001, 1000)}:
    return (
      ' The checkpoint tells 1000 classes apart, without the background: '
      'say --labels_offset=1.'
    )
  if classes <= {(1000, 1001)}:
    return ' The checkpoint has 1001 classes: say --labels_offset=0.'
  if len(classes) == 1:
    scopes = sorted({name.rsplit('/', 1)[0] for name, _, _ in misshapen})
    return (
      ' To train these anew, say '
      f'--checkpoint_exclude_scopes={",".join(scopes)}.'
    )
  return ' Is it a checkpoint of another --model_name or width?'
