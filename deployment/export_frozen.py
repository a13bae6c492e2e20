"""Weights from a checkpoint, frozen into the graph as constants."""

import tensorflow.compat.v1 as tf
from absl import logging
from tensorflow.python.util import deprecation

import slim_errors
from deployment import checkpoints, export_folding

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
    _, missing, misshapen = checkpoints.assignment(prefix, variables)
    checkpoints.check_fits(prefix, missing, misshapen)
    saver = tf.train.Saver(variables, reshape=False)
  saver.restore(session, prefix)


def _names_in_checkpoint(prefix, averaged):
  """Returns name in the checkpoint -> variable."""
  own = {variable.op.name: variable for variable in tf.global_variables()}
  there = checkpoints.reader(prefix).get_variable_to_shape_map()
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
    raise slim_errors.UserError(
      f'{prefix} has no moving averages. Leave out --moving_average_decay.'
    )
  logging.info('Taking the moving averages of %d variables.', len(with_average))
  return {
    name + _AVERAGE if name + _AVERAGE in there else name: variable
    for name, variable in own.items()
  }


def freeze(session, outputs, inputs=()) -> tf.GraphDef:
  """Returns the graph with constants for variables, made for inference.

  What only training needs is gone, and batch norm is folded into the
  convolutions before it.

  Args:
    session: a session whose variables have their values.
    outputs: names of the nodes to keep, with all that they need.
    inputs: names of the nodes that are fed.
  """
  kept = [*outputs, *inputs]
  with deprecation.silence():
    graph_def = tf.graph_util.convert_variables_to_constants(
      session, session.graph.as_graph_def(), list(outputs)
    )
    graph_def = tf.graph_util.remove_training_nodes(graph_def, kept)
    export_folding.fold_batch_norms(graph_def)
    return tf.graph_util.extract_sub_graph(graph_def, kept)
