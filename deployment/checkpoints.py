"""Finding, checking and restoring checkpoints, with reasons when it fails."""

import os
import re
import shutil
import tempfile

import tensorflow.compat.v1 as tf
from absl import logging

import slim_errors
from datasets import archives

PREFIX = 'model.ckpt'
_STATE_FILE = 'checkpoint'
_ARCHIVE = r'\.(tar\.gz|tgz|tar)$'
_SHOWN = 10


def resolve(path: str) -> str:
  """Returns the checkpoint that a path means.

  Args:
    path: a folder (its newest checkpoint), a prefix such as model.ckpt-100,
      one of its files (.index, .data-...), a `checkpoint` state file, a
      single-file checkpoint of the old format, or a .tar.gz that holds one.

  Raises:
    UserError: if there is no such checkpoint; it names what lies there.
  """
  if not path:
    raise slim_errors.UserError('--checkpoint_path is missing.')
  path = os.path.expanduser(path)
  if os.path.isdir(path):
    return _newest(path)
  if re.search(_ARCHIVE, path) and os.path.isfile(path):
    return _extracted(path)
  if os.path.basename(path) == _STATE_FILE and os.path.isfile(path):
    return _newest(os.path.dirname(path) or '.')
  prefix = re.sub(r'\.(index|meta|data-\d{5}-of-\d{5})$', '', path)
  if os.path.isfile(prefix + '.index') or os.path.isfile(prefix):
    return prefix
  folder = os.path.dirname(path) or '.'
  there = prefixes(folder) if os.path.isdir(folder) else []
  names = [os.path.basename(name) for name in there]
  raise slim_errors.UserError(
    f'There is no checkpoint {path!r}.'
    + slim_errors.near(os.path.basename(path), names)
    + (f' {folder} holds: {", ".join(names)}.' if names else '')
  )


def prefixes(folder: str) -> list[str]:
  """Returns the checkpoints in a folder, oldest first."""
  found = [
    os.path.join(folder, name.removesuffix('.index'))
    for name in os.listdir(folder)
    if name.endswith('.index') and '_temp' not in name
  ]
  return sorted(found, key=lambda prefix: (step_of(prefix), prefix))


def step_of(prefix: str) -> int:
  """Returns the step in a checkpoint's name, 0 where it has none."""
  match = re.search(r'-(\d+)$', prefix)
  return int(match[1]) if match else 0


def global_step(prefix: str) -> int | None:
  """Returns a checkpoint's global step, else the step in its name, or None."""
  checkpoint = reader(prefix)
  if checkpoint.has_tensor('global_step'):
    return int(checkpoint.get_tensor('global_step'))
  return step_of(prefix) or None


def _newest(folder):
  """Returns the checkpoint of the folder's state file, else the last one."""
  latest = _latest_by_state(folder)
  if latest:
    return latest
  found = prefixes(folder)
  if found:
    return found[-1]
  single = [name for name in os.listdir(folder) if name.endswith('.ckpt')]
  if len(single) == 1:
    return os.path.join(folder, single[0])
  raise slim_errors.UserError(
    f'{folder} holds no checkpoint. Say --checkpoint_path=FILE, or the '
    '--train_dir of a training run.'
  )


def _latest_by_state(folder):
  """Returns what the state file names, wherever the folder was moved to."""
  try:
    state = tf.train.get_checkpoint_state(folder)
  except (tf.errors.OpError, ValueError):
    return None
  if not state or not state.model_checkpoint_path:
    return None
  name = os.path.basename(state.model_checkpoint_path)
  prefix = os.path.join(folder, name)
  return prefix if tf.train.checkpoint_exists(prefix) else None


def _extracted(archive):
  """Unpacks a released checkpoint beside its archive, once."""
  folder = re.sub(_ARCHIVE, '', archive)
  if not os.path.isdir(folder):
    parent = os.path.dirname(archive) or '.'
    temporary = tempfile.mkdtemp(prefix='.unpacking-', dir=parent)
    try:
      archives.extract_tar(archive, temporary)
    except slim_errors.UserError:
      shutil.rmtree(temporary)
      raise
    os.rename(temporary, folder)
    logging.info('Unpacked %s into %s', archive, folder)
  holders = [
    folder,
    *(entry.path for entry in os.scandir(folder) if entry.is_dir()),
  ]
  for holder in holders:
    found = prefixes(holder) + [
      os.path.join(holder, name)
      for name in os.listdir(holder)
      if name.endswith('.ckpt')
    ]
    if found:
      return found[-1]
  raise slim_errors.UserError(f'{archive} holds no checkpoint.')


def reader(prefix: str):
  """Returns a checkpoint reader.

  Raises:
    UserError: if the file is not a checkpoint or is damaged.
  """
  try:
    return tf.train.NewCheckpointReader(prefix)
  except (tf.errors.OpError, ValueError) as error:
    raise slim_errors.UserError(
      f'{prefix} cannot be read as a checkpoint: '
      f'{slim_errors.first_line(error)}'
    ) from error


def is_whole(prefix: str) -> bool:
  """Returns whether every tensor of the checkpoint can be read."""
  try:
    checkpoint = tf.train.NewCheckpointReader(prefix)
    for name in checkpoint.get_variable_to_shape_map():
      checkpoint.get_tensor(name)
  except Exception:  # the reader maps statuses to all kinds of exceptions
    return False
  return True


def repair(folder: str):
  """Makes the newest whole checkpoint of a train_dir the current one.

  Damaged newer ones are reported and left where they are, but no longer
  named in the state file; leftovers of interrupted writes are removed.

  Returns:
    The newest whole checkpoint, or None if there never was any.

  Raises:
    UserError: if there are checkpoints, but none can be read.
  """
  for name in os.listdir(folder):
    if '.tempstate' in name or re.search(rf'{PREFIX}-\d+_temp', name):
      path = os.path.join(folder, name)
      shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
  found = prefixes(folder)
  whole = found
  while whole and not is_whole(whole[-1]):
    logging.warning('Checkpoint %s is damaged and left out.', whole[-1])
    whole = whole[:-1]
  if found and not whole:
    raise slim_errors.UserError(
      f'No checkpoint in {folder} can be read. To train from the beginning, '
      'name another --train_dir.'
    )
  if not whole:
    return None
  if whole != found or _latest_by_state(folder) != whole[-1]:
    write_state(folder, whole)
  return whole[-1]


def write_state(folder: str, whole):
  """Writes the state file: these checkpoints, the last one the current.

  Their paths are relative, so the folder can be moved.
  """
  names = [os.path.basename(prefix) for prefix in whole]
  tf.train.update_checkpoint_state(
    os.path.abspath(folder), names[-1], all_model_checkpoint_paths=names
  )


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
      raise slim_errors.UserError(
        f'--{flag}: no variable starts with {scope!r}.'
        + (
          slim_errors.near(scope, known)
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
  shapes = reader(prefix).get_variable_to_shape_map()
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
    raise slim_errors.UserError(
      f'{prefix} does not fit: {details}.{_hint(misshapen)}'
    )
  if missing:
    raise slim_errors.UserError(
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
