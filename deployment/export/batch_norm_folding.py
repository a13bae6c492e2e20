"""Fold batch norm into the convolution before it.

With fixed statistics, batch norm is a factor and an offset for each channel:
y = (x - mean) gamma / sqrt(variance + epsilon) + beta. The factor goes into
the kernel and the offset becomes a bias (B. Jacob et al., "Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
2017, arXiv:1712.05877, section 3.2). TensorFlow's own fold_batch_norms does
the same one weight at a time, which takes minutes for a large network.
"""

import collections

import numpy as np
import tensorflow.compat.v1 as tf

_BATCH_NORMS = ('FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3')


def fold_batch_norms(graph_def: tf.GraphDef) -> int:
  """Fold every batch norm that is the only user of a convolution.

  Its node keeps its name and becomes a BiasAdd. Other batch norms stay.

  Args:
    graph_def: a frozen GraphDef, changed in place.

  Returns:
    The number of batch norms that were folded.
  """
  nodes = {node.name: node for node in graph_def.node}
  uses = collections.Counter(
    reference for node in graph_def.node for reference in node.input
  )
  folded = 0
  for norm in [n for n in graph_def.node if n.op in _BATCH_NORMS]:
    if _fold(graph_def, nodes, uses, norm):
      folded += 1
  return folded


def _fold(graph_def, nodes, uses, norm) -> bool:
  """Fold one batch norm; return whether that was possible."""
  convolution = nodes.get(norm.input[0])
  parameters = [_constant(nodes, name) for name in norm.input[1:5]]
  if (
    norm.attr['is_training'].b
    or convolution is None
    or convolution.op not in _RESHAPED_FACTOR
    or any(value is None for value in parameters)
    or uses[convolution.name] != 1
    or any(uses[f'{norm.name}:{output}'] for output in range(1, 6))
  ):
    return False
  kernel_node = nodes[convolution.input[1]]
  kernel = _constant(nodes, kernel_node.name)
  if kernel is None or uses[kernel_node.name] != 1:
    return False
  gamma, beta, mean, variance = parameters
  factor = gamma / np.sqrt(variance + norm.attr['epsilon'].f)
  reshape = _RESHAPED_FACTOR[convolution.op]
  _set_constant(kernel_node, kernel * reshape(factor, kernel))
  offset = graph_def.node.add(name=f'{norm.name}/offset', op='Const')
  offset.attr['dtype'].type = kernel_node.attr['dtype'].type
  _set_constant(offset, beta - mean * factor)
  _become_bias_add(norm, convolution, offset)
  return True


def _plain(factor, kernel):
  """Return the factor for kernels [height, width, in, out]."""
  del kernel
  return factor


def _depthwise(factor, kernel):
  """Return the factor for kernels [height, width, in, multiplier].

  The output channels of one input channel follow each other.
  """
  return factor.reshape(kernel.shape[2:])


_RESHAPED_FACTOR = {'Conv2D': _plain, 'DepthwiseConv2dNative': _depthwise}


def _constant(nodes, name):
  """Return a constant's value as float64, None for any other node."""
  node = nodes.get(name)
  if node is None or node.op != 'Const':
    return None
  return tf.make_ndarray(node.attr['value'].tensor).astype(np.float64)


def _set_constant(node, value):
  dtype = tf.as_dtype(node.attr['dtype'].type)
  node.attr['value'].tensor.CopyFrom(
    tf.make_tensor_proto(value.astype(dtype.as_numpy_dtype))
  )


def _become_bias_add(norm, convolution, offset):
  """Turn a batch norm node into the addition of an offset."""
  data_format = convolution.attr['data_format'].s or b'NHWC'
  dtype = norm.attr['T'].type
  norm.op = 'BiasAdd'
  norm.input[:] = [convolution.name, offset.name]
  norm.attr.clear()
  norm.attr['T'].type = dtype
  norm.attr['data_format'].s = data_format
