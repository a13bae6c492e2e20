"""Freeze a network: replace its variables by constants."""

from collections.abc import Sequence

import tensorflow.compat.v1 as tf
from tensorflow.python.util import deprecation

from deployment.export import batch_norm_folding


def freeze(
  session: tf.Session, outputs: Sequence[str], inputs: Sequence[str] = ()
) -> tf.GraphDef:
  """Return the graph for inference, with constants in place of variables.

  Nodes that only training needs are removed, and batch norm is folded into the
  convolutions before it.

  Args:
    session: a session whose variables have their values.
    outputs: names of the nodes to keep, with everything they depend on.
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
