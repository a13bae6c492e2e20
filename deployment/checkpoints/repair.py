"""Repair a train_dir: make its newest whole checkpoint the current one."""

import os
import re
import shutil

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import locate
from slim_support import errors


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
    if '.tempstate' in name or re.search(rf'{locate.PREFIX}-\d+_temp', name):
      path = os.path.join(folder, name)
      shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
  found = locate.prefixes(folder)
  whole = found
  while whole and not is_whole(whole[-1]):
    logging.warning('Checkpoint %s is damaged and left out.', whole[-1])
    whole = whole[:-1]
  if found and not whole:
    raise errors.UserError(
      f'No checkpoint in {folder} can be read. To train from the beginning, '
      'name another --train_dir.'
    )
  if not whole:
    return None
  if whole != found or locate.latest_by_state(folder) != whole[-1]:
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
