"""The operations that NASNet-A and PNASNet-5 are built of.

Dropping of paths is that of

    Gustav Larsson, Michael Maire, Gregory Shakhnarovich: FractalNet:
    Ultra-Deep Neural Networks without Residuals, 2016, arXiv:1605.07648

Tensors are [batch, height, width, channels], or [batch, channels, height,
width] with the data format 'NCHW'. An arg scope gives the data format.
"""

import re
from collections.abc import Callable

import tensorflow.compat.v1 as tf

from tf_slim_compat import slim

DATA_FORMAT_NCHW = 'NCHW'
DATA_FORMAT_NHWC = 'NHWC'
INVALID = 'null'
# Bound of an operation's output where activations are bounded.
CLIP_BY_VALUE_CAP = 6

_SEPARABLE = re.compile(r'separable_(\d+)x\1_(\d+)')
_POOL = re.compile(r'(avg|max)_pool_(\d+)x\2')


def calc_reduction_layers(
  num_cells: int, num_reduction_layers: int
) -> list[int]:
  """Return before which cells the reduction cells stand, evenly spread."""
  parts = num_reduction_layers + 1
  return [int(i / parts * num_cells) for i in range(1, parts)]


@slim.add_arg_scope
def get_channel_index(data_format: str = INVALID) -> int:
  """Return the axis of the channels.

  Raises:
    ValueError: if the data format is neither 'NHWC' nor 'NCHW'.
  """
  if data_format not in (DATA_FORMAT_NHWC, DATA_FORMAT_NCHW):
    raise ValueError(
      f"The data format must be 'NHWC' or 'NCHW', not {data_format!r}."
    )
  return 3 if data_format == DATA_FORMAT_NHWC else 1


@slim.add_arg_scope
def get_channel_dim(
  shape: tf.TensorShape, data_format: str = INVALID
) -> int | None:
  """Return the number of channels, an int, in a shape of four axes."""
  return int(shape[get_channel_index(data_format=data_format)])


@slim.add_arg_scope
def global_avg_pool(x: tf.Tensor, data_format: str = INVALID) -> tf.Tensor:
  """Return the mean over height and width, [batch, channels]."""
  axes = [1, 2] if get_channel_index(data_format=data_format) == 3 else [2, 3]
  return tf.reduce_mean(x, axes)


@slim.add_arg_scope
def factorized_reduction(
  net: tf.Tensor, output_filters: int, stride: int, data_format: str = INVALID
) -> tf.Tensor:
  """Halve a map in two halves of channels that see different positions.

  One half takes the positions of even row and column, the other those of odd
  ones, so that together they lose less than one of them would.

  Args:
    net: the map.
    output_filters: channels of the result; the second half has the odd one.
    stride: what height and width are divided by. 1 means one convolution of the
      whole map.
    data_format: 'NHWC' or 'NCHW'.

  Returns:
    The smaller map.
  """
  axis = get_channel_index(data_format=data_format)
  if stride == 1:
    net = slim.conv2d(net, output_filters, 1, scope='path_conv')
    return slim.batch_norm(net, scope='path_bn')
  odd = slice(1, None)
  every = slice(None)
  if axis == 3:
    paddings, shift = [[0, 0], [0, 1], [0, 1], [0, 0]], (every, odd, odd)
  else:
    paddings, shift = [[0, 0], [0, 0], [0, 1], [0, 1]], (every, every, odd, odd)
  half = output_filters // 2
  paths = []
  for path, filters, scope in (
    (net, half, 'path1_conv'),
    (tf.pad(net, paddings)[shift], output_filters - half, 'path2_conv'),
  ):
    path = tf.nn.avg_pool2d(path, 1, stride, 'VALID', data_format=data_format)
    paths.append(slim.conv2d(path, filters, 1, scope=scope))
  return slim.batch_norm(tf.concat(paths, axis), scope='final_path_bn')


@slim.add_arg_scope
def drop_path(
  net: tf.Tensor, keep_prob: float, is_training: bool | tf.Tensor = True
) -> tf.Tensor:
  """Drop whole examples of a path, and scale up the ones that are kept.

  Args:
    net: the path's output, [batch, ...] of four axes.
    keep_prob: chance of an example to be kept, a float or a scalar.
    is_training: False leaves the path alone.

  Returns:
    A tensor like `net`, of the same expectation.
  """
  if not is_training:
    return net
  kept = tf.floor(keep_prob + tf.random_uniform([tf.shape(net)[0], 1, 1, 1]))
  return net * tf.cast(1.0 / keep_prob, net.dtype) * tf.cast(kept, net.dtype)


def separable_conv(
  net: tf.Tensor,
  operation: str,
  filters: int,
  stride: int,
  activation_fn: Callable,
) -> tf.Tensor:
  """Apply 'separable_5x5_2': two separable convolutions of that kernel.

  Args:
    net: the map.
    operation: kernel and number of the convolutions.
    filters: channels of the result.
    stride: stride of the first of them.
    activation_fn: stands before each; batch norm follows each.

  Returns:
    The new map.
  """
  size, layers = map(int, _SEPARABLE.fullmatch(operation).groups())
  for layer in range(1, layers + 1):
    net = slim.separable_conv2d(
      activation_fn(net),
      filters,
      size,
      depth_multiplier=1,
      scope=f'separable_{size}x{size}_{layer}',
      stride=stride if layer == 1 else 1,
    )
    net = slim.batch_norm(net, scope=f'bn_sep_{size}x{size}_{layer}')
  return net


def pool(net: tf.Tensor, operation: str, stride: int) -> tf.Tensor:
  """Apply 'avg_pool_3x3' or 'max_pool_3x3'.

  Means are over what of the window lies on the map.
  """
  kind, size = _POOL.fullmatch(operation).groups()
  pool_fn = slim.avg_pool2d if kind == 'avg' else slim.max_pool2d
  return pool_fn(net, int(size), stride=stride, padding='SAME')


def projection(
  net: tf.Tensor, filters: int, scopes: tuple[str, str], stride: int = 1
) -> tf.Tensor:
  """Apply a 1 x 1 convolution and batch norm, with one scope for each."""
  net = slim.conv2d(net, filters, 1, stride=stride, scope=scopes[0])
  return slim.batch_norm(net, scope=scopes[1])
