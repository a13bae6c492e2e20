"""What a train_dir remembers: who uses it, and what its run was told."""

import contextlib
import dataclasses
import fcntl
import json
import os
import platform
import secrets
import socket
import subprocess
import time

import numpy as np
import tensorflow.compat.v1 as tf

import slim_errors
from datasets import metadata, workplace
from deployment import config as configs

_LOCK_FILE = '.lock'
_ID_FILE = '.run-id'
_FINISHED_FILE = 'finished.json'

# A resumed run must agree with these, or its checkpoint means something else.
_FIXED = ('model_name', 'dataset_name', 'labels_offset', 'use_grayscale')


def make_folder(flag: str, path: str):
  """Makes the folder and checks that files can be written there.

  Raises:
    UserError: if that fails; it names the flag.
  """
  try:
    workplace.try_to_write(path)
  except OSError as error:
    raise slim_errors.UserError(
      f'--{flag}={path}: cannot write there ({error.strerror}). Name a folder '
      'that can be written to.'
    ) from error


@contextlib.contextmanager
def exclusive(train_dir: str):
  """Keeps a second trainer off the folder while the context lasts.

  The lock is the operating system's, so it ends with the process, however that
  ends.

  Raises:
    UserError: if another trainer uses the folder; it says which.
  """
  with open(os.path.join(train_dir, _LOCK_FILE), 'a+', encoding='utf-8') as f:
    try:
      fcntl.flock(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
      f.seek(0)
      raise slim_errors.UserError(
        f'--train_dir={train_dir} is in use by {f.read().strip()}. Stop it, or '
        'name another --train_dir.'
      ) from None
    f.truncate(0)
    f.write(f'process {os.getpid()} on {socket.gethostname()}')
    f.flush()
    yield


def run_id(train_dir: str) -> int:
  """Returns the number of a train_dir's run, the same when it resumes."""
  path = os.path.join(train_dir, _ID_FILE)
  if not os.path.isfile(path):
    number = 1 + secrets.randbits(62)
    metadata.write_atomically(path, f'{number}'.encode())
  with open(path, encoding='utf-8') as file:
    return int(file.read())


def mark_unfinished(train_dir: str):
  """Says that the train_dir's training goes on."""
  with contextlib.suppress(FileNotFoundError):
    os.remove(os.path.join(train_dir, _FINISHED_FILE))


def mark_finished(train_dir: str):
  """Says that the train_dir's training is over, not just interrupted."""
  write_json(
    os.path.join(train_dir, _FINISHED_FILE),
    {'finished': time.strftime('%Y-%m-%dT%H:%M:%S%z')},
  )


def is_finished(train_dir: str) -> bool:
  """Returns whether the training of this folder is over."""
  return os.path.isfile(os.path.join(train_dir, _FINISHED_FILE))


def write_json(path: str, content):
  """Writes JSON under a temporary name, then renames it."""
  text = json.dumps(content, indent=2) + '\n'
  metadata.write_atomically(path, text.encode())


def _git_commit():
  """Returns the commit of the checkout that runs, or None."""
  root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
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


def write(config, num_classes: int, class_names):
  """Writes train_dir/run.json: flags, versions, commit, classes.

  Args:
    config: the TrainConfig.
    num_classes: classes of the network.
    class_names: dict of label to name, or None.
  """
  write_json(
    os.path.join(config.train_dir, configs.RUN_FILE),
    {
      'flags': dataclasses.asdict(config),
      'num_classes': num_classes,
      'class_names': class_names,
      'versions': {
        'python': platform.python_version(),
        'tensorflow': tf.__version__,
        'numpy': np.__version__,
      },
      'git_commit': _git_commit(),
      'started': time.strftime('%Y-%m-%dT%H:%M:%S%z'),
    },
  )


def check_same_run(config):
  """Raises UserError if the train_dir's checkpoints are of another network."""
  path = os.path.join(config.train_dir, configs.RUN_FILE)
  if not os.path.isfile(path):
    return
  try:
    with open(path, encoding='utf-8') as file:
      recorded = json.load(file)['flags']
  except (ValueError, KeyError):
    return
  for name in _FIXED:
    before, now = recorded.get(name), getattr(config, name)
    if name in recorded and before != now:
      raise slim_errors.UserError(
        f'{config.train_dir} holds a run with --{name}={before}, not {now}. To '
        f'go on with it, say --{name}={before}; to start anew, name another '
        '--train_dir.'
      )
