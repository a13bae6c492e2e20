"""The inverted bottleneck, from which the MobileNets from v2 on are built.

    Mark Sandler, Andrew Howard, Menglong Zhu, Andrey Zhmoginov, Liang-Chieh
    Chen: MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018,
    arXiv:1801.04381

Scopes and names of operations are those in published checkpoints and graphs.
All tensors are [batch, height, width, channels].
"""

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow.compat.v1 as tf

from nets.mobilenet.layers import (
  channels,
  fixed_padding,
  make_divisible,
  split_conv,
  split_separable_conv2d,
  squeeze_excite,
)
from tf_slim_compat import slim

__all__ = [
  'expand_input_by_factor',
  'expanded_conv',
  'split_conv',
  'split_separable_conv2d',
  'squeeze_excite',
]


def expand_input_by_factor(n: float, divisible_by: int = 8) -> Callable:
  """Return the `expansion_size` that is the input's width times n, rounded."""
  return lambda num_inputs, **_: make_divisible(num_inputs * n, divisible_by)


_SIX_FOLD = expand_input_by_factor(6)


class _Depthwise(NamedTuple):
  """The depthwise step of a block, and where in the block it stands."""

  location: str | None
  fn: Callable
  kwargs: dict[str, Any]
  use_explicit_padding: bool
  endpoints: dict[str, tf.Tensor]

  def __call__(self, location, net, **kwargs):
    if location != self.location:
      return net
    if self.use_explicit_padding:
      net = fixed_padding(net, self.kwargs['kernel_size'], self.kwargs['rate'])
    net = self.fn(
      net, num_outputs=None, scope='depthwise', **self.kwargs, **kwargs
    )
    net = self.endpoints['depthwise_output'] = tf.identity(
      net, 'depthwise_output'
    )
    return net


def _check_depthwise(location, use_explicit_padding, padding):
  if location not in (None, 'input', 'output', 'expansion'):
    raise TypeError(f'{location!r} is no place for the depthwise convolution.')
  if use_explicit_padding and padding != 'SAME':
    raise TypeError("Explicit padding stands in for 'SAME' only.")


@contextlib.contextmanager
def _block_scope(scope, activation_fn, depthwise_activation_fn):
  """Open the scope of a block, with its activations if it has its own."""
  depthwise_activation_fn = depthwise_activation_fn or activation_fn
  with contextlib.ExitStack() as stack:
    var_scope = stack.enter_context(
      tf.variable_scope(scope, default_name='expanded_conv')
    )
    stack.enter_context(tf.name_scope(var_scope.original_name_scope))
    for layer, fn in (
      (slim.conv2d, activation_fn),
      (slim.separable_conv2d, depthwise_activation_fn),
    ):
      if fn is not None:
        stack.enter_context(slim.arg_scope([layer], activation_fn=fn))
    yield


def _pointwise(fn, normalizer_fn, num_ways, divisible_by):
  """Return the arguments of a step, more of them where it is `split_conv`."""
  kwargs = {'normalizer_fn': normalizer_fn}
  if fn is split_conv:
    kwargs.update(num_ways=num_ways, divisible_by=divisible_by, stride=1)
  return kwargs


def _expand(net, depth, expansion_size, expansion_fn, endpoints, **kwargs):
  """Widen a block's input of `depth` channels where it has to be widened."""
  if callable(expansion_size):
    expansion_size = expansion_size(num_inputs=depth)
  if expansion_size > channels(net):
    net = expansion_fn(net, expansion_size, scope='expand', **kwargs)
    net = endpoints['expansion_output'] = tf.identity(net, 'expansion_output')
  return net


def _add_residual(residual, input_tensor, net, stride):
  """Add a block's input to its output, or what the caller does instead."""
  if callable(residual):
    return residual(input_tensor=input_tensor, output_tensor=net)
  if residual and stride == 1 and channels(net) == channels(input_tensor):
    return net + input_tensor
  return net


