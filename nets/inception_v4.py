"""Inception v4.

Christian Szegedy, Sergey Ioffe, Vincent Vanhoucke, Alex Alemi: Inception-v4,
Inception-ResNet and the Impact of Residual Connections on Learning, 2016,
arXiv:1602.07261.

Names follow the released checkpoint; rows marked `sic` break the naming rule.
New here: the auxiliary head is built for images of unknown size too, and
images that are too small are refused early.

Images are 299 x 299 with values in [-1, 1].
"""

import tensorflow.compat.v1 as tf

from nets import inception_heads as heads
from nets import inception_utils as utils
from nets.inception_utils import AvgPool, Conv, Fork, MaxPool
from tf_slim_compat import slim

_ACROSS_7, _DOWN_7 = (1, 7), (7, 1)
_ACROSS_3, _DOWN_3 = (1, 3), (3, 1)

_STEM_3A = [
  [MaxPool(3, 2, 'VALID', name='MaxPool_0a_3x3')],  # sic
  [Conv(96, 3, 2, 'VALID', name='Conv2d_0a_3x3')],  # sic
]

_STEM_4A = [
  [
    Conv(64, 1),
    Conv(96, 3, 1, 'VALID', name='Conv2d_1a_3x3'),  # sic: it has stride 1
  ],
  [
    Conv(64, 1),
    Conv(64, _ACROSS_7),
    Conv(64, _DOWN_7),
    Conv(96, 3, 1, 'VALID', name='Conv2d_1a_3x3'),  # sic: it has stride 1
  ],
]

_STEM_5A = [
  [Conv(192, 3, 2, 'VALID')],
  [MaxPool(3, 2, 'VALID')],
]

_INCEPTION_A = [
  [Conv(96, 1)],
  [Conv(64, 1), Conv(96, 3)],
  [Conv(64, 1), Conv(96, 3), Conv(96, 3)],
  [AvgPool(3), Conv(96, 1)],
]

_REDUCTION_A = [
  [Conv(384, 3, 2, 'VALID')],
  [Conv(192, 1), Conv(224, 3), Conv(256, 3, 2, 'VALID')],
  [MaxPool(3, 2, 'VALID')],
]

_INCEPTION_B = [
  [Conv(384, 1)],
  [Conv(192, 1), Conv(224, _ACROSS_7), Conv(256, _DOWN_7)],
  [
    Conv(192, 1),
    Conv(192, _DOWN_7),
    Conv(224, _ACROSS_7),
    Conv(224, _DOWN_7),
    Conv(256, _ACROSS_7),
  ],
  [AvgPool(3), Conv(128, 1)],
]

_REDUCTION_B = [
  [Conv(192, 1), Conv(192, 3, 2, 'VALID')],
  [
    Conv(256, 1),
    Conv(256, _ACROSS_7),
    Conv(320, _DOWN_7),
    Conv(320, 3, 2, 'VALID'),
  ],
  [MaxPool(3, 2, 'VALID')],
]

_INCEPTION_C = [
  [Conv(256, 1)],
  [Conv(384, 1), Fork([Conv(256, _ACROSS_3), Conv(256, _DOWN_3)])],
  [
    Conv(384, 1),
    Conv(448, _DOWN_3),
    Conv(512, _ACROSS_3),
    Fork([Conv(256, _ACROSS_3), Conv(256, _DOWN_3)]),
  ],
  [AvgPool(3), Conv(256, 1)],
]

# fmt: off
_SPEC = {
  'Conv2d_1a_3x3': Conv(32, 3, 2, 'VALID'),              # 149 x 149 x 32
  'Conv2d_2a_3x3': Conv(32, 3, 1, 'VALID'),              # 147 x 147 x 32
  'Conv2d_2b_3x3': Conv(64, 3),                          # 147 x 147 x 64
  'Mixed_3a': _STEM_3A,                                  # 73 x 73 x 160
  'Mixed_4a': _STEM_4A,                                  # 71 x 71 x 192
  'Mixed_5a': _STEM_5A,                                  # 35 x 35 x 384
  **dict.fromkeys((f'Mixed_5{x}' for x in 'bcde'), _INCEPTION_A),
  'Mixed_6a': _REDUCTION_A,                              # 17 x 17 x 1024
  **dict.fromkeys((f'Mixed_6{x}' for x in 'bcdefgh'), _INCEPTION_B),
  'Mixed_7a': _REDUCTION_B,                              # 8 x 8 x 1536
  **dict.fromkeys((f'Mixed_7{x}' for x in 'bcd'), _INCEPTION_C),
}
# fmt: on


