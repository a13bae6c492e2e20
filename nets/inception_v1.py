"""Inception v1, also called GoogLeNet.

Christian Szegedy, Wei Liu, Yangqing Jia, Pierre Sermanet, Scott Reed, Dragomir
Anguelov, Dumitru Erhan, Vincent Vanhoucke, Andrew Rabinovich: Going Deeper
with Convolutions, 2014, arXiv:1409.4842.

As in the released checkpoints and unlike the paper, every convolution but the
classifier is batch normalized, the 5 x 5 branch is 3 x 3, and there are neither
local response normalization nor auxiliary heads. Images smaller than 224 are
accepted: the last mean shrinks to the map it is given.

Images are 224 x 224 with values in [-1, 1].
"""

import functools
from collections.abc import Callable

import tensorflow.compat.v1 as tf

from nets import inception_heads as heads
from nets import inception_utils as utils
from nets.inception_utils import MaxPool, trunc_normal
from tf_slim_compat import slim

__all__ = [
  'inception_v1',
  'inception_v1_arg_scope',
  'inception_v1_base',
  'trunc_normal',
]

_Conv = functools.partial(utils.Conv, init=0.01)
_HEAD = heads.Head(kernel=7, group=0, pooled='AvgPool_0a_7x7')


def _mixed(b0, b1_in, b1, b2_in, b2, b3, b2_name=None):
  """Return an Inception block, given the depths of its convolutions."""
  return [
    [_Conv(b0, 1)],
    [_Conv(b1_in, 1), _Conv(b1, 3)],
    [_Conv(b2_in, 1), _Conv(b2, 3, name=b2_name)],
    [MaxPool(3), _Conv(b3, 1)],
  ]


# fmt: off
ROOT = {
  'Conv2d_1a_7x7': _Conv(64, 7, 2),                      # 112 x 112 x 64
  'MaxPool_2a_3x3': MaxPool(3, 2),                       # 56 x 56 x 64
  'Conv2d_2b_1x1': _Conv(64, 1),
  'Conv2d_2c_3x3': _Conv(192, 3),                        # 56 x 56 x 192
  'MaxPool_3a_3x3': MaxPool(3, 2),                       # 28 x 28 x 192
}
BODY = {
  'Mixed_3b': _mixed(64, 96, 128, 16, 32, 32),           # 28 x 28 x 256
  'Mixed_3c': _mixed(128, 128, 192, 32, 96, 64),         # 28 x 28 x 480
  'MaxPool_4a_3x3': MaxPool(3, 2),                       # 14 x 14 x 480
  'Mixed_4b': _mixed(192, 96, 208, 16, 48, 64),          # 14 x 14 x 512
  'Mixed_4c': _mixed(160, 112, 224, 24, 64, 64),
  'Mixed_4d': _mixed(128, 128, 256, 24, 64, 64),
  'Mixed_4e': _mixed(112, 144, 288, 32, 64, 64),         # 14 x 14 x 528
  'Mixed_4f': _mixed(256, 160, 320, 32, 128, 128),       # 14 x 14 x 832
  'MaxPool_5a_2x2': MaxPool(2, 2),                       # 7 x 7 x 832
  'Mixed_5b': _mixed(256, 160, 320, 32, 128, 128,
                     b2_name='Conv2d_0a_3x3'),           # sic
  'Mixed_5c': _mixed(384, 192, 384, 48, 128, 128),       # 7 x 7 x 1024
}
# fmt: on


def inception_v1_base(
  inputs: tf.Tensor,
  final_endpoint: str = 'Mixed_5c',
  include_root_block: bool = True,
  scope: str = 'InceptionV1',
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the convolutions of Inception v1, up to an end point.

  Args:
    inputs: images, [batch, height, width, 3]; without the root block, the
      feature map that Mixed_3b reads.
    final_endpoint: the last end point to build, one of Conv2d_1a_7x7,
      MaxPool_2a_3x3, Conv2d_2b_1x1, Conv2d_2c_3x3, MaxPool_3a_3x3, Mixed_3b,
      Mixed_3c, MaxPool_4a_3x3, Mixed_4b to Mixed_4f, MaxPool_5a_2x2, Mixed_5b
      and Mixed_5c.
    include_root_block: whether to build what comes before Mixed_3b.
    scope: variable scope.

  Returns:
    The feature map at final_endpoint and a dict of all end points up to it.

  Raises:
    UserError: if final_endpoint is none of those built.
  """
  return utils.build(
    inputs,
    {**(ROOT if include_root_block else {}), **BODY},
    final_endpoint,
    scope=scope,
    default_scope='InceptionV1',
  )


def inception_v1(
  inputs: tf.Tensor,
  num_classes: int | None = 1000,
  is_training: bool | tf.Tensor = True,
  dropout_keep_prob: float = 0.8,
  prediction_fn: Callable = slim.softmax,
  spatial_squeeze: bool = True,
  reuse: bool | None = None,
  scope: str = 'InceptionV1',
  global_pool: bool = False,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build Inception v1 for classification.

  Args:
    inputs: images, [batch, height, width, 3], values in [-1, 1].
    num_classes: number of classes; with None or 0 the pooled features are
      returned in place of logits.
    is_training: whether batch statistics and dropout are used, as a bool or a
      boolean tensor.
    dropout_keep_prob: share of the features that dropout keeps.
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
    UserError: if images are so large that more than one window is left, and
      neither global_pool nor spatial_squeeze allows for it.
  """
  with utils.network_scope(
    inputs, scope, 'InceptionV1', is_training=is_training, reuse=reuse
  ) as scope:
    net, end_points = inception_v1_base(inputs, scope=scope)
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


inception_v1.default_image_size = 224
inception_v1_arg_scope = utils.inception_arg_scope
