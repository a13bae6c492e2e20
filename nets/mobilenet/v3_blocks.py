"""The rows of MobileNet v3's tables, and what they are made of."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from nets.mobilenet import conv_blocks as ops
from nets.mobilenet.layers import fixed_padding
from nets.mobilenet.table import Op, op
from tf_slim_compat import slim


def hard_swish(x: tf.Tensor) -> tf.Tensor:
  """Return x * relu6(x + 3) / 6."""
  with tf.name_scope('hard_swish'):
    return x * tf.nn.relu6(x + np.float32(3)) * np.float32(1 / 6)


def _hard_sigmoid(x):
  return tf.nn.relu6(x + 3) * 0.16667  # sic: what published weights expect


def reduce_to_1x1(
  input_tensor: tf.Tensor, default_size: int = 7, **kwargs: Any
) -> tf.Tensor:
  """Return the mean over a square map, [batch, 1, 1, channels].

  Args:
    input_tensor: [batch, height, width, channels].
    default_size: size of the window over a map that is not square or whose size
      is not known.
    **kwargs: go to `slim.avg_pool2d`, but for `rate`, which a mean over all has
      no use for.
  """
  kwargs.pop('rate', None)
  height, width = input_tensor.shape.as_list()[1:3]
  size = height if height is not None and height == width else default_size
  return slim.avg_pool2d(input_tensor, kernel_size=[size, size], **kwargs)


squeeze_excite = functools.partial(
  ops.squeeze_excite,
  squeeze_factor=4,
  inner_activation_fn=tf.nn.relu,
  gating_fn=_hard_sigmoid,
)


def _squeeze_excite_4(expansion_tensor, input_tensor):
  del input_tensor
  return squeeze_excite(expansion_tensor)


def mbv3_op(
  ef: float,
  n: int,
  k: int,
  s: int = 1,
  act: Callable = tf.nn.relu,
  se: Callable | None = None,
  **kwargs: Any,
) -> Op:
  """Return a block of MobileNet v3 for a table.

  Args:
    ef: expansion factor: the depthwise convolution is so many times wider than
      the input.
    n: channels of the output.
    k: size of the depthwise kernel.
    s: its stride.
    act: activation inside the block.
    se: `expansion_transform` of the block, None for none.
    **kwargs: go to `conv_blocks.expanded_conv`.
  """
  return op(
    ops.expanded_conv,
    expansion_size=ops.expand_input_by_factor(ef),
    kernel_size=(k, k),
    stride=s,
    num_outputs=n,
    inner_activation_fn=act,
    expansion_transform=se,
    **kwargs,
  )


mbv3_op_se = functools.partial(mbv3_op, se=_squeeze_excite_4)


def _fused_conv(
  input_tensor,
  num_outputs,
  kernel_size=(3, 3),
  stride=1,
  rate=1,
  use_explicit_padding=False,
  **kwargs,
):
  """Build a block whose expansion does the work of the depthwise layer."""

  def expand(net, width, **expand_kwargs):
    if use_explicit_padding:
      net = fixed_padding(net, kernel_size, rate)
    return slim.conv2d(
      net, width, kernel_size, stride=stride, rate=rate, **expand_kwargs
    )

  return ops.expanded_conv(
    input_tensor,
    num_outputs,
    stride=stride,
    depthwise_location=None,
    expansion_fn=expand,
    **kwargs,
  )


def mbv3_fused(ef: float, n: int, k: int, s: int = 1, **kwargs: Any) -> Op:
  """Return a block of MobileNet-EdgeTPU for a table.

  Args:
    ef: expansion factor: the full convolution is so many times wider than the
      input. With 1 there is none, and the block is its projection.
    n: channels of the output.
    k: size of the full convolution's kernel.
    s: its stride.
    **kwargs: go to `conv_blocks.expanded_conv`.
  """
  return op(
    _fused_conv,
    expansion_size=ops.expand_input_by_factor(ef),
    kernel_size=(k, k),
    stride=s,
    num_outputs=n,
    **kwargs,
  )
