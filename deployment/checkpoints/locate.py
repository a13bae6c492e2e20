"""Finding, checking and restoring checkpoints, with reasons when it fails."""

import os
import re
import shutil
import tempfile

import tensorflow.compat.v1 as tf
from absl import logging

from datasets.downloading import archives
from slim_support import errors

PREFIX = 'model.ckpt'
_STATE_FILE = 'checkpoint'
_ARCHIVE = r'\.(tar\.gz|tgz|tar)$'


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
    raise errors.UserError('--checkpoint_path is missing.')
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
  raise errors.UserError(
    f'There is no checkpoint {path!r}.'
    + errors.did_you_mean(os.path.basename(path), names)
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
  latest = latest_by_state(folder)
  if latest:
    return latest
  found = prefixes(folder)
  if found:
    return found[-1]
  single = [name for name in os.listdir(folder) if name.endswith('.ckpt')]
  if len(single) == 1:
    return os.path.join(folder, single[0])
  raise errors.UserError(
    f'{folder} holds no checkpoint. Say --checkpoint_path=FILE, or the '
    '--train_dir of a training run.'
  )


def latest_by_state(folder):
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
    except errors.UserError:
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
  raise errors.UserError(f'{archive} holds no checkpoint.')


def reader(prefix: str):
  """Returns a checkpoint reader.

  Raises:
    UserError: if the file is not a checkpoint or is damaged.
  """
  try:
    return tf.train.NewCheckpointReader(prefix)
  except (tf.errors.OpError, ValueError) as error:
    raise errors.UserError(
      f'{prefix} cannot be read as a checkpoint: {errors.error_summary(error)}'
    ) from error
