"""Inception-ResNet-v2.

Christian Szegedy, Sergey Ioffe, Vincent Vanhoucke, Alex Alemi: Inception-v4,
Inception-ResNet and the Impact of Residual Connections on Learning, 2016,
arXiv:1602.07261.

As in the released checkpoint and unlike the paper, the stem is that of
Inception v3 followed by Mixed_5b, there are 10, 20 and 9 + 1 residual blocks,
and the last block neither scales its residual nor activates. New here: the
auxiliary head is built for images of unknown size too, and images that are too
small are refused early.

Images are 299 x 299 with values in [-1, 1].
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from nets import inception_heads as heads
from nets import inception_utils as utils
from nets.inception_utils import AvgPool, Code, Conv, MaxPool
from slim_support import errors
from tf_slim_compat import slim

_ALONE = 'Conv2d_1x1'  # sic: the scope of a convolution without company

_BLOCK_35 = [
  [Conv(32, 1, name=_ALONE)],
  [Conv(32, 1), Conv(32, 3)],
  [Conv(32, 1), Conv(48, 3), Conv(64, 3)],
]

_BLOCK_17 = [
  [Conv(192, 1, name=_ALONE)],
  [Conv(128, 1), Conv(160, (1, 7)), Conv(192, (7, 1))],
]

_BLOCK_8 = [
  [Conv(192, 1, name=_ALONE)],
  [Conv(192, 1), Conv(224, (1, 3)), Conv(256, (3, 1))],
]

_MIXED_5B = [
  [Conv(96, 1, name=_ALONE)],
  [Conv(48, 1), Conv(64, 5)],
  [Conv(64, 1), Conv(96, 3), Conv(96, 3)],
  [AvgPool(3), Conv(64, 1)],
]


def _reduction_6a(stride, padding):
  """Return Mixed_6a; its scopes stay those of stride 2 when dilated."""
  last = 'Conv2d_1a_3x3'
  return [
    [Conv(384, 3, stride, padding, name=last)],
    [Conv(256, 1), Conv(256, 3), Conv(384, 3, stride, padding, name=last)],
    [MaxPool(3, stride, padding, name='MaxPool_1a_3x3')],
  ]


def _reduction_7a(padding):
  return [
    [Conv(256, 1), Conv(384, 3, 2, padding)],
    [Conv(256, 1), Conv(288, 3, 2, padding)],
    [Conv(256, 1), Conv(288, 3), Conv(320, 3, 2, padding)],
    [MaxPool(3, 2, padding)],
  ]


def _residual(net, branches, scale, activation_fn):
  """Add to net what branches make of it, and activates the sum."""
  update = scale * slim.conv2d(
    utils.mixed(net, branches),
    net.shape.as_list()[3],
    1,
    normalizer_fn=None,
    activation_fn=None,
    scope=_ALONE,
  )
  if activation_fn == tf.nn.relu6:
    # relu6 bounds the sum; what is added to it is bounded alike.
    update = tf.clip_by_value(update, -6.0, 6.0)
  net += update
  return activation_fn(net) if activation_fn else net


def block35(
  net: tf.Tensor,
  scale: float = 1.0,
  activation_fn: Callable | None = tf.nn.relu,
  scope: str | None = None,
  reuse: bool | None = None,
) -> tf.Tensor:
  """Build a residual block for maps of 35 x 35, of the shape of net.

  Args:
    net: feature map, [batch, height, width, channels].
    scale: factor of the residual.
    activation_fn: activation of the sum, or None.
    scope: variable scope, 'Block35' if None.
    reuse: whether variables of an earlier call are used again.
  """
  with tf.variable_scope(scope, 'Block35', [net], reuse=reuse):
    return _residual(net, _BLOCK_35, scale, activation_fn)


def block17(
  net: tf.Tensor,
  scale: float = 1.0,
  activation_fn: Callable | None = tf.nn.relu,
  scope: str | None = None,
  reuse: bool | None = None,
) -> tf.Tensor:
  """Build a residual block for maps of 17 x 17; see `block35`."""
  with tf.variable_scope(scope, 'Block17', [net], reuse=reuse):
    return _residual(net, _BLOCK_17, scale, activation_fn)


def block8(
  net: tf.Tensor,
  scale: float = 1.0,
  activation_fn: Callable | None = tf.nn.relu,
  scope: str | None = None,
  reuse: bool | None = None,
) -> tf.Tensor:
  """Build a residual block for maps of 8 x 8; see `block35`."""
  with tf.variable_scope(scope, 'Block8', [net], reuse=reuse):
    return _residual(net, _BLOCK_8, scale, activation_fn)


def _repeat(block, times, scale, activation_fn, rate=1):
  """Return the step that runs a block several times, dilated by rate."""

  def run(net):
    with slim.arg_scope([slim.conv2d], rate=rate):
      return slim.repeat(
        net, times, block, scale=scale, activation_fn=activation_fn
      )

  return run


def _spec(padding, activation_fn, dilated):
  """Return the table; padding is that of the layers that shrink the map."""
  blocks_35 = _repeat(block35, 10, 0.17, activation_fn)
  blocks_17 = _repeat(block17, 20, 0.1, activation_fn, rate=1 + dilated)
  blocks_8 = _repeat(block8, 9, 0.2, activation_fn)
  # fmt: off
  return {
    'Conv2d_1a_3x3': Conv(32, 3, 2, padding),            # 149 x 149 x 32
    'Conv2d_2a_3x3': Conv(32, 3, 1, padding),            # 147 x 147 x 32
    'Conv2d_2b_3x3': Conv(64, 3),                        # 147 x 147 x 64
    'MaxPool_3a_3x3': MaxPool(3, 2, padding),            # 73 x 73 x 64
    'Conv2d_3b_1x1': Conv(80, 1, 1, padding),            # 73 x 73 x 80
    'Conv2d_4a_3x3': Conv(192, 3, 1, padding),           # 71 x 71 x 192
    'MaxPool_5a_3x3': MaxPool(3, 2, padding),            # 35 x 35 x 192
    'Mixed_5b': _MIXED_5B,                               # 35 x 35 x 320
    'Repeat': Code(blocks_35, recorded=False),
    'Mixed_6a': _reduction_6a(2 - dilated, padding),     # 17 x 17 x 1088
    'PreAuxLogits': Code(blocks_17),                     # 17 x 17 x 1088
    'Mixed_7a': _reduction_7a(padding),                  # 8 x 8 x 2080
    'Repeat_2': Code(blocks_8, recorded=False),
    'Block8': Code(lambda net: block8(net, activation_fn=None), False),
    'Conv2d_7b_1x1': Conv(1536, 1),                      # 8 x 8 x 1536
  }
  # fmt: on


def inception_resnet_v2_base(
  inputs: tf.Tensor,
  final_endpoint: str = 'Conv2d_7b_1x1',
  output_stride: int | None = 16,
  align_feature_maps: bool = False,
  scope: str | None = None,
  activation_fn: Callable = tf.nn.relu,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the convolutions of Inception-ResNet-v2, up to an end point.

  Args:
    inputs: images, [batch, height, width, 3], 75 x 75 or larger.
    final_endpoint: the last end point to build, one of Conv2d_1a_3x3,
      Conv2d_2a_3x3, Conv2d_2b_3x3, MaxPool_3a_3x3, Conv2d_3b_1x1,
      Conv2d_4a_3x3, MaxPool_5a_3x3, Mixed_5b, Mixed_6a, PreAuxLogits, Mixed_7a
      and Conv2d_7b_1x1.
    output_stride: pixels a step on the map of PreAuxLogits, 16 or 8. With 8
      Mixed_6a has no stride, the blocks after it are dilated by 2, and nothing
      after PreAuxLogits can be built.
    align_feature_maps: whether every layer pads, so that a side is that of the
      image over the stride, rounded up.
    scope: variable scope, 'InceptionResnetV2' if None.
    activation_fn: activation of the residual blocks.

  Returns:
    The feature map at final_endpoint and a dict of all end points up to it.

  Raises:
    UserError: if end point or output_stride is unknown, or images too small.
  """
  if output_stride not in (8, 16):
    raise errors.UserError(
      f'output_stride must be 8 or 16, not {output_stride}.'
    )
  dilated = output_stride == 8
  if dilated and final_endpoint in ('Mixed_7a', 'Conv2d_7b_1x1'):
    raise errors.UserError(
      'output_stride 8 reaches no further than PreAuxLogits: pass it, or an '
      f'earlier end point, as final_endpoint in place of {final_endpoint}.'
    )
  padding = 'SAME' if align_feature_maps else 'VALID'
  return utils.build(
    inputs,
    _spec(padding, activation_fn, dilated),
    final_endpoint,
    scope=scope,
    default_scope='InceptionResnetV2',
  )


