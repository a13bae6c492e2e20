"""Inception v3.

Christian Szegedy, Vincent Vanhoucke, Sergey Ioffe, Jonathon Shlens, Zbigniew
Wojna: Rethinking the Inception Architecture for Computer Vision, 2015,
arXiv:1512.00567.

Names follow the released checkpoint, slips included: rows marked `sic` break
the naming rule. New here: the auxiliary head too fits its windows to small
images and averages over large ones with global_pool, and images of any known
size are refused early where they are too small.

Images are 299 x 299 with values in [-1, 1].
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from nets import inception_heads as heads
from nets import inception_utils as utils
from nets.inception_utils import AvgPool, Conv, Fork, MaxPool, trunc_normal
from tf_slim_compat import slim

__all__ = [
  'inception_v3',
  'inception_v3_arg_scope',
  'inception_v3_base',
  'trunc_normal',
]

_HEAD = heads.Head(kernel=8, group=1, pooled='AvgPool_1a', features='PreLogits')


def _mixed_35(b3, b1_names=(None, None)):
  """Return a block for maps of 35 x 35."""
  return [
    [Conv(64, 1)],
    [Conv(48, 1, name=b1_names[0]), Conv(64, 5, name=b1_names[1])],
    [Conv(64, 1), Conv(96, 3), Conv(96, 3)],
    [AvgPool(3), Conv(b3, 1)],
  ]


def _mixed_17(inner):
  """Return a block for maps of 17 x 17; inner is the depth between 7-rows."""
  across, down = (1, 7), (7, 1)
  return [
    [Conv(192, 1)],
    [Conv(inner, 1), Conv(inner, across), Conv(192, down)],
    [
      Conv(inner, 1),
      Conv(inner, down),
      Conv(inner, across),
      Conv(inner, down),
      Conv(192, across),
    ],
    [AvgPool(3), Conv(192, 1)],
  ]


def _mixed_8(b1_name=None):
  """Return a block for maps of 8 x 8."""
  across, down = (1, 3), (3, 1)
  return [
    [Conv(320, 1)],
    [
      Conv(384, 1),
      Fork([Conv(384, across), Conv(384, down, name=b1_name)]),
    ],
    [
      Conv(448, 1),
      Conv(384, 3),
      Fork([Conv(384, across), Conv(384, down)]),
    ],
    [AvgPool(3), Conv(192, 1)],
  ]


_MIXED_6A = [
  [Conv(384, 3, 2, 'VALID', name='Conv2d_1a_1x1')],  # sic
  [
    Conv(64, 1),
    Conv(96, 3),
    Conv(96, 3, 2, 'VALID', name='Conv2d_1a_1x1'),  # sic
  ],
  [MaxPool(3, 2, 'VALID')],
]

_MIXED_7A = [
  [Conv(192, 1), Conv(320, 3, 2, 'VALID')],
  [
    Conv(192, 1),
    Conv(192, (1, 7)),
    Conv(192, (7, 1)),
    Conv(192, 3, 2, 'VALID'),
  ],
  [MaxPool(3, 2, 'VALID')],
]

# fmt: off
_SPEC = {
  'Conv2d_1a_3x3': Conv(32, 3, 2, 'VALID'),              # 149 x 149 x 32
  'Conv2d_2a_3x3': Conv(32, 3, 1, 'VALID'),              # 147 x 147 x 32
  'Conv2d_2b_3x3': Conv(64, 3),                          # 147 x 147 x 64
  'MaxPool_3a_3x3': MaxPool(3, 2, 'VALID'),              # 73 x 73 x 64
  'Conv2d_3b_1x1': Conv(80, 1, 1, 'VALID'),              # 73 x 73 x 80
  'Conv2d_4a_3x3': Conv(192, 3, 1, 'VALID'),             # 71 x 71 x 192
  'MaxPool_5a_3x3': MaxPool(3, 2, 'VALID'),              # 35 x 35 x 192
  'Mixed_5b': _mixed_35(32),                             # 35 x 35 x 256
  'Mixed_5c': _mixed_35(64, b1_names=(
    'Conv2d_0b_1x1', 'Conv_1_0c_5x5')),                  # sic; 35 x 35 x 288
  'Mixed_5d': _mixed_35(64),                             # 35 x 35 x 288
  'Mixed_6a': _MIXED_6A,                                 # 17 x 17 x 768
  'Mixed_6b': _mixed_17(128),
  'Mixed_6c': _mixed_17(160),
  'Mixed_6d': _mixed_17(160),
  'Mixed_6e': _mixed_17(192),
  'Mixed_7a': _MIXED_7A,                                 # 8 x 8 x 1280
  'Mixed_7b': _mixed_8(b1_name='Conv2d_0b_3x1'),         # sic; 8 x 8 x 2048
  'Mixed_7c': _mixed_8(),                                # 8 x 8 x 2048
}
# fmt: on


def inception_v3_base(
  inputs: tf.Tensor,
  final_endpoint: str = 'Mixed_7c',
  min_depth: int = 16,
  depth_multiplier: float = 1.0,
  scope: str | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the convolutions of Inception v3, up to an end point.

  Args:
    inputs: images, [batch, height, width, 3], 75 x 75 or larger.
    final_endpoint: the last end point to build, one of Conv2d_1a_3x3,
      Conv2d_2a_3x3, Conv2d_2b_3x3, MaxPool_3a_3x3, Conv2d_3b_1x1,
      Conv2d_4a_3x3, MaxPool_5a_3x3, Mixed_5b to Mixed_5d, Mixed_6a to Mixed_6e
      and Mixed_7a to Mixed_7c.
    min_depth: least depth of a convolution.
    depth_multiplier: factor of the depth of all convolutions.
    scope: variable scope, 'InceptionV3' if None.

  Returns:
    The feature map at final_endpoint and a dict of all end points up to it.

  Raises:
    UserError: if there is no such end point, depth_multiplier is not positive,
      or the images are too small.
  """
  return utils.build(
    inputs,
    _SPEC,
    final_endpoint,
    scope=scope,
    default_scope='InceptionV3',
    depth=utils.scaled_depth(depth_multiplier, min_depth),
  )


