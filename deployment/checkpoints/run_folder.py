"""What a train_dir holds besides its checkpoints: its run, its lock, its end.

    run.json         what the run was told: flags, versions, commit, classes
    finished.json    there once the last step was reached
    .run-id          tells this run from others that used the same cluster
    .lock            held by the trainer that uses the folder

Importing this module does not import TensorFlow.
"""

import contextlib
import dataclasses
import os
import platform
import secrets
import subprocess
import time
from typing import Any

from slim_support import errors, files, json_files

RUN_FILE = 'run.json'
_LOCK_FILE = '.lock'
_ID_FILE = '.run-id'
_FINISHED_FILE = 'finished.json'

_SCHEMA = {
  'flags': {str: (str, int, float, bool, list, type(None))},
  'num_classes': int,
  'channels?': int,
  'class_names?': (dict, type(None)),
}
_DAMAGED = (
  'Remove it, and give the flags of the run again; training writes a new one.'
)

# What evaluation and export take over from the training run.
_RECORDED = (
  'dataset_name',
  'dataset_dir',
  'labels_offset',
  'model_name',
  'preprocessing_name',
  'use_grayscale',
)

# A resumed run must agree with these, or its checkpoint means something else.
_FIXED = ('model_name', 'dataset_name', 'labels_offset', 'use_grayscale')


def exclusive(train_dir: str) -> contextlib.AbstractContextManager:
  """Return the context that keeps a second trainer off the folder.

  Raises:
    UserError: on entering, if another trainer uses the folder.
  """
  return files.exclusive_lock(
    files.join(train_dir, _LOCK_FILE),
    lambda owner: (
      f'--train_dir={train_dir} is in use by {owner}. Stop it, or name another '
      '--train_dir.'
    ),
  )


def run_id(train_dir: str) -> int:
  """Return the number of a train_dir's run, the same when it resumes."""
  path = files.join(train_dir, _ID_FILE)
  if files.exists(path):
    with contextlib.suppress(ValueError):
      return int(files.read_bytes(path))
  number = 1 + secrets.randbits(62)
  files.write(path, f'{number}'.encode())
  return number


def mark_unfinished(train_dir: str):
  """Record that the train_dir's training goes on."""
  files.remove(files.join(train_dir, _FINISHED_FILE))


def mark_finished(train_dir: str):
  """Record that the train_dir's training is over, not just interrupted."""
  json_files.write(
    files.join(train_dir, _FINISHED_FILE), {'finished': _timestamp()}
  )


def is_finished(train_dir: str) -> bool:
  """Return whether the training of this folder is over."""
  return files.is_file(files.join(train_dir, _FINISHED_FILE))


def _timestamp():
  return time.strftime('%Y-%m-%dT%H:%M:%S%z')


def _git_commit():
  """Return the commit of the checkout that runs, or None."""
  root = os.path.abspath(__file__)
  for _ in range(3):
    root = os.path.dirname(root)
  try:
    result = subprocess.run(
      ['git', '-C', root, 'rev-parse', 'HEAD'],
      capture_output=True,
      text=True,
      check=True,
    )
  except (OSError, subprocess.CalledProcessError):
    return None
  return result.stdout.strip()


def _versions():
  """Return the versions that a result may depend on."""
  import numpy as np
  import tensorflow.compat.v1 as tf

  return {
    'python': platform.python_version(),
    'tensorflow': tf.__version__,
    'numpy': np.__version__,
  }


def write_run(
  config: Any,
  num_classes: int,
  class_names: dict[int, str] | None,
  channels: int,
):
  """Write train_dir/run.json: flags, versions, commit, classes.

  Args:
    config: the TrainConfig.
    num_classes: classes of the network.
    class_names: label -> name, or None.
    channels: channels of the network's images.
  """
  json_files.write(
    files.join(config.train_dir, RUN_FILE),
    {
      'flags': dataclasses.asdict(config),
      'num_classes': num_classes,
      'class_names': class_names,
      'channels': channels,
      'versions': _versions(),
      'git_commit': _git_commit(),
      'started': _timestamp(),
    },
  )


def read_run(checkpoint_path: str | None) -> dict[str, Any] | None:
  """Return what the run beside a checkpoint was told.

  Args:
    checkpoint_path: a checkpoint, or a folder of checkpoints.

  Returns:
    'flags' (name -> value), 'num_classes', 'class_names' (label as text ->
    name, or None) and, unless the run is an old one, 'channels'; None where the
    folder holds no run.json.

  Raises:
    UserError: if run.json is damaged.
  """
  if not checkpoint_path:
    return None
  folder = checkpoint_path
  if not files.is_folder(folder):
    folder = os.path.dirname(folder)
  path = files.join(folder, RUN_FILE)
  if not files.exists(path):
    return None
  run = json_files.read(path, _SCHEMA, _DAMAGED)
  names = run.get('class_names') or {}
  for label, name in names.items():
    if not label.lstrip('-').isdecimal() or not isinstance(name, str):
      raise errors.UserError(
        f'{path} is damaged: class_names must map labels to names, found '
        f'{label!r}: {name!r}. {_DAMAGED}'
      )
  return run


def recorded_flags(checkpoint_path: str | None) -> dict[str, Any]:
  """Return the flags of a training run that evaluation and export take over.

  Args:
    checkpoint_path: a checkpoint, or a folder of checkpoints.

  Returns:
    Name -> value; the image size under the names that evaluation and export
    give it. Empty where the folder holds no run.json.

  Raises:
    UserError: if run.json is damaged.
  """
  run = read_run(checkpoint_path)
  if run is None:
    return {}
  flags = run['flags']
  recorded = {name: flags[name] for name in _RECORDED if name in flags}
  size = flags.get('train_image_size')
  return recorded | {'eval_image_size': size, 'image_size': size}


def check_same_run(config: Any):
  """Raise UserError if the train_dir's checkpoints are of another network."""
  run = read_run(config.train_dir)
  recorded = run['flags'] if run else {}
  for name in _FIXED:
    before, now = recorded.get(name), getattr(config, name)
    if name in recorded and before != now:
      raise errors.UserError(
        f'{config.train_dir} holds a run with --{name}={before}, not {now}. To '
        f'continue it, use --{name}={before}; to start a new one, name another '
        '--train_dir.'
      )
