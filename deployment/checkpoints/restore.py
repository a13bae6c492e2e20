"""Restore weights, or their moving averages, from a checkpoint."""

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import locate, matching
from slim_support import errors

_AVERAGE = '/ExponentialMovingAverage'


def restore(session, prefix: str, averaged: bool = False):
  """Gives the variables of the session's graph a checkpoint's values.

  Args:
    session: a session on a graph of one network.
    prefix: the checkpoint.
    averaged: whether to take the moving averages of the weights.

  Raises:
    UserError: if the checkpoint does not fit, or has no averages.
  """
  with session.graph.as_default():
    variables = _names_in_checkpoint(prefix, averaged)
    _, missing, misshapen = matching.assignment(prefix, variables)
    matching.check_fits(prefix, missing, misshapen)
    saver = tf.train.Saver(variables, reshape=False)
  saver.restore(session, prefix)


def _names_in_checkpoint(prefix, averaged):
  """Returns name in the checkpoint -> variable."""
  own = {variable.op.name: variable for variable in tf.global_variables()}
  there = locate.reader(prefix).get_variable_to_shape_map()
  with_average = [name for name in own if name + _AVERAGE in there]
  if not averaged:
    if with_average:
      logging.info(
        '%s holds moving averages of the weights too; say '
        '--moving_average_decay to use them.',
        prefix,
      )
    return own
  if not with_average:
    raise errors.UserError(
      f'{prefix} has no moving averages. Leave out --moving_average_decay.'
    )
  logging.info('Taking the moving averages of %d variables.', len(with_average))
  return {
    name + _AVERAGE if name + _AVERAGE in there else name: variable
    for name, variable in own.items()
  }
