"""Fine-tuning: which variables start from which checkpoint, and why not."""

import inspect

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import locate, matching
from nets import nets_factory
from slim_support import errors
from tf_slim_compat import slim


def init_fn(config, num_classes: int):
  """Returns what restores the variables at step 0, or None.

  Reports how many variables come from the checkpoint and why others do not.
  With no --checkpoint_exclude_scopes a classifier whose shape does not fit is
  left out by itself; with the flag, exactly its scopes are.

  Args:
    config: a TrainConfig.
    num_classes: classes of the network.

  Returns:
    fn(scaffold, session) for tf.train.Scaffold, or None without checkpoint.

  Raises:
    UserError: if a scope matches nothing or the checkpoint does not fit.
  """
  if not config.checkpoint_path:
    return None
  prefix = locate.resolve(config.checkpoint_path)
  variables = slim.get_model_variables()
  excluded = config.checkpoint_exclude_scopes or ()
  matching.check_scopes('checkpoint_exclude_scopes', excluded, variables)
  wanted = [
    variable
    for variable in variables
    if not matching.in_scope(variable.op.name, excluded)
  ]
  fitting, missing, misshapen = matching.assignment(prefix, wanted)
  head = []
  if config.checkpoint_exclude_scopes is None:
    head, misshapen = _split_head(misshapen, num_classes)
  if misshapen or (missing and not config.ignore_missing_vars) or not fitting:
    _explain(config, prefix, fitting, missing, misshapen)
  _report(config, prefix, variables, fitting, missing, head)
  saver = tf.train.Saver(fitting, reshape=False)
  return lambda scaffold, session: saver.restore(session, prefix)


def _split_head(misshapen, num_classes):
  """Parts the classifier's variables from the others that do not fit."""
  head = [
    item
    for item in misshapen
    if item[1][-1] == num_classes and item[1][:-1] == item[2][:-1]
  ]
  return head, [item for item in misshapen if item not in head]


def _report(config, prefix, variables, fitting, missing, head):
  """Logs what is restored and what is not."""
  logging.info(
    'Fine-tuning from %s: %d of %d variables restored.',
    prefix,
    len(fitting),
    len(variables),
  )
  for scope in config.checkpoint_exclude_scopes or ():
    out = [v for v in variables if matching.in_scope(v.op.name, [scope])]
    logging.info('Left out by scope %s: %d variables.', scope, len(out))
  if head:
    logging.info(
      'Left out because the number of classes differs (%d in the checkpoint, '
      '%d here): %s.',
      head[0][2][-1],
      head[0][1][-1],
      matching.shorten(name for name, _, _ in head),
    )
  if missing:
    logging.warning(
      'Not in the checkpoint, so initialised anew: %s.',
      matching.shorten(missing),
    )


def _explain(config, prefix, fitting, missing, misshapen):
  """Raises UserError for a checkpoint that does not fit."""
  suggestion = _likely_network(config, prefix)
  if suggestion:
    raise errors.UserError(
      f'{prefix} is not a checkpoint of {config.model_name}: it looks like '
      f'--model_name={suggestion}.'
    )
  matching.check_fits(prefix, [], misshapen)
  if not fitting:
    raise errors.UserError(
      f'{prefix} has no variable in common with {config.model_name}: it holds '
      f'{matching.shorten(_names(prefix))}.'
    )
  raise errors.UserError(
    f'{prefix} lacks {len(missing)} variables of {config.model_name}: '
    f'{matching.shorten(missing)}. Say --ignore_missing_vars to initialise '
    'them anew.'
  )


def _names(prefix):
  return sorted(locate.reader(prefix).get_variable_to_shape_map())


def _likely_network(config, prefix):
  """Returns another network of the library that fits the checkpoint, or None.

  Only networks with the checkpoint's outermost scope are built to compare.
  """
  scopes = {name.split('/')[0] for name in _names(prefix)}
  for name, function in nets_factory.networks_map.items():
    scope = inspect.signature(function).parameters.get('scope')
    if name == config.model_name or scope is None:
      continue
    if scope.default in scopes and _fits(name, prefix):
      return name
  return None


def _fits(name, prefix):
  """Returns whether a network's variables, its head aside, fit."""
  row = nets_factory.network(name)
  with tf.Graph().as_default():
    images = tf.placeholder(
      tf.float32, [1, row.image_size, row.image_size, row.channels]
    )
    nets_factory.get_network_fn(name, row.classes)(images)
    variables = slim.get_model_variables()
    _, missing, misshapen = matching.assignment(prefix, variables)
    _, body = _split_head(misshapen, row.classes)
    return not missing and not body
