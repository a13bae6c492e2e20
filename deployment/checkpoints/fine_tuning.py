"""Fine-tuning: restore the variables that fit a checkpoint, report the rest."""

from collections.abc import Callable
from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import identify, locate, matching, scopes
from slim_support import errors
from tf_slim_compat import slim


def init_fn(
  config: Any, num_classes: int
) -> Callable[[tf.train.Scaffold, tf.Session], None] | None:
  """Return a function that restores variables before the first step.

  Logs how many variables come from the checkpoint and why others do not.
  Without --checkpoint_exclude_scopes a classifier of another size is left out
  by itself; with the flag, exactly its scopes are.

  Args:
    config: a TrainConfig.
    num_classes: classes of the network, which is in the default graph.

  Returns:
    What tf.train.Scaffold takes as init_fn, None without --checkpoint_path.

  Raises:
    UserError: if a scope matches nothing or the checkpoint does not fit; the
      function, if the checkpoint is damaged.
  """
  if not config.checkpoint_path:
    return None
  prefix = locate.resolve(config.checkpoint_path)
  variables = slim.get_model_variables()
  excluded = scopes.excluded(config.checkpoint_exclude_scopes or (), variables)
  left_out = {v.op.name for some in excluded.values() for v in some}
  fitting, missing, mismatched = matching.match(
    prefix, [v for v in variables if v.op.name not in left_out]
  )
  classifier = []
  if config.checkpoint_exclude_scopes is None:
    classifier, mismatched = identify.split_classifier(mismatched, num_classes)
  if mismatched or (missing and not config.ignore_missing_vars) or not fitting:
    raise _does_not_fit(config, prefix, fitting, missing, mismatched)
  logging.info(
    'Fine-tuning from %s: %d of %d variables restored.',
    prefix,
    len(fitting),
    len(variables),
  )
  _log_the_rest(excluded, missing, classifier)
  saver = tf.train.Saver(fitting, reshape=False)

  def restore(scaffold, session):
    del scaffold
    with locate.report_damage(prefix):
      saver.restore(session, prefix)

  return restore


def _log_the_rest(excluded, missing, classifier):
  """Log which variables are not restored, and why."""
  for scope, variables in excluded.items():
    logging.info('Left out by scope %s: %d variables.', scope, len(variables))
  if classifier:
    logging.info(
      'Left out because the number of classes differs (%d in the checkpoint, '
      '%d here): %s.',
      classifier[0].there[-1],
      classifier[0].here[-1],
      matching.shorten(item.name for item in classifier),
    )
  if missing:
    logging.warning(
      'Not in the checkpoint, so newly initialised: %s.',
      matching.shorten(missing),
    )


def _does_not_fit(config, prefix, fitting, missing, mismatched):
  """Return the error for a checkpoint that does not fit."""
  suggestion = identify.likely_network(prefix, config.model_name)
  if suggestion:
    return errors.UserError(
      f'{prefix} is not a checkpoint of {config.model_name}: it looks like '
      f'--model_name={suggestion}.'
    )
  matching.check_fits(prefix, [], mismatched)
  if not fitting:
    names = sorted(locate.reader(prefix).get_variable_to_shape_map())
    return errors.UserError(
      f'{prefix} has no variable in common with {config.model_name}: it holds '
      f'{matching.shorten(names)}.'
    )
  return errors.UserError(
    f'{prefix} lacks {len(missing)} variables of {config.model_name}: '
    f'{matching.shorten(missing)}. Use --ignore_missing_vars to initialise '
    'them newly.'
  )
