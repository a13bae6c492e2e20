"""What a train_dir holds besides its checkpoints.

    run.json         the run's flags, versions, commit, classes and channels
    finished.json    exists once the last step was reached
    .run-id          a number that tells this run from others on a cluster
    .lock            held by the trainer that uses the folder

Importing this module does not import TensorFlow.
"""

import collections
import contextlib
import dataclasses
import os
import platform
import re
import secrets
import subprocess
import time
from typing import Any

from preprocessing import preprocessing_factory
from slim_support import errors, files, json_files, locks

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
  'Remove it and give the flags of the run again; training writes a new one.'
)

# Flags that evaluation and export take from the training run.
_RECORDED = (
  'dataset_name',
  'dataset_dir',
  'labels_offset',
  'model_name',
  'preprocessing_name',
  'use_grayscale',
)

# With other values of these, a checkpoint means something else.
_FIXED = ('model_name', 'dataset_name', 'labels_offset')


def exclusive(train_dir: str) -> contextlib.AbstractContextManager:
  """Return a context in which no second trainer can use the folder.

  Raises:
    UserError: on entering, if another trainer uses the folder.
  """
  return locks.exclusive_lock(
    files.join(train_dir, _LOCK_FILE),
    lambda owner: (
      f'--train_dir={train_dir} is in use by {owner}. Stop it, or use another '
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


def mark_unfinished(train_dir: str) -> None:
  """Record that the training of this folder is not over.

  Raises:
    UserError: if what an earlier run left there cannot be removed.
  """
  path = files.join(train_dir, _FINISHED_FILE)
  try:
    files.remove(path)
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be removed: {error.strerror or error}.'
    ) from error


def mark_finished(train_dir: str) -> None:
  """Record that the training of this folder is over, not just interrupted."""
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
  channels: int,
  class_names: dict[int, str] | None,
) -> None:
  """Write train_dir/run.json: flags, versions, commit, classes, channels.

  Args:
    config: the TrainConfig.
    num_classes: classes of the network.
    channels: channels of the images that the network takes.
    class_names: label -> name, or None.
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
  """Return the record of the training run that a checkpoint belongs to.

  Args:
    checkpoint_path: a checkpoint, or a folder of checkpoints.

  Returns:
    'flags' (name -> value), 'num_classes', 'class_names' (label as text ->
    name, or None) and, in newer records, 'channels'; None where the folder
    holds no run.json.

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
    if not re.fullmatch(r'-?[0-9]{1,18}', label) or not isinstance(name, str):
      raise errors.UserError(
        f'{path} is damaged: class_names must map labels to names, found '
        f'{label!r}: {name!r}. {_DAMAGED}'
      )
  return run


def recorded_flags(checkpoint_path: str | None) -> dict[str, Any]:
  """Return the flags of a training run that evaluation and export use too.

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


def check_same_run(
  config: Any,
  num_classes: int,
  channels: int,
  class_names: dict[int, str] | None,
) -> None:
  """Check that a train_dir's run is of this network and these data.

  Args:
    config: the TrainConfig.
    num_classes: classes of the network.
    channels: channels of the images that the network takes.
    class_names: label -> name, or None.

  Raises:
    UserError: if not; the message lists what differs.
  """
  run = read_run(config.train_dir)
  if run is None:
    return
  flags = run['flags']
  pairs = [
    (f'--{name}', flags[name], getattr(config, name))
    for name in _FIXED
    if name in flags
  ]
  pairs.append(('the number of classes', run['num_classes'], num_classes))
  pairs.append(('the number of channels', run.get('channels'), channels))
  pairs.append(
    ('the preprocessing', _preprocessing(flags), _preprocessing(vars(config)))
  )
  differences = [
    f'{what} was {before} and is now {now}'
    for what, before, now in pairs
    if before not in (None, now)
  ]
  differences += _moved_classes(run.get('class_names') or {}, class_names or {})
  if differences:
    raise errors.UserError(
      f'{config.train_dir} holds another run: {"; ".join(differences)}. To '
      'continue that run, use its flags; to start another one, use another '
      '--train_dir.'
    )


def _preprocessing(flags):
  """Return the family of the preprocessing that flags ask for, or None."""
  name = flags.get('preprocessing_name') or flags.get('model_name')
  if not isinstance(name, str):  # a damaged record
    return None
  try:
    return preprocessing_factory.family_name(name)
  except errors.UserError:  # one that this version does not know
    return name


def _moved_classes(before, now):
  """Return the first class that has another label than before.

  A class with a new name is fine: somebody may have corrected a typo.
  """
  labels = collections.defaultdict(list)
  for label, name in now.items():
    labels[name].append(label)
  return [
    f'the class {name!r} had the label {label} and now has {labels[name][0]}'
    for label, name in before.items()
    if name in labels and int(label) not in labels[name]
  ][:1]


def changed_flags(config: Any) -> list[str]:
  """Return how the flags differ from those of the train_dir's last run.

  Returns:
    For each flag with another value a text such as '--batch_size=64 (was 32)'.
  """
  run = read_run(config.train_dir)
  recorded = run['flags'] if run else {}
  changed = []
  for name, now in dataclasses.asdict(config).items():
    now = list(now) if isinstance(now, tuple) else now
    before = recorded.get(name, now)
    if before != now and name != 'train_dir':
      changed.append(f'--{name}={_shown(now)} (was {_shown(before)})')
  return changed


def _shown(value):
  return ','.join(map(str, value)) if isinstance(value, list) else value