def _block(inputs, branches, scope, default_scope, reuse):
  with tf.variable_scope(scope, default_scope, [inputs], reuse=reuse):
    return utils.mixed(inputs, branches)


def block_inception_a(
  inputs: tf.Tensor, scope: str | None = None, reuse: bool | None = None
) -> tf.Tensor:
  """Build an Inception-A block, 384 channels, in scope BlockInceptionA."""
  return _block(inputs, _INCEPTION_A, scope, 'BlockInceptionA', reuse)


def block_reduction_a(
  inputs: tf.Tensor, scope: str | None = None, reuse: bool | None = None
) -> tf.Tensor:
  """Build a Reduction-A block, which halves the sides, BlockReductionA."""
  return _block(inputs, _REDUCTION_A, scope, 'BlockReductionA', reuse)


def block_inception_b(
  inputs: tf.Tensor, scope: str | None = None, reuse: bool | None = None
) -> tf.Tensor:
  """Build an Inception-B block, 1024 channels, in scope BlockInceptionB."""
  return _block(inputs, _INCEPTION_B, scope, 'BlockInceptionB', reuse)


def block_reduction_b(
  inputs: tf.Tensor, scope: str | None = None, reuse: bool | None = None
) -> tf.Tensor:
  """Build a Reduction-B block, which halves the sides, BlockReductionB."""
  return _block(inputs, _REDUCTION_B, scope, 'BlockReductionB', reuse)


def block_inception_c(
  inputs: tf.Tensor, scope: str | None = None, reuse: bool | None = None
) -> tf.Tensor:
  """Build an Inception-C block, 1536 channels, in scope BlockInceptionC."""
  return _block(inputs, _INCEPTION_C, scope, 'BlockInceptionC', reuse)


def inception_v4_base(
  inputs: tf.Tensor, final_endpoint: str = 'Mixed_7d', scope: str | None = None
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the convolutions of Inception v4, up to an end point.

  Args:
    inputs: images, [batch, height, width, 3], 75 x 75 or larger.
    final_endpoint: the last end point to build, one of Conv2d_1a_3x3,
      Conv2d_2a_3x3, Conv2d_2b_3x3, Mixed_3a, Mixed_4a, Mixed_5a to Mixed_5e,
      Mixed_6a to Mixed_6h and Mixed_7a to Mixed_7d.
    scope: variable scope, 'InceptionV4' if None.

  Returns:
    The feature map at final_endpoint and a dict of all end points up to it.

  Raises:
    UserError: if there is no such end point, or the images are too small.
  """
  return utils.build(
    inputs, _SPEC, final_endpoint, scope=scope, default_scope='InceptionV4'
  )


def inception_v4(
  inputs: tf.Tensor,
  num_classes: int | None = 1001,
  is_training: bool | tf.Tensor = True,
  dropout_keep_prob: float = 0.8,
  reuse: bool | None = None,
  scope: str = 'InceptionV4',
  create_aux_logits: bool = True,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build Inception v4 for classification.

  Args:
    inputs: images, [batch, height, width, 3], values in [-1, 1], 75 x 75 or
      larger.
    num_classes: number of classes; with None or 0 the pooled features are
      returned in place of logits, and there are no auxiliary ones.
    is_training: whether batch statistics and dropout are used, as a bool or a
      boolean tensor.
    dropout_keep_prob: share of the features that dropout keeps.
    reuse: whether variables of an earlier call are used again.
    scope: variable scope.
    create_aux_logits: whether to build the auxiliary head on Mixed_6h, end
      point 'AuxLogits'.

  Returns:
    Logits [batch, num_classes], or features [batch, 1, 1, 1536], and a dict of
    all end points.

  Raises:
    UserError: if the images are too small.
  """
  with utils.network_scope(
    inputs, scope, 'InceptionV4', is_training=is_training, reuse=reuse
  ) as scope:
    net, end_points = inception_v4_base(inputs, scope=scope)
    if create_aux_logits and num_classes:
      heads.aux_dense_head(
        end_points['Mixed_6h'],
        end_points,
        num_classes,
        conv='Conv2d_2a',
        logits='Aux_logits',
      )
    with tf.variable_scope('Logits'):
      net = heads.pool_map(net, end_points, 'AvgPool_1a')
      if num_classes:
        net = slim.dropout(net, dropout_keep_prob, scope='Dropout_1b')
        net = slim.flatten(net, scope='PreLogitsFlatten')
        net = heads.dense_logits(net, end_points, num_classes)
  return net, end_points


inception_v4.default_image_size = 299
inception_v4_arg_scope = utils.inception_arg_scope