def inception_resnet_v2(
  inputs: tf.Tensor,
  num_classes: int | None = 1001,
  is_training: bool | tf.Tensor = True,
  dropout_keep_prob: float = 0.8,
  reuse: bool | None = None,
  scope: str = 'InceptionResnetV2',
  create_aux_logits: bool = True,
  activation_fn: Callable = tf.nn.relu,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build Inception-ResNet-v2 for classification.

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
    create_aux_logits: whether to build the auxiliary head on PreAuxLogits, end
      point 'AuxLogits'.
    activation_fn: activation of the residual blocks.

  Returns:
    Logits [batch, num_classes], or features [batch, 1, 1, 1536], and a dict of
    all end points.

  Raises:
    UserError: if the images are too small.
  """
  with utils.network_scope(
    inputs, scope, 'InceptionResnetV2', is_training=is_training, reuse=reuse
  ) as scope:
    net, end_points = inception_resnet_v2_base(
      inputs, scope=scope, activation_fn=activation_fn
    )
    if create_aux_logits and num_classes:
      heads.aux_dense_head(
        end_points['PreAuxLogits'],
        end_points,
        num_classes,
        pool='Conv2d_1a_3x3',  # sic: it is a mean over 5 x 5
        conv='Conv2d_2a_5x5',
        logits='Logits',
      )
    with tf.variable_scope('Logits'):
      net = heads.pool_map(net, end_points, 'AvgPool_1a_8x8')
      if num_classes:
        net = slim.dropout(
          slim.flatten(net), dropout_keep_prob, scope='Dropout'
        )
        net = heads.dense_logits(net, end_points, num_classes)
  return net, end_points


inception_resnet_v2.default_image_size = 299


def inception_resnet_v2_arg_scope(
  weight_decay: float = 0.00004,
  batch_norm_decay: float = 0.9997,
  batch_norm_epsilon: float = 0.001,
  activation_fn: Callable = tf.nn.relu,
  batch_norm_updates_collections: str | None = tf.GraphKeys.UPDATE_OPS,
  batch_norm_scale: bool = False,
) -> dict:
  """Return the arg scope of Inception-ResNet-v2.

  Args:
    weight_decay: factor of the L2 loss of weights and of biases.
    batch_norm_decay: decay of the moving averages.
    batch_norm_epsilon: added to the variance.
    activation_fn: activation of the convolutions.
    batch_norm_updates_collections: collection that takes the updates of the
      moving averages, or None to update them in place.
    batch_norm_scale: whether to learn a factor, gamma, besides the offset.
  """
  regularizer = slim.l2_regularizer(weight_decay)
  params = utils.batch_norm_params(
    decay=batch_norm_decay,
    epsilon=batch_norm_epsilon,
    updates_collections=batch_norm_updates_collections,
    scale=batch_norm_scale,
  )
  with (
    slim.arg_scope(
      [slim.conv2d, slim.fully_connected],
      weights_regularizer=regularizer,
      biases_regularizer=regularizer,
    ),
    slim.arg_scope(
      [slim.conv2d],
      activation_fn=activation_fn,
      normalizer_fn=slim.batch_norm,
      normalizer_params=params,
    ) as arg_scope,
  ):
    return arg_scope
