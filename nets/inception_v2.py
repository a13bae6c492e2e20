"""Inception v2, the network of the batch normalization paper.

Sergey Ioffe, Christian Szegedy: Batch Normalization: Accelerating Deep Network
Training by Reducing Internal Covariate Shift, 2015, arXiv:1502.03167.

As in the released checkpoint and unlike the paper, the first convolution is a
separable one with a bias and no batch normalization, and there are no auxiliary
heads. The paper's strided blocks 3c and 4e are called Mixed_4a and Mixed_5a.
New here: with data_format='NCHW' batch normalization goes along the channels
too.

Images are 224 x 224 with values in [-1, 1].
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from nets import inception_heads as heads
from nets import inception_utils as utils
from nets.inception_utils import AvgPool, Code, Conv, MaxPool, trunc_normal
from slim_support import errors
from tf_slim_compat import slim

__all__ = [
  'inception_v2',
  'inception_v2_arg_scope',
  'inception_v2_base',
  'trunc_normal',
]

_CHANNELS = {'NHWC': 3, 'NCHW': 1}
_HEAD = heads.Head(kernel=7, group=1, pooled='AvgPool_1a', features='PreLogits')


def _mixed(b0, b1_in, b1, b2_in, b2, b3, pool=AvgPool):
  """Return an Inception block, given the depths of its convolutions."""
  return [
    [Conv(b0, 1)],
    [Conv(b1_in, 1, init=0.09), Conv(b1, 3)],
    [Conv(b2_in, 1, init=0.09), Conv(b2, 3), Conv(b2, 3)],
    [pool(3), Conv(b3, 1, init=0.1)],
  ]


def _reduction(b0_in, b0, b1_in, b1):
  """Return a block that halves the sides of the map."""
  return [
    [Conv(b0_in, 1, init=0.09), Conv(b0, 3, 2)],
    [Conv(b1_in, 1, init=0.09), Conv(b1, 3), Conv(b1, 3, 2)],
    [MaxPool(3, 2)],
  ]


# fmt: off
_ROOT = {
  'Conv2d_1a_7x7': Conv(64, 7, 2, init=1.0),             # 112 x 112 x 64
  'MaxPool_2a_3x3': MaxPool(3, 2),                       # 56 x 56 x 64
  'Conv2d_2b_1x1': Conv(64, 1, init=0.1),
  'Conv2d_2c_3x3': Conv(192, 3),                         # 56 x 56 x 192
  'MaxPool_3a_3x3': MaxPool(3, 2),                       # 28 x 28 x 192
}
_BODY = {
  'Mixed_3b': _mixed(64, 64, 64, 64, 96, 32),            # 28 x 28 x 256
  'Mixed_3c': _mixed(64, 64, 96, 64, 96, 64),            # 28 x 28 x 320
  'Mixed_4a': _reduction(128, 160, 64, 96),              # 14 x 14 x 576
  'Mixed_4b': _mixed(224, 64, 96, 96, 128, 128),
  'Mixed_4c': _mixed(192, 96, 128, 96, 128, 128),
  'Mixed_4d': _mixed(160, 128, 160, 128, 160, 96),
  'Mixed_4e': _mixed(96, 128, 192, 160, 192, 96),
  'Mixed_5a': _reduction(128, 192, 192, 256),            # 7 x 7 x 1024
  'Mixed_5b': _mixed(352, 192, 320, 160, 224, 128),
  'Mixed_5c': _mixed(352, 192, 320, 192, 224, 128, MaxPool),
}
# fmt: on


def _separable_stem(depth):
  """Return the first convolution, factored by depth and without batch norm."""

  def run(net):
    return slim.separable_conv2d(
      net,
      depth(64),
      7,
      depth_multiplier=min(depth(64) // 3, 8),
      stride=2,
      padding='SAME',
      weights_initializer=trunc_normal(1.0),
      scope='Conv2d_1a_7x7',
    )

  return Code(run)


def _spec(depth, use_separable_conv, include_root_block):
  if not include_root_block:
    return _BODY
  spec = {**_ROOT, **_BODY}
  if use_separable_conv:
    spec['Conv2d_1a_7x7'] = _separable_stem(depth)
  return spec


def inception_v2_base(
  inputs: tf.Tensor,
  final_endpoint: str = 'Mixed_5c',
  min_depth: int = 16,
  depth_multiplier: float = 1.0,
  use_separable_conv: bool = True,
  data_format: str = 'NHWC',
  include_root_block: bool = True,
  scope: str | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the convolutions of Inception v2, up to an end point.

  Args:
    inputs: images, [batch, height, width, 3], or [batch, 3, height, width] in
      NCHW; without the root block, the feature map that Mixed_3b reads.
    final_endpoint: the last end point to build, one of Conv2d_1a_7x7,
      MaxPool_2a_3x3, Conv2d_2b_1x1, Conv2d_2c_3x3, MaxPool_3a_3x3, Mixed_3b,
      Mixed_3c, Mixed_4a to Mixed_4e and Mixed_5a to Mixed_5c.
    min_depth: least depth of a convolution.
    depth_multiplier: factor of the depth of all convolutions.
    use_separable_conv: whether the first convolution is a separable one.
    data_format: 'NHWC' or 'NCHW'; the latter has no separable convolution.
    include_root_block: whether to build what comes before Mixed_3b.
    scope: variable scope, 'InceptionV2' if None.

  Returns:
    The feature map at final_endpoint and a dict of all end points up to it.

  Raises:
    UserError: if final_endpoint is none of those built, depth_multiplier is
      not positive, or data_format is unknown or has no separable convolution.
  """
  depth = utils.scaled_depth(depth_multiplier, min_depth)
  if data_format not in _CHANNELS:
    raise errors.unknown_name('data_format', data_format, _CHANNELS)
  if data_format == 'NCHW' and use_separable_conv:
    raise errors.UserError(
      'data_format NCHW has no separable convolution: pass '
      'use_separable_conv=False.'
    )
  with slim.arg_scope(
    [slim.conv2d, slim.max_pool2d, slim.avg_pool2d, slim.batch_norm],
    data_format=data_format,
  ):
    return utils.build(
      inputs,
      _spec(depth, use_separable_conv, include_root_block),
      final_endpoint,
      scope=scope,
      default_scope='InceptionV2',
      depth=depth,
      axis=_CHANNELS[data_format],
    )


