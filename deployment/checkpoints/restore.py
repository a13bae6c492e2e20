"""Restore weights, or their moving averages, from a checkpoint.

The one rule for evaluation, export and labelling. With moving averages, a
variable gets its average, and a variable that never has one, because it is not
trained, its plain value.
"""

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import locate, matching
from slim_support import errors

_AVERAGE = '/ExponentialMovingAverage'


class Restorer:
  """Gives the variables of the default graph the values of checkpoints.

  Args:
    averaged: whether to take the moving averages of the weights.
  """

  def __init__(self, averaged: bool = False):
    self._averaged = averaged
    self._variables = {v.op.name: v for v in tf.global_variables()}
    self._trainable = {v.op.name for v in tf.trainable_variables()}
    self._graph = tf.get_default_graph()
    self._savers = {}
    self._are_finite = {
      name: tf.reduce_all(tf.math.is_finite(variable))
      for name, variable in self._variables.items()
      if variable.dtype.is_floating
    }

  def restore(self, session: tf.Session, prefix: str) -> None:
    """Restore all variables from one checkpoint.

    Args:
      session: a session on the graph.
      prefix: the checkpoint.

    Raises:
      UserError: if the checkpoint is damaged, does not fit, holds values that
        are NaN or infinite, or has no moving averages although they are asked
        for.
    """
    variables = self._names_in_checkpoint(prefix)
    _, missing, mismatched = matching.match(prefix, variables)
    matching.check_fits(prefix, missing, mismatched)
    names = tuple(variables)
    if names not in self._savers:
      with self._graph.as_default():
        self._savers[names] = tf.train.Saver(variables, reshape=False)
    with locate.report_damage(prefix):
      self._savers[names].restore(session, prefix)
    self._check_finite(session, prefix)

  def _check_finite(self, session, prefix):
    """Raise UserError if a variable holds NaN or infinite values."""
    are_finite = session.run(self._are_finite)
    bad = sorted(name for name, finite in are_finite.items() if not finite)
    if bad:
      raise errors.UserError(
        f'{prefix} cannot be used: {matching.shorten(bad)} holds values that '
        'are NaN or infinite. Use an earlier checkpoint, or train again with a '
        'lower learning rate.'
      )

  def _names_in_checkpoint(self, prefix):
    """Return name in the checkpoint -> variable."""
    there = locate.reader(prefix).get_variable_to_shape_map()
    with_average = {n for n in self._variables if n + _AVERAGE in there}
    if not self._averaged:
      if with_average:
        logging.info(
          '%s holds moving averages of the weights too. Use '
          '--moving_average_decay to take them.',
          prefix,
        )
      return self._variables
    if not with_average:
      raise errors.UserError(
        f'{prefix} has no moving averages. Leave out --moving_average_decay.'
      )
    logging.info(
      'Taking the moving averages of %d variables.', len(with_average)
    )
    without = sorted(self._trainable - with_average)
    if without:
      logging.warning(
        '%s has no moving averages of %d trained variables, whose plain values '
        'are taken: %s.',
        prefix,
        len(without),
        matching.shorten(without),
      )
    return {
      name + _AVERAGE if name in with_average else name: variable
      for name, variable in self._variables.items()
    }


def restore(session: tf.Session, prefix: str, averaged: bool = False) -> None:
  """Give the variables of the session's graph a checkpoint's values, once.

  Args:
    session: a session on a graph of one network.
    prefix: the checkpoint.
    averaged: whether to take the moving averages of the weights.

  Raises:
    UserError: see `Restorer.restore`.
  """
  with session.graph.as_default():
    Restorer(averaged).restore(session, prefix)
