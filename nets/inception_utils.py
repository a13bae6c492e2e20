"""What the Inception networks share: rows, their interpreter, the heads.

A network is a table, an ordered dict with one line an end point. Its value is
a row (`Conv`, `MaxPool`, `AvgPool`), a list of branches, each a list of rows,
or a `Code`. `build` reads the table.

Scopes inside a branch follow one rule, `<Op>_<group><letter>_<h>x<w>`: group 1
holds the strided layers and group 0 all others, letters count within a group.
Where the released checkpoints break the rule, the row carries the name.
"""

import collections
import contextlib
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from slim_support import errors
from tf_slim_compat import slim


class Conv(NamedTuple):
  """A convolution; `init` is the standard deviation of its first weights."""

  depth: int
  kernel: int | tuple[int, int]
  stride: int = 1
  padding: str = 'SAME'
  init: float | None = None
  name: str | None = None


class MaxPool(NamedTuple):
  """A maximum over windows."""

  kernel: int
  stride: int = 1
  padding: str = 'SAME'
  name: str | None = None


class AvgPool(NamedTuple):
  """A mean over windows, which counts no padding."""

  kernel: int
  stride: int = 1
  padding: str = 'SAME'
  name: str | None = None


class Fork(NamedTuple):
  """Rows that all read the same input; their outputs are concatenated."""

  layers: Sequence


class Code(NamedTuple):
  """A step that is no row: `run` maps one feature map to the next.

  It must leave the side of a map of one position alone. With `recorded` false
  it is no end point.
  """

  run: Callable[[tf.Tensor], tf.Tensor]
  recorded: bool = True


_OP_NAMES = {Conv: 'Conv2d', MaxPool: 'MaxPool', AvgPool: 'AvgPool'}


def trunc_normal(stddev: float) -> Callable:
  """Return an initializer: a normal of mean 0 cut off at two deviations."""
  return tf.truncated_normal_initializer(0.0, stddev)


def scaled_depth(multiplier: float, min_depth: int) -> Callable[[int], int]:
  """Return the function that thins depths, but never below min_depth.

  Raises:
    UserError: if the multiplier is not positive.
  """
  if multiplier <= 0:
    raise errors.UserError(
      f'depth_multiplier must be greater than zero, not {multiplier}.'
    )
  return lambda depth: max(int(depth * multiplier), min_depth)


def _pair(kernel: int | tuple[int, int]) -> tuple[int, int]:
  return (kernel, kernel) if isinstance(kernel, int) else tuple(kernel)


def _names(branch: Sequence) -> Iterator[str]:
  """Yield the scope of every row of a branch, those in forks included."""
  used = collections.Counter()
  for layer in branch:
    for row in layer.layers if isinstance(layer, Fork) else [layer]:
      group = int(row.stride > 1)
      letter = string.ascii_lowercase[used[group]]
      used[group] += 1
      height, width = _pair(row.kernel)
      op = _OP_NAMES[type(row)]
      yield row.name or f'{op}_{group}{letter}_{height}x{width}'


def _row(net, row, scope: str, depth: Callable[[int], int]):
  options = {'stride': row.stride, 'padding': row.padding, 'scope': scope}
  if isinstance(row, Conv):
    if row.init is not None:
      options['weights_initializer'] = trunc_normal(row.init)
    return slim.conv2d(net, depth(row.depth), _pair(row.kernel), **options)
  pool = slim.max_pool2d if isinstance(row, MaxPool) else slim.avg_pool2d
  return pool(net, _pair(row.kernel), **options)


def _chain(net, branch: Sequence, depth: Callable[[int], int], axis: int):
  names = _names(branch)
  for layer in branch:
    if isinstance(layer, Fork):
      tines = [_row(net, row, next(names), depth) for row in layer.layers]
      net = tf.concat(tines, axis)
    else:
      net = _row(net, layer, next(names), depth)
  return net


def mixed(
  net: tf.Tensor,
  branches: Sequence,
  depth: Callable[[int], int] = int,
  axis: int = 3,
) -> tf.Tensor:
  """Run every branch on one feature map and concatenate the outputs.

  Args:
    net: feature map, [batch, height, width, channels].
    branches: a list of rows for each branch.
    depth: maps the depth of a row to the depth that is built.
    axis: the axis of the channels.

  Returns:
    A feature map whose channels are those of the branches, in order.
  """
  outputs = []
  for index, branch in enumerate(branches):
    with tf.variable_scope(f'Branch_{index}'):
      outputs.append(_chain(net, branch, depth, axis))
  return tf.concat(outputs, axis)


def _side_before(layer, side: int) -> int:
  """Return the least side of a layer's input that gives an output of side."""
  if isinstance(layer, Code):
    return side
  if isinstance(layer, Fork):
    return max(_side_before(row, side) for row in layer.layers)
  if isinstance(layer, list):
    return max(_side_before_all(branch, side) for branch in layer)
  reach = max(_pair(layer.kernel)) if layer.padding == 'VALID' else 1
  return (side - 1) * layer.stride + reach


