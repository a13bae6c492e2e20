"""Weights from a checkpoint, frozen into the graph as constants."""

import tensorflow.compat.v1 as tf
from tensorflow.python.util import deprecation

from deployment.export import batch_norm_folding


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
    batch_norm_folding.fold_batch_norms(graph_def)
    return tf.graph_util.extract_sub_graph(graph_def, kept)
