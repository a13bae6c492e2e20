"""Widths, paddings and the smaller layers of the MobileNets from v2 on.

`squeeze_excite` comes from

    Jie Hu, Li Shen, Samuel Albanie, Gang Sun, Enhua Wu: Squeeze-and-Excitation
    Networks, 2017, arXiv:1709.01507

All tensors are [batch, height, width, channels].
"""

import contextlib
from collections.abc import Callable
from typing import Any

import tensorflow.compat.v1 as tf

from tf_slim_compat import slim


def make_divisible(
  value: Any, divisor: int, min_value: int | None = None
) -> int:
  """Round a width to a multiple, but never down by more than a tenth.

  Args:
    value: the width, an int or a float.
    divisor: what the result is a multiple of.
    min_value: the least result; None means `divisor`.

  Returns:
    The width, an int.
  """
  least = divisor if min_value is None else min_value
  rounded = max(least, int(value + divisor / 2) // divisor * divisor)
  if rounded < 0.9 * value:
    rounded += divisor
  return int(rounded)


def fixed_padding(
  inputs: tf.Tensor, kernel_size: int | tuple[int, int], rate: int = 1
) -> tf.Tensor:
  """Pad with zeros as for 'SAME', but independently of the input's size.

  Args:
    inputs: [batch, height, width, channels].
    kernel_size: (height, width) of the kernel that comes next.
    rate: its dilation.

  Returns:
    The padded tensor; a 'VALID' convolution of stride 1 gives the input's size.
  """
  totals = [(size - 1) * rate for size in kernel_size]
  sides = [[total // 2, total - total // 2] for total in totals]
  return tf.pad(inputs, [[0, 0], *sides, [0, 0]])


def channels(net: tf.Tensor) -> int:
  """Return the number of channels of a tensor."""
  return net.shape.as_list()[3]


def _split_divisible(num, num_ways, divisible_by=8):
  """Split a width into about equal parts that are all multiples.

  Raises:
    ValueError: if `num` is no multiple or too small for so many parts.
  """
  if num % divisible_by or num // num_ways < divisible_by:
    raise ValueError(
      f'{num} channels cannot be split into {num_ways} multiples of '
      f'{divisible_by}.'
    )
  units = num // divisible_by
  bounds = [-(-units * i // num_ways) for i in range(num_ways + 1)]
  return [
    (end - start) * divisible_by
    for start, end in zip(bounds, bounds[1:], strict=False)
  ]


def split_conv(
  input_tensor: tf.Tensor,
  num_outputs: int,
  num_ways: int,
  scope: str | None,
  divisible_by: int = 8,
  **kwargs: Any,
) -> tf.Tensor:
  """Apply a 1 x 1 convolution in groups of channels, each by itself.

  Args:
    input_tensor: [batch, height, width, channels].
    num_outputs: channels of the result.
    num_ways: number of groups. With 1, or when a group would have fewer than
      `divisible_by` channels, there is but one ordinary convolution.
    scope: scope of the convolution; groups are called `scope`_part_0 and so on.
    divisible_by: the width of each group is a multiple of this.
    **kwargs: go to `slim.conv2d`.

  Returns:
    [batch, height, width, num_outputs].
  """
  depth = channels(input_tensor)
  if num_ways == 1 or min(depth, num_outputs) // num_ways < divisible_by:
    return slim.conv2d(input_tensor, num_outputs, [1, 1], scope=scope, **kwargs)
  parts = tf.split(
    input_tensor,
    _split_divisible(depth, num_ways, divisible_by),
    axis=3,
    name=f'split_{scope}',
  )
  widths = _split_divisible(num_outputs, num_ways, divisible_by)
  outputs = []
  for i, (part, width) in enumerate(zip(parts, widths, strict=True)):
    name = f'{scope}_part_{i}'
    net = slim.conv2d(part, width, [1, 1], scope=name, **kwargs)
    outputs.append(tf.identity(net, f'{name}_output'))
  return tf.concat(outputs, 3, name=f'{scope}_concat')


@contextlib.contextmanager
def _separable_prefix(scope):
  """Yield what precedes 'depthwise' and 'pointwise' in their scopes.

  A scope that is given becomes a prefix, as in MobileNet v1's checkpoints; None
  opens a new scope of its own.
  """
  if scope is not None:
    yield f'{scope}_'
    return
  with (
    tf.variable_scope(None, default_name='separable') as var_scope,
    tf.name_scope(var_scope.original_name_scope),
  ):
    yield ''


@slim.add_arg_scope
def split_separable_conv2d(
  input_tensor: tf.Tensor,
  num_outputs: int,
  scope: str | None = None,
  normalizer_fn: Callable | None = None,
  stride: int = 1,
  rate: int = 1,
  endpoints: dict[str, tf.Tensor] | None = None,
  use_explicit_padding: bool = False,
) -> tf.Tensor:
  """Apply a separable 3 x 3 convolution, normalised after both of its steps.

  Args:
    input_tensor: [batch, height, width, channels].
    num_outputs: channels of the result.
    scope: prefix of the scopes of the two steps; None makes a scope.
    normalizer_fn: normalises each of them.
    stride: stride of the depthwise step.
    rate: its dilation.
    endpoints: a dict that receives the output of both steps, or None.
    use_explicit_padding: pads with zeros and convolves 'VALID'.

  Returns:
    [batch, height, width, num_outputs].
  """
  endpoints = {} if endpoints is None else endpoints
  kernel_size, padding = (3, 3), 'SAME'
  with _separable_prefix(scope) as prefix:
    if use_explicit_padding:
      input_tensor = fixed_padding(input_tensor, kernel_size, rate)
      padding = 'VALID'
    net = slim.separable_conv2d(
      input_tensor,
      None,
      kernel_size,
      depth_multiplier=1,
      stride=stride,
      rate=rate,
      normalizer_fn=normalizer_fn,
      padding=padding,
      scope=f'{prefix}depthwise',
    )
    endpoints[f'{prefix}depthwise'] = net
    net = slim.conv2d(
      net,
      num_outputs,
      [1, 1],
      normalizer_fn=normalizer_fn,
      scope=f'{prefix}pointwise',
    )
    endpoints[f'{prefix}pointwise'] = net
  return net


@slim.add_arg_scope
def squeeze_excite(
  input_tensor: tf.Tensor,
  divisible_by: int = 8,
  squeeze_factor: int = 3,
  inner_activation_fn: Callable = tf.nn.relu,
  gating_fn: Callable = tf.sigmoid,
  squeeze_input_tensor: tf.Tensor | None = None,
  pool: int | None = None,
) -> tf.Tensor:
  """Scale each channel by a gate that looks at the mean of all channels.

  Args:
    input_tensor: [batch, height, width, channels], what is scaled.
    divisible_by: the width of the layer between is a multiple of this.
    squeeze_factor: how many times narrower that layer is.
    inner_activation_fn: its activation.
    gating_fn: activation that makes the gates.
    squeeze_input_tensor: what the gates look at; None means `input_tensor`.
    pool: (height, width) of the windows whose means the gates look at, one gate
      a window, stretched over the map; None means the whole map, of whatever
      size.

  Returns:
    A tensor like `input_tensor`.
  """
  with tf.variable_scope('squeeze_excite'):
    source = squeeze_input_tensor
    if source is None:
      source = input_tensor
    if pool is None:
      net = tf.reduce_mean(source, [1, 2], keepdims=True)
    else:
      net = tf.nn.avg_pool2d(source, (1, *pool, 1), 1, 'VALID')
    width = make_divisible(channels(source) / squeeze_factor, divisible_by)
    for num_outputs, activation_fn in (
      (width, inner_activation_fn),
      (channels(input_tensor), gating_fn),
    ):
      net = slim.conv2d(
        net,
        num_outputs,
        [1, 1],
        normalizer_fn=None,
        activation_fn=activation_fn,
      )
    if pool is not None:
      net = tf.image.resize_bilinear(
        net, tf.shape(input_tensor)[1:3], align_corners=True
      )
    return input_tensor * net