def _side_before_all(layers: Sequence, side: int) -> int:
  for layer in reversed(layers):
    side = _side_before(layer, side)
  return side


def _check_image_size(inputs, spec: Mapping, final_endpoint: str, axis: int):
  """Refuse images that would shrink to nothing before the final end point."""
  shape = inputs.shape.as_list()
  size = shape[2:] if axis == 1 else shape[1:3]
  steps = [*spec]
  steps = steps[: steps.index(final_endpoint) + 1]
  least = _side_before_all([spec[step] for step in steps], 1)
  if any(side is not None and side < least for side in size):
    raise errors.UserError(
      f'Images of {size[0]} x {size[1]} pixels are too small: up to '
      f'{final_endpoint} this network needs {least} x {least} or more.'
    )


def build(
  inputs: tf.Tensor,
  spec: Mapping,
  final_endpoint: str,
  *,
  scope: str | None,
  default_scope: str,
  depth: Callable[[int], int] = int,
  axis: int = 3,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build a network from its table.

  Args:
    inputs: images, [batch, height, width, channels].
    spec: end point -> row, list of branches or `Code`, in order.
    final_endpoint: the last end point to build.
    scope: variable scope of the network, or None for default_scope.
    default_scope: the scope where none is given.
    depth: maps the depth of a row to the depth that is built.
    axis: the axis of the channels, 3 or 1.

  Returns:
    The feature map at final_endpoint and a dict of all end points up to it.

  Raises:
    UserError: if there is no such end point, or the images are too small.
  """
  known = [k for k, v in spec.items() if getattr(v, 'recorded', True)]
  if final_endpoint not in known:
    raise errors.unknown_name('final_endpoint', final_endpoint, known)
  _check_image_size(inputs, spec, final_endpoint, axis)
  net, end_points = inputs, {}
  with tf.variable_scope(scope, default_scope, [inputs]):
    for end_point, layer in spec.items():
      if isinstance(layer, Code):
        net = layer.run(net)
      elif isinstance(layer, list):
        with tf.variable_scope(end_point):
          net = mixed(net, layer, depth, axis)
      else:
        net = _row(net, layer, end_point, depth)
      if end_point in known:
        end_points[end_point] = net
      if end_point == final_endpoint:
        break
  return net, end_points


@contextlib.contextmanager
def network_scope(
  inputs: tf.Tensor,
  scope: str | None,
  default_scope: str,
  *,
  is_training: bool | tf.Tensor,
  reuse: bool | None,
) -> Iterator[tf.VariableScope]:
  """Open the scopes of a whole network and yield the variable scope."""
  with (
    tf.variable_scope(scope, default_scope, [inputs], reuse=reuse) as opened,
    slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training),
  ):
    yield opened


def batch_norm_params(
  decay: float, epsilon: float, updates_collections: str | None, scale: float
) -> dict:
  """Return the arguments of `slim.batch_norm`, fused wherever it can be."""
  return {
    'decay': decay,
    'epsilon': epsilon,
    'updates_collections': updates_collections,
    'fused': None,
    'scale': scale,
  }


def inception_arg_scope(
  weight_decay: float = 0.00004,
  use_batch_norm: bool = True,
  batch_norm_decay: float = 0.9997,
  batch_norm_epsilon: float = 0.001,
  activation_fn: Callable = tf.nn.relu,
  batch_norm_updates_collections: str | None = tf.GraphKeys.UPDATE_OPS,
  batch_norm_scale: bool = False,
) -> dict:
  """Return the arg scope of Inception v1 to v4.

  Args:
    weight_decay: factor of the L2 loss of weights; biases have none.
    use_batch_norm: whether convolutions are followed by batch normalization
      instead of a bias.
    batch_norm_decay: decay of the moving averages.
    batch_norm_epsilon: added to the variance.
    activation_fn: activation of the convolutions.
    batch_norm_updates_collections: collection that takes the updates of the
      moving averages, or None to update them in place.
    batch_norm_scale: whether to learn a factor, gamma, besides the offset.
  """
  params = batch_norm_params(
    decay=batch_norm_decay,
    epsilon=batch_norm_epsilon,
    updates_collections=batch_norm_updates_collections,
    scale=batch_norm_scale,
  )
  with (
    slim.arg_scope(
      [slim.conv2d, slim.fully_connected],
      weights_regularizer=slim.l2_regularizer(weight_decay),
    ),
    slim.arg_scope(
      [slim.conv2d],
      weights_initializer=slim.variance_scaling_initializer(),
      activation_fn=activation_fn,
      normalizer_fn=slim.batch_norm if use_batch_norm else None,
      normalizer_params=params if use_batch_norm else {},
    ) as arg_scope,
  ):
    return arg_scope
