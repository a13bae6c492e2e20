"""Resume a run: check that its checkpoint fits, restore what it holds.

Weights must be there. What only training needs, such as the slots of an
optimizer or moving averages, starts fresh where the checkpoint lacks it, so a
run can go on with another optimizer, other trainable scopes or new averages.
"""

from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import identify, locate, matching
from slim_support import errors

_WHAT_TO_DO = (
  'To continue that run, use its flags; to start another one, use another '
  '--train_dir.'
)


class ResumingSaver(tf.train.Saver):
  """Saver that restores checkpoints without some of the graph's variables.

  Args:
    fresh: variables that get their initial values where a checkpoint does not
      have them.
    **options: arguments of tf.train.Saver.
  """

  def __init__(self, fresh: list[tf.Variable], **options: Any):
    super().__init__(**options)
    names = {variable.name for variable in fresh}
    self._fresh = fresh
    self._others = tf.train.Saver(
      [v for v in tf.global_variables() if v.name not in names]
    )
    self._initialize = tf.variables_initializer(fresh)

  def restore(self, sess: tf.Session, save_path: str) -> None:
    """Restore a checkpoint; see `tf.train.Saver.restore`.

    Args:
      sess: the session.
      save_path: the checkpoint.
    """
    if matching.match(save_path, self._fresh).missing:
      self._others.restore(sess, save_path)
      # Moving averages start at the weights, so these come second.
      sess.run(self._initialize)
    else:
      super().restore(sess, save_path)


def saver(config: Any, latest: str | None, **options: Any) -> tf.train.Saver:
  """Return the saver of a training run.

  Args:
    config: a TrainConfig.
    latest: the checkpoint to resume from, None for a new run.
    **options: arguments of tf.train.Saver.

  Raises:
    UserError: if the checkpoint is of another network or of other data.
  """
  if latest is None:
    return tf.train.Saver(**options)
  global_step = tf.train.get_global_step()
  weights = tf.model_variables()
  needed = {variable.name for variable in [*weights, global_step]}
  _check_weights(config, latest, weights)
  if matching.match(latest, [global_step]).missing:
    raise errors.UserError(
      f'{latest} has no global step, so it is not a checkpoint of a training '
      'run. To start from it, use --checkpoint_path and another --train_dir.'
    )
  others = [v for v in tf.global_variables() if v.name not in needed]
  fitting, missing, mismatched = matching.match(latest, others)
  fresh = [v for v in others if v.op.name not in fitting]
  _log_differences(latest, [*missing, *(item.name for item in mismatched)])
  return ResumingSaver(fresh, **options) if fresh else tf.train.Saver(**options)


def _check_weights(config, latest, weights):
  """Raise UserError unless the checkpoint holds the weights of the network."""
  _, missing, mismatched = matching.match(latest, weights)
  if not missing and not mismatched:
    return
  network = None
  if missing or len(mismatched) > 2:
    network = identify.likely_network(latest, but_not=config.model_name)
  if network:
    reason = f'it looks like --model_name={network}'
  elif mismatched:
    reason = matching.describe(mismatched)
  else:
    reason = f'it lacks {matching.shorten(missing)}'
  raise errors.UserError(
    f'The checkpoint {latest} does not fit {config.model_name} on '
    f'{config.dataset_name}: {reason}. {_WHAT_TO_DO}'
  )


def _log_differences(latest, fresh):
  """Log in one line which variables start fresh, and which are not used."""
  here = {variable.op.name for variable in tf.global_variables()}
  there = locate.reader(latest).get_variable_to_shape_map()
  unused = sorted(there.keys() - here)
  parts = []
  if fresh:
    parts.append(f'{len(fresh)} start fresh ({matching.shorten(fresh)})')
  if unused:
    parts.append(
      f'{len(unused)} of the checkpoint are not used '
      f'({matching.shorten(unused)})'
    )
  if parts:
    logging.warning(
      'The variables of this run and of %s differ: %s.',
      latest,
      '; '.join(parts),
    )