def inception_v3(
  inputs: tf.Tensor,
  num_classes: int | None = 1000,
  is_training: bool | tf.Tensor = True,
  dropout_keep_prob: float = 0.8,
  min_depth: int = 16,
  depth_multiplier: float = 1.0,
  prediction_fn: Callable = slim.softmax,
  spatial_squeeze: bool = True,
  reuse: bool | None = None,
  create_aux_logits: bool = True,
  scope: str = 'InceptionV3',
  global_pool: bool = False,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build Inception v3 for classification.

  Args:
    inputs: images, [batch, height, width, 3], values in [-1, 1], 75 x 75 or
      larger.
    num_classes: number of classes; with None or 0 the pooled features are
      returned in place of logits, and there are no auxiliary ones.
    is_training: whether batch statistics and dropout are used, as a bool or a
      boolean tensor.
    dropout_keep_prob: share of the features that dropout keeps.
    min_depth: least depth of a convolution.
    depth_multiplier: factor of the depth of all convolutions.
    prediction_fn: makes predictions of logits; called with `scope`.
    spatial_squeeze: whether logits are [batch, num_classes], not
      [batch, 1, 1, num_classes].
    reuse: whether variables of an earlier call are used again.
    create_aux_logits: whether to build the auxiliary head on Mixed_6e, end
      point 'AuxLogits'.
    scope: variable scope.
    global_pool: whether to average the whole last map, so that images may have
      any size, instead of windows of 8 x 8.

  Returns:
    Logits, or features [batch, 1, 1, 2048], and a dict of all end points.

  Raises:
    UserError: if depth_multiplier is not positive, the images are too small,
      or so large that more than one window is left, and neither global_pool
      nor spatial_squeeze allows for it.
  """
  depth = utils.scaled_depth(depth_multiplier, min_depth)
  options = {'global_pool': global_pool, 'spatial_squeeze': spatial_squeeze}
  with utils.network_scope(
    inputs, scope, 'InceptionV3', is_training=is_training, reuse=reuse
  ) as scope:
    net, end_points = inception_v3_base(
      inputs,
      min_depth=min_depth,
      depth_multiplier=depth_multiplier,
      scope=scope,
    )
    if create_aux_logits and num_classes:
      heads.aux_conv_head(
        end_points['Mixed_6e'], end_points, num_classes, depth, **options
      )
    with tf.variable_scope('Logits'):
      net = heads.conv_head(
        net,
        end_points,
        num_classes,
        _HEAD,
        keep_prob=dropout_keep_prob,
        **options,
      )
    if num_classes:
      heads.predict(net, end_points, prediction_fn)
  return net, end_points


inception_v3.default_image_size = 299
inception_v3_arg_scope = utils.inception_arg_scope
