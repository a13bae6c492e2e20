"""Follow a training run: yield its checkpoints as they appear."""

import os
import time

from absl import logging

from deployment.checkpoints import locate, run_folder
from slim_support import errors


def checkpoints(config):
  """Yields the checkpoints to evaluate, in a loop those yet to come."""
  if config.all_checkpoints:
    folder = config.checkpoint_path
    found = locate.prefixes(folder) if os.path.isdir(folder) else []
    if not found:
      raise errors.UserError(
        f'--all_checkpoints: {folder} is no folder of checkpoints.'
      )
    yield from found
  elif config.eval_interval_secs:
    yield from _new_checkpoints(config)
  else:
    yield locate.resolve(config.checkpoint_path)


def _new_checkpoints(config):
  """Yields each newest checkpoint once, until training is over.

  Without a training run that says so: until none comes in time.
  """
  seen, since = None, time.monotonic()
  while True:
    over = run_folder.is_finished(config.checkpoint_path)
    newest = _newest(config.checkpoint_path)
    if newest and newest != seen:
      yield newest
      seen, since = newest, time.monotonic()
      continue
    if over and seen:
      logging.info('Training is over, and its last checkpoint is evaluated.')
      return
    if _is_late(config, seen, time.monotonic() - since):
      return
    time.sleep(config.eval_interval_secs)


def _newest(path):
  """Returns the newest checkpoint, None before there is any."""
  try:
    return locate.resolve(path)
  except errors.UserError:
    return None


def _is_late(config, seen, waited_secs):
  """Returns whether a next checkpoint has been waited for too long.

  Raises:
    UserError: if there was none at all.
  """
  timeout = config.eval_timeout_secs
  if timeout is None or waited_secs < timeout:
    return False
  if seen is None:
    raise errors.UserError(
      f'{config.checkpoint_path} held no checkpoint for {timeout} s.'
    )
  return True
