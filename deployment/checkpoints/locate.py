"""Find the checkpoint that a path means, and open it."""

import contextlib
import glob
import os
import re
from collections.abc import Iterator

import tensorflow.compat.v1 as tf

from deployment.checkpoints import download, released
from slim_support import errors, files

PREFIX = 'model.ckpt'
_STATE_FILE = 'checkpoint'


def resolve(path: str) -> str:
  """Return the checkpoint that a path means.

  Args:
    path: a folder (its newest checkpoint), a prefix such as model.ckpt-100,
      one of its files (.index, .data-...), a `checkpoint` state file, a
      single-file checkpoint of the old format, or a .tar.gz that holds one.

  Returns:
    The prefix that TensorFlow's readers and savers take.

  Raises:
    UserError: if there is no such checkpoint; the message lists those that the
      folder holds.
  """
  if not path:
    raise errors.UserError('--checkpoint_path is missing.')
  path = os.path.expanduser(path)
  if files.is_folder(path):
    return _newest(path)
  if released.is_archive(path) and files.is_file(path):
    return released.unpack(path)
  folder = os.path.dirname(path) or '.'
  if os.path.basename(path) == _STATE_FILE and files.is_file(path):
    return _newest(folder)
  prefix = re.sub(r'\.(index|meta|data-\d{5}-of-\d{5})$', '', path)
  if files.is_file(prefix + '.index') or files.is_file(prefix):
    return prefix
  found = prefixes(folder) if files.is_folder(folder) else []
  names = [os.path.basename(name) for name in found]
  raise errors.UserError(
    f'There is no checkpoint {path!r}.'
    + errors.did_you_mean(os.path.basename(path), names)
    + (f' {folder} holds: {", ".join(names)}.' if names else '')
    + download.advice(path)
  )


def prefixes(folder: str) -> list[str]:
  """Return the checkpoints in a folder, those of earlier steps first."""
  found = [
    files.join(folder, name.removesuffix('.index'))
    for name in files.list_folder(folder)
    if name.endswith('.index') and '_temp' not in name
  ]
  return sorted(found, key=lambda prefix: (step_of(prefix), prefix))


def step_of(prefix: str) -> int:
  """Return the step in a checkpoint's name, 0 if it has none."""
  match = re.search(r'-(\d+)$', prefix)
  return int(match[1]) if match else 0


def global_step(prefix: str) -> int | None:
  """Return a checkpoint's global step, else the step in its name, or None."""
  checkpoint = reader(prefix)
  if not checkpoint.has_tensor('global_step'):
    return step_of(prefix) or None
  with report_damage(prefix):
    return int(checkpoint.get_tensor('global_step'))


def _newest(folder: str) -> str:
  """Return the checkpoint of the folder's state file, else the last one."""
  latest = latest_by_state(folder)
  if latest:
    return latest
  found = prefixes(folder)
  if found:
    return found[-1]
  single = [
    name for name in files.list_folder(folder) if name.endswith('.ckpt')
  ]
  if len(single) == 1:
    return files.join(folder, single[0])
  raise errors.UserError(
    f'{folder} holds no checkpoint. Use --checkpoint_path=FILE, or the '
    '--train_dir of a training run.'
  )


def latest_by_state(folder: str) -> str | None:
  """Return what the state file names, even if the folder has been moved.

  Args:
    folder: the folder of the state file and of the checkpoints.

  Returns:
    The checkpoint; None without a state file, and if it names none.

  Raises:
    UserError: if the state file is a folder, a pipe or a device.
  """
  path = files.join(folder, _STATE_FILE)
  try:
    files.check_regular(path)
  except FileNotFoundError:
    return None
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be read: {error.strerror}. Remove it.'
    ) from error
  try:
    state = tf.train.get_checkpoint_state(folder)
  except (tf.errors.OpError, ValueError):
    return None
  if not state or not state.model_checkpoint_path:
    return None
  name = os.path.basename(state.model_checkpoint_path)
  prefix = files.join(folder, name)
  return prefix if tf.train.checkpoint_exists(prefix) else None


def reader(prefix: str) -> tf.train.NewCheckpointReader:
  """Return a reader of a checkpoint's names, shapes and values.

  Raises:
    UserError: if the file is not a checkpoint or is damaged.
  """
  _check_files(prefix)
  with report_damage(prefix):
    return tf.train.NewCheckpointReader(prefix)


def _check_files(prefix):
  """Raise UserError if a file of the checkpoint is a pipe or a device.

  Reading one could take forever.
  """
  folder, name = os.path.split(prefix)
  data = f'{glob.escape(name)}.data-*'
  paths = [f'{prefix}.index', *files.glob(folder or '.', data)]
  # A checkpoint of the old format is a single file.
  for path in paths if os.path.lexists(paths[0]) else [prefix]:
    try:
      files.check_regular(path)
    except FileNotFoundError:
      continue
    except OSError as error:
      raise errors.UserError(
        f'The checkpoint {prefix} cannot be read: {path}: {error.strerror}.'
      ) from error


@contextlib.contextmanager
def report_damage(prefix: str) -> Iterator[None]:
  """Turn the errors of reading a checkpoint into one sentence.

  Raises:
    UserError: in place of what TensorFlow raised.
  """
  try:
    yield
  except errors.UserError:
    raise
  # The reader turns TensorFlow's status codes into several Python exceptions.
  except (tf.errors.OpError, ValueError, RuntimeError, IndexError) as error:
    raise errors.UserError(
      f'The checkpoint {prefix} cannot be read: it is damaged, or not a '
      f'checkpoint ({errors.error_summary(error)}). Use another one, or copy '
      'it again.'
    ) from error
