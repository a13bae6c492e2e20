"""Repair a train_dir: make its newest readable checkpoint the current one."""

import os
import re

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import locate
from slim_support import errors, files


def is_readable(prefix: str) -> bool:
  """Return whether every tensor of the checkpoint can be read."""
  try:
    checkpoint = locate.reader(prefix)
    for name in checkpoint.get_variable_to_shape_map():
      checkpoint.get_tensor(name)
  except Exception:  # The reader raises many kinds; none is to be trusted.
    return False
  return True


def repair(folder: str) -> str | None:
  """Make the newest readable checkpoint of a train_dir the current one.

  Damaged newer ones are reported and stay where they are, but the state file
  no longer names them. Leftovers of interrupted writes are removed.

  Args:
    folder: the train_dir.

  Returns:
    The newest readable checkpoint, or None if there never was any.

  Raises:
    UserError: if there are checkpoints, but none can be read.
  """
  for name in files.list_folder(folder):
    if '.tempstate' in name or re.search(rf'{locate.PREFIX}-\d+_temp', name):
      path = files.join(folder, name)
      (files.remove_tree if files.is_folder(path) else files.remove)(path)
  found = locate.prefixes(folder)
  readable = found
  while readable and not is_readable(readable[-1]):
    logging.warning(
      'The checkpoint %s is damaged and is not used.', readable[-1]
    )
    readable = readable[:-1]
  if found and not readable:
    raise errors.UserError(
      f'No checkpoint in {folder} can be read. To train from the beginning, '
      'use another --train_dir.'
    )
  if not readable:
    return None
  if readable != found or locate.latest_by_state(folder) != readable[-1]:
    write_state(folder, readable)
  return readable[-1]


def write_state(folder: str, prefixes: list[str]) -> None:
  """Write the state file of a folder.

  The paths in it are relative, so that the folder can be moved.

  Args:
    folder: the folder of the checkpoints.
    prefixes: its checkpoints; the last one is the current one.
  """
  names = [os.path.basename(prefix) for prefix in prefixes]
  if not files.is_remote(folder):
    folder = os.path.abspath(folder)
  tf.train.update_checkpoint_state(
    folder, names[-1], all_model_checkpoint_paths=names
  )