def inception_v2(
  inputs: tf.Tensor,
  num_classes: int | None = 1000,
  is_training: bool | tf.Tensor = True,
  dropout_keep_prob: float = 0.8,
  min_depth: int = 16,
  depth_multiplier: float = 1.0,
  prediction_fn: Callable = slim.softmax,
  spatial_squeeze: bool = True,
  reuse: bool | None = None,
  scope: str = 'InceptionV2',
  global_pool: bool = False,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build Inception v2 for classification.

  Args:
    inputs: images, [batch, height, width, 3], values in [-1, 1].
    num_classes: number of classes; with None or 0 the pooled features are
      returned in place of logits.
    is_training: whether batch statistics and dropout are used, as a bool or a
      boolean tensor.
    dropout_keep_prob: share of the features that dropout keeps.
    min_depth: least depth of a convolution.
    depth_multiplier: factor of the depth of all convolutions.
    prediction_fn: makes predictions of logits; called with `scope`.
    spatial_squeeze: whether logits are [batch, num_classes], not
      [batch, 1, 1, num_classes].
    reuse: whether variables of an earlier call are used again.
    scope: variable scope.
    global_pool: whether to average the whole last map, so that images may have
      any size, instead of windows of 7 x 7.

  Returns:
    Logits, or features [batch, 1, 1, 1024], and a dict of all end points.

  Raises:
    UserError: if depth_multiplier is not positive, or images are so large that
      more than one window is left, and neither global_pool nor spatial_squeeze
      allows for it.
  """
  with utils.network_scope(
    inputs, scope, 'InceptionV2', is_training=is_training, reuse=reuse
  ) as scope:
    net, end_points = inception_v2_base(
      inputs,
      min_depth=min_depth,
      depth_multiplier=depth_multiplier,
      scope=scope,
    )
    with tf.variable_scope('Logits'):
      net = heads.conv_head(
        net,
        end_points,
        num_classes,
        _HEAD,
        keep_prob=dropout_keep_prob,
        global_pool=global_pool,
        spatial_squeeze=spatial_squeeze,
      )
    if num_classes:
      heads.predict(net, end_points, prediction_fn)
  return net, end_points


inception_v2.default_image_size = 224
inception_v2_arg_scope = utils.inception_arg_scope
