"""Choose the checkpoints to evaluate: one, all, or each new one of a run."""

import os
import time
from collections.abc import Iterator

from absl import logging

from deployment.checkpoints import locate, run_folder
from deployment.evaluation.config import EvalConfig
from slim_support import errors, files


def checkpoints(config: EvalConfig) -> Iterator[str]:
  """Yield the checkpoints to evaluate.

  With --eval_interval_secs this waits for new ones.

  Args:
    config: the configuration.

  Raises:
    UserError: if there is none.
  """
  if config.all_checkpoints:
    yield from _all_checkpoints(config.checkpoint_path)
  elif config.eval_interval_secs:
    yield from _new_checkpoints(config)
  else:
    yield locate.resolve(config.checkpoint_path)


def _all_checkpoints(path):
  folder = os.path.expanduser(path)
  found = locate.prefixes(folder) if files.is_folder(folder) else []
  if not found:
    raise errors.UserError(
      f'--all_checkpoints: {folder} is not a folder with checkpoints. Use '
      '--checkpoint_path=FOLDER.'
    )
  return found


def _new_checkpoints(config):
  """Yield each newest checkpoint once, until training is finished.

  Where no training run says that it is finished: until no new checkpoint
  appears in time.
  """
  path = os.path.expanduser(config.checkpoint_path)
  if files.exists(path) and not files.is_folder(path):
    raise errors.UserError(
      f'--eval_interval_secs: {path} is a file, where no new checkpoints '
      'appear. Use --checkpoint_path=FOLDER.'
    )
  evaluated, since = None, time.monotonic()
  while True:
    # Asked before the newest checkpoint: a run that ends in between has
    # written its last checkpoint by then.
    finished = run_folder.is_finished(path)
    newest = _newest(path)
    if newest and newest != evaluated:
      yield newest
      evaluated, since = newest, time.monotonic()
      continue
    if finished and evaluated:
      logging.info('Training is finished; its last checkpoint is evaluated.')
      return
    if _is_timed_out(config, evaluated, time.monotonic() - since):
      return
    time.sleep(config.eval_interval_secs)


def _newest(path):
  """Return the newest checkpoint, None before there is any."""
  try:
    return locate.resolve(path)
  except errors.UserError:
    return None


def _is_timed_out(config, evaluated, waited_secs):
  """Return whether to stop waiting for a new checkpoint.

  Raises:
    UserError: if there never was a checkpoint.
  """
  timeout = config.eval_timeout_secs
  if timeout is None or waited_secs < timeout:
    return False
  if evaluated is None:
    raise errors.UserError(
      f'{config.checkpoint_path} held no checkpoint for {timeout} s.'
    )
  return True