@slim.add_arg_scope
def expanded_conv(
  input_tensor: tf.Tensor,
  num_outputs: int,
  expansion_size: Callable | int = _SIX_FOLD,
  stride: int = 1,
  rate: int = 1,
  kernel_size: int | tuple[int, int] = (3, 3),
  residual: bool | Callable = True,
  normalizer_fn: Callable | None = None,
  split_projection: int = 1,
  split_expansion: int = 1,
  split_divisible_by: int = 8,
  expansion_transform: Callable | None = None,
  depthwise_location: str | None = 'expansion',
  depthwise_channel_multiplier: int = 1,
  endpoints: dict[str, tf.Tensor] | None = None,
  use_explicit_padding: bool = False,
  padding: str = 'SAME',
  inner_activation_fn: Callable | None = None,
  depthwise_activation_fn: Callable | None = None,
  project_activation_fn: Callable = tf.identity,
  depthwise_fn: Callable = slim.separable_conv2d,
  expansion_fn: Callable = split_conv,
  projection_fn: Callable = split_conv,
  scope: str | None = None,
) -> tf.Tensor:
  """Build the inverted bottleneck: expansion, depthwise, projection.

  Args:
    input_tensor: [batch, height, width, channels].
    num_outputs: channels of the result.
    expansion_size: channels after the expansion, or a function of `num_inputs`
      that returns them. No wider than the input means no expansion.
    stride: stride of the depthwise convolution.
    rate: its dilation.
    kernel_size: its (height, width).
    residual: whether the input is added to the result where stride and width
      allow; or a function of `input_tensor` and `output_tensor` that combines
      them.
    normalizer_fn: normalises each of the convolutions.
    split_projection: groups of the projection, see `split_conv`.
    split_expansion: groups of the expansion.
    split_divisible_by: the width of a group is a multiple of this.
    expansion_transform: a function of `expansion_tensor` and `input_tensor`
      whose result is projected, or None.
    depthwise_location: 'input', 'expansion' or 'output', whatever the depthwise
      convolution is to follow (without activation but after the expansion), or
      None to leave it out.
    depthwise_channel_multiplier: outputs of the depthwise convolution for each
      of its inputs.
    endpoints: a dict that receives 'expansion_output', 'depthwise_output' and
      'projection_output', or None.
    use_explicit_padding: pads with zeros and convolves 'VALID'.
    padding: padding of the depthwise convolution.
    inner_activation_fn: activation of expansion and depthwise convolution; None
      leaves the one of the arg scope.
    depthwise_activation_fn: takes its place for the depthwise convolution.
    project_activation_fn: activation after the projection.
    depthwise_fn: makes the depthwise convolution.
    expansion_fn: makes the expansion.
    projection_fn: makes the projection.
    scope: scope of the block; None makes one.

  Returns:
    [batch, height / stride, width / stride, num_outputs].

  Raises:
    TypeError: for an unknown location, or explicit padding instead of 'VALID'.
  """
  _check_depthwise(depthwise_location, use_explicit_padding, padding)
  endpoints = {} if endpoints is None else endpoints
  layer = {
    'kernel_size': kernel_size,
    'stride': stride,
    'rate': rate,
    'depth_multiplier': depthwise_channel_multiplier,
    'normalizer_fn': normalizer_fn,
    'padding': 'VALID' if use_explicit_padding else padding,
  }
  depthwise = _Depthwise(
    depthwise_location, depthwise_fn, layer, use_explicit_padding, endpoints
  )
  ways = {'normalizer_fn': normalizer_fn, 'divisible_by': split_divisible_by}
  with _block_scope(scope, inner_activation_fn, depthwise_activation_fn):
    input_tensor = tf.identity(input_tensor, 'input')
    net = depthwise('input', input_tensor, activation_fn=None)
    net = _expand(
      net,
      channels(input_tensor),
      expansion_size,
      expansion_fn,
      endpoints,
      **_pointwise(expansion_fn, num_ways=split_expansion, **ways),
    )
    net = depthwise('expansion', net)
    if expansion_transform:
      net = expansion_transform(expansion_tensor=net, input_tensor=input_tensor)
    net = endpoints['projection_output'] = projection_fn(
      net,
      num_outputs,
      scope='project',
      activation_fn=project_activation_fn,
      **_pointwise(projection_fn, num_ways=split_projection, **ways),
    )
    net = depthwise('output', net, activation_fn=None)
    net = _add_residual(residual, input_tensor, net, stride)
    return tf.identity(net, 'output')
