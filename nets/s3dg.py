"""S3D-G: I3D with convolutions over space, then over time, and gated channels.

S. Xie, C. Sun, J. Huang, Z. Tu, K. Murphy, "Rethinking Spatiotemporal Feature
Learning: Speed-Accuracy Trade-offs in Video Classification", 2017,
arXiv:1712.04851, sections 3 and 4.

Videos are [batch, frames, 224, 224, 3] in [-1, 1], 64 frames in the paper.
`nets_factory` does not know it, because the scripts read still images.
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from nets import i3d_utils, inception_utils
from slim_support import errors
from tf_slim_compat import slim

_FIRST_KERNELS = (1, 3, 5, 7)


def s3dg_arg_scope(
  weight_decay: float = 1e-7,
  batch_norm_decay: float = 0.999,
  batch_norm_epsilon: float = 0.001,
) -> dict:
  """Return the arg scope. See `i3d_utils.arg_scope`."""
  return i3d_utils.arg_scope(weight_decay, batch_norm_decay, batch_norm_epsilon)


def _from(flag, start):
  """Return fn(end point) -> whether it is at or behind the start."""
  order = [*i3d_utils.TABLE]
  if start is None:
    return lambda _: False
  if start not in order:
    raise errors.unknown_name(flag, start, order)
  return lambda end_point: order.index(end_point) >= order.index(start)


def s3dg_base(
  inputs: tf.Tensor,
  first_temporal_kernel_size: int = 3,
  temporal_conv_startat: str | None = 'Conv2d_2c_3x3',
  gating_startat: str | None = 'Conv2d_2c_3x3',
  final_endpoint: str = 'Mixed_5c',
  min_depth: int = 16,
  depth_multiplier: float = 1.0,
  data_format: str = 'NDHWC',
  scope: str = 'InceptionV1',
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the convolutions of S3D-G, up to an end point.

  Args:
    inputs: videos, [batch, frames, height, width, 3].
    first_temporal_kernel_size: frames that the first convolution looks at: 1,
      3, 5 or 7.
    temporal_conv_startat: the first end point whose convolutions look at
      several frames, besides the first convolution; None for no other.
    gating_startat: the first end point with gated channels; None for none.
    final_endpoint: the last end point to build, a key of `i3d_utils.TABLE`.
    min_depth: least depth of a layer.
    depth_multiplier: what the layers' depths are multiplied by, above 0.
    data_format: 'NDHWC', the only one.
    scope: name of the variable scope.

  Returns:
    The feature map at final_endpoint and a dict of all end points up to it.

  Raises:
    UserError: if an argument has none of the values above.
  """
  if data_format != 'NDHWC':
    raise errors.UserError(f'data_format must be NDHWC, not {data_format}.')
  if first_temporal_kernel_size not in _FIRST_KERNELS:
    raise errors.UserError(
      'first_temporal_kernel_size must be 1, 3, 5 or 7, not '
      f'{first_temporal_kernel_size}.'
    )
  style = i3d_utils.Style(
    depth=inception_utils.scaled_depth(depth_multiplier, min_depth),
    first_kernel=first_temporal_kernel_size,
    temporal=_from('temporal_conv_startat', temporal_conv_startat),
    separable=True,
    gating=_from('gating_startat', gating_startat),
  )
  return i3d_utils.build(inputs, final_endpoint, scope, style)


def s3dg(
  inputs: tf.Tensor,
  num_classes: int | None = 1000,
  first_temporal_kernel_size: int = 3,
  temporal_conv_startat: str | None = 'Conv2d_2c_3x3',
  gating_startat: str | None = 'Conv2d_2c_3x3',
  min_depth: int = 16,
  depth_multiplier: float = 1.0,
  dropout_keep_prob: float = 0.8,
  is_training: bool | tf.Tensor = True,
  prediction_fn: Callable = slim.softmax,
  spatial_squeeze: bool = True,
  reuse: bool | None = None,
  data_format: str = 'NDHWC',
  scope: str = 'InceptionV1',
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build S3D-G for classification. See `s3dg_base` and `i3d.i3d`.

  Returns:
    Logits, averaged over time, or without classes the pooled features; and a
    dict of all end points.
  """
  with inception_utils.network_scope(
    inputs, scope, 'InceptionV1', is_training=is_training, reuse=reuse
  ) as sc:
    net, end_points = s3dg_base(
      inputs,
      first_temporal_kernel_size,
      temporal_conv_startat,
      gating_startat,
      min_depth=min_depth,
      depth_multiplier=depth_multiplier,
      data_format=data_format,
      scope=sc,
    )
    net = i3d_utils.classify(
      net,
      end_points,
      num_classes,
      keep_prob=dropout_keep_prob,
      prediction_fn=prediction_fn,
      spatial_squeeze=spatial_squeeze,
    )
  return net, end_points


s3dg.default_image_size = 224
