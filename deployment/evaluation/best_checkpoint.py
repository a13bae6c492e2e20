"""A copy of the best checkpoint so far, in the folder best/ of an eval_dir."""

import os

from absl import logging

from deployment.checkpoints import locate, repair, run_folder
from slim_support import files

_FOLDER = 'best'
_OWN_FILES = ('checkpoint', run_folder.RUN_FILE)
# Goes before the name of a checkpoint that another one in best/ has already.
_NEW = 'new-'


def keep(eval_dir: str, prefix: str) -> None:
  """Copy a checkpoint, with the run.json beside it, to best/.

  The checkpoint that was there before is removed after the new one is complete,
  so that best/ holds a readable one at any time.

  Args:
    eval_dir: the folder of best/.
    prefix: the checkpoint.

  Raises:
    OSError: if it cannot be copied.
  """
  folder = files.join(eval_dir, _FOLDER)
  files.make_folders(folder)
  name = os.path.basename(prefix)
  current = locate.latest_by_state(folder)
  if current and os.path.basename(current) == name:
    if _is_same(prefix, current):
      _remove_others(folder, name)
      return
    name = _NEW + name
  for path in _files_of(prefix):
    suffix = path[len(prefix) :]
    files.copy(path, files.join(folder, name + suffix))
  run = files.join(os.path.dirname(prefix), run_folder.RUN_FILE)
  if files.is_file(run):
    files.copy(run, files.join(folder, run_folder.RUN_FILE))
  repair.write_state(folder, [files.join(folder, name)])
  _remove_others(folder, name)
  logging.info('This is the best checkpoint so far: copied to %s.', folder)


def _files_of(prefix):
  """Return the paths of a checkpoint's files."""
  folder = os.path.dirname(prefix) or '.'
  start = os.path.basename(prefix)
  return [
    path
    for path in files.glob(folder, '*')
    if os.path.basename(path) == start
    or os.path.basename(path).startswith(f'{start}.')
  ]


def _is_same(prefix, other):
  """Return whether two checkpoints have the same contents."""
  ours, theirs = _files_of(prefix), _files_of(other)
  return [path[len(prefix) :] for path in ours] == [
    path[len(other) :] for path in theirs
  ] and all(
    files.has_same_content(mine, its)
    for mine, its in zip(ours, theirs, strict=True)
  )


def _remove_others(folder, name):
  """Remove the files of other checkpoints and of interrupted copies."""
  prefix = files.join(folder, name)
  kept = {*_files_of(prefix), *(files.join(folder, own) for own in _OWN_FILES)}
  for path in files.glob(folder, '*'):
    if path not in kept and files.is_file(path):
      files.remove(path)
