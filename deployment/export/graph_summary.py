"""Summarize a GraphDef: inputs, outputs, parameters and cost."""

import collections
import dataclasses
import math

import tensorflow.compat.v1 as tf

from nets import graph_cost
from slim_support import errors

_VARIABLES = ('Variable', 'VariableV2', 'VarHandleOp')
# Nodes that no other node uses and that are not results either.
_NO_RESULTS = ('Assert', 'Assign', 'Const', 'NoOp', 'Placeholder')
_UNKNOWN_SHAPE = '[?]'


@dataclasses.dataclass(frozen=True)
class Output:
  """A node that may be a result of the graph.

  Attributes:
    name: of the node.
    op: its type.
    shape: of its tensor, as text.
    multiply_adds: for one image; None where the image size is not fixed.
  """

  name: str
  op: str
  shape: str
  multiply_adds: int | None


@dataclasses.dataclass(frozen=True)
class Summary:
  """A GraphDef in a few numbers.

  Attributes:
    inputs: (name, type, shape as text) of each placeholder.
    outputs: an Output for each node that no other uses.
    variables: how many there are.
    variable_parameters: floats that a checkpoint has to fill in.
    constant_parameters: floats in the graph itself.
    ops: op type -> number of nodes, the most frequent first.
  """

  inputs: list[tuple[str, str, str]]
  outputs: list[Output]
  variables: int
  variable_parameters: int
  constant_parameters: int
  ops: dict[str, int]


def summarize(graph_def: tf.GraphDef) -> Summary:
  """Return the Summary of a GraphDef.

  Args:
    graph_def: the graph.

  Raises:
    UserError: if it is not valid.
  """
  with tf.Graph().as_default() as graph:
    try:
      tf.import_graph_def(graph_def, name='')
    except (
      ValueError,
      TypeError,
      KeyError,
      AttributeError,
      tf.errors.OpError,
    ) as error:
      reason = errors.error_summary(error).rstrip('.')
      raise errors.UserError(f'The graph is not valid: {reason}.') from error
  ops = graph.get_operations()
  held = variables(graph)
  return Summary(
    inputs=[
      (op.name, op.outputs[0].dtype.name, _shape(op.outputs[0]))
      for op in inputs(graph)
    ],
    outputs=[_output(op) for op in outputs(graph)],
    variables=len(held),
    variable_parameters=sum(
      tf.TensorShape(op.get_attr('shape')).num_elements() for op in held
    ),
    constant_parameters=sum(_floats(node) for node in graph_def.node),
    ops=dict(collections.Counter(op.type for op in ops).most_common()),
  )


def inputs(graph: tf.Graph) -> list[tf.Operation]:
  """Return the ops that may be fed."""
  return [op for op in graph.get_operations() if op.type == 'Placeholder']


def outputs(graph: tf.Graph) -> list[tf.Operation]:
  """Return the ops whose results no other op uses."""
  return [
    op
    for op in graph.get_operations()
    if op.type not in _NO_RESULTS
    and op.outputs
    and not any(output.consumers() for output in op.outputs)
  ]


def variables(graph: tf.Graph) -> list[tf.Operation]:
  """Return the ops that hold variables."""
  return [op for op in graph.get_operations() if op.type in _VARIABLES]


def _shape(tensor):
  if tensor.shape.rank is None:
    return _UNKNOWN_SHAPE
  return '[' + ', '.join(str(n or '?') for n in tensor.shape.as_list()) + ']'


def _output(op):
  try:
    cost = graph_cost.multiply_adds(op.graph, outputs=[op])
  except errors.UserError:
    cost = None
  return Output(op.name, op.type, _shape(op.outputs[0]), cost)


def _floats(node) -> int:
  """Return how many floats a constant holds."""
  if node.op != 'Const' or not tf.as_dtype(node.attr['dtype'].type).is_floating:
    return 0
  return math.prod(
    dim.size for dim in node.attr['value'].tensor.tensor_shape.dim
  )


def format_text(summary: Summary) -> str:
  """Return a Summary for people to read."""
  lines = [
    f'Input:       {name}, {dtype} {shape}'
    for name, dtype, shape in summary.inputs
  ] or ['Input:       none']
  for output in summary.outputs:
    cost = output.multiply_adds
    cost = (
      'unknown (the image size is not fixed)' if cost is None else f'{cost:,}'
    )
    lines += [
      f'Output:      {output.name} ({output.op}), {output.shape}',
      f'             {cost} multiply-adds for one image',
    ]
  nodes = sum(summary.ops.values())
  ops = ', '.join(f'{count} {op}' for op, count in summary.ops.items())
  lines += [
    f'Variables:   {summary.variables} with '
    f'{summary.variable_parameters:,} parameters',
    f'Constants:   {summary.constant_parameters:,} parameters',
    f'Nodes:       {nodes:,}: {ops}',
  ]
  return '\n'.join(lines)
