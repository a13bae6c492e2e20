"""What a graph costs: its parameters and its multiply-adds.

One multiply-add is one multiplication with the addition that goes with it;
only convolutions and matrix products are counted, as papers do. Everything is
read off the static shapes, so nothing runs. A graph that was imported from a
GraphDef is as good as one that was just built.
"""

import math
from collections.abc import Iterable

import tensorflow.compat.v1 as tf

from slim_support import errors


def parameters(graph: tf.Graph | None = None) -> int:
  """Return the number of trainable scalars in a graph.

  Args:
    graph: the tf.Graph; None means the default one. A GraphDef does not say
      which variables train: in a graph imported from one, all are counted.
  """
  graph = graph or tf.get_default_graph()
  shapes = [
    variable.shape
    for variable in graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)
  ] or [
    tf.TensorShape(op.get_attr('shape'))
    for op in graph.get_operations()
    if op.type in ('VariableV2', 'VarHandleOp')
  ]
  return sum(shape.num_elements() for shape in shapes)


def multiply_adds(
  graph: tf.Graph | None = None,
  batch: int = 1,
  outputs: Iterable[tf.Tensor] | None = None,
) -> int:
  """Return the multiply-adds of one run of a graph.

  Args:
    graph: the tf.Graph; None means the default one.
    batch: the batch size where the graph leaves it open.
    outputs: tensors or ops; counts only what they need, which leaves out, for
      instance, an auxiliary classifier. None counts the whole graph.

  Raises:
    UserError: if the shape of a convolution or of a matrix product
      is unknown in more than its batch.
  """
  graph = graph or tf.get_default_graph()
  ops = graph.get_operations() if outputs is None else _needed(outputs)
  return sum(_COSTS[op.type](op, batch) for op in ops if op.type in _COSTS)


def _needed(outputs):
  """Return the ops that the outputs need, themselves among them."""
  found = set()
  todo = [getattr(output, 'op', output) for output in outputs]
  while todo:
    op = todo.pop()
    if op not in found:
      found.add(op)
      todo.extend(tensor.op for tensor in op.inputs)
      todo.extend(op.control_inputs)
  return found


def _outputs(op, batch):
  """Return the number of scalars that an op gives."""
  source = op.inputs[0].op
  if source.type == 'SpaceToBatchND':
    # An atrous convolution: its pixels were dealt out to more images.
    batch *= math.prod(tf.get_static_value(source.inputs[1]))
  return math.prod(_dims(op, op.outputs[0], batch))


def _dims(op, tensor, batch):
  """Return a tensor's dimensions, the batch filled in."""
  dims = tensor.shape.as_list() if tensor.shape.rank else [None]
  dims[0] = batch if dims[0] is None else dims[0]
  if None in dims:
    raise errors.UserError(
      f'The multiply-adds of {op.name!r} depend on sizes that the graph leaves '
      f'open (shape {tensor.shape}); give the image size when building it.'
    )
  return dims


def _convolution(op, batch):
  """Every output scalar takes the height x width x depth of a kernel."""
  height, width, depth, _ = _dims(op, op.inputs[1], 1)
  return _outputs(op, batch) * height * width * depth


def _depthwise(op, batch):
  """Every output scalar takes the height x width of a kernel."""
  height, width, *_ = _dims(op, op.inputs[1], 1)
  return _outputs(op, batch) * height * width


def _product(op, batch):
  """Every output scalar takes as many as the rows are long."""
  rows = _dims(op, op.inputs[0], batch)
  length = rows[0 if op.get_attr('transpose_a') else 1]
  return _outputs(op, batch) * length


_COSTS = {
  'Conv2D': _convolution,
  'DepthwiseConv2dNative': _depthwise,
  'MatMul': _product,
}
