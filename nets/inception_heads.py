"""What stands above the feature maps of the Inception networks.

Two families share this: v1 to v3 classify by a 1 x 1 convolution after a mean
over a fixed window, v4 and Inception-ResNet-v2 by a fully connected layer after
a mean over the whole map. Their auxiliary heads differ in names alone.
"""

from collections.abc import Callable
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from nets.inception_utils import trunc_normal
from slim_support import errors
from tf_slim_compat import slim


class Head(NamedTuple):
  """Window and names of a head that classifies by convolution.

  `group` is the digit in the scopes, `pooled` the end point after the mean,
  `features` the one before the classifier, if there is one.
  """

  kernel: int
  group: int
  pooled: str
  features: str | None = None


def fitted_kernel(net: tf.Tensor, kernel: int) -> tuple[int, int]:
  """Return height and width of a window that a map of known size holds."""
  height, width = net.shape.as_list()[1:3]
  return (
    kernel if height is None else min(height, kernel),
    kernel if width is None else min(width, kernel),
  )


def _global_pool(net, end_points: dict):
  net = tf.reduce_mean(net, [1, 2], keepdims=True, name='global_pool')
  end_points['global_pool'] = net
  return net


def _squeezed(logits):
  """Drop the two axes of space, or say why they cannot be dropped."""
  height, width = logits.shape.as_list()[1:3]
  if any(side not in (None, 1) for side in (height, width)):
    raise errors.UserError(
      f'Images of this size leave {height} x {width} positions with logits of '
      'their own: pass global_pool=True, or spatial_squeeze=False to have all.'
    )
  return tf.squeeze(logits, [1, 2], name='SpatialSqueeze')


def _scores(net, num_classes: int, scope: str, **options):
  return slim.conv2d(
    net,
    num_classes,
    1,
    activation_fn=None,
    normalizer_fn=None,
    scope=scope,
    **options,
  )


def conv_head(
  net: tf.Tensor,
  end_points: dict,
  num_classes: int | None,
  head: Head,
  *,
  keep_prob: float,
  global_pool: bool,
  spatial_squeeze: bool,
) -> tf.Tensor:
  """Pool a feature map and score the classes by a 1 x 1 convolution.

  Args:
    net: feature map, [batch, height, width, channels].
    end_points: takes the pooled map and the features.
    num_classes: number of classes; None or 0 stops at the pooled map.
    head: window and names.
    keep_prob: share of the features that dropout keeps.
    global_pool: whether to pool the whole map, of any size.
    spatial_squeeze: whether logits are [batch, num_classes], not
      [batch, 1, 1, num_classes].

  Returns:
    Logits, or the pooled map, [batch, 1, 1, channels] if it was one window.

  Raises:
    UserError: if there is more than one window of logits to squeeze.
  """
  if global_pool:
    net = _global_pool(net, end_points)
  else:
    height, width = fitted_kernel(net, head.kernel)
    scope = f'AvgPool_{head.group}a_{height}x{width}'
    net = slim.avg_pool2d(
      net, (height, width), stride=1, padding='VALID', scope=scope
    )
    end_points[head.pooled] = net
  if not num_classes:
    return net
  net = slim.dropout(net, keep_prob, scope=f'Dropout_{head.group}b')
  if head.features:
    end_points[head.features] = net
  logits = _scores(net, num_classes, f'Conv2d_{head.group}c_1x1')
  return _squeezed(logits) if spatial_squeeze else logits


def predict(
  logits: tf.Tensor, end_points: dict, prediction_fn: Callable
) -> tf.Tensor:
  """Add logits and predictions to the end points, and return the logits."""
  end_points['Logits'] = logits
  end_points['Predictions'] = prediction_fn(logits, scope='Predictions')
  return logits


def pool_map(net: tf.Tensor, end_points: dict, scope: str) -> tf.Tensor:
  """Return the mean over the whole map, [batch, 1, 1, channels]."""
  size = net.shape[1:3]
  if not size.is_fully_defined():
    return _global_pool(net, end_points)
  net = slim.avg_pool2d(net, size.as_list(), padding='VALID', scope=scope)
  end_points['global_pool'] = net
  return net


def dense_logits(
  features: tf.Tensor, end_points: dict, num_classes: int
) -> tf.Tensor:
  """Score the classes by a fully connected layer.

  Args:
    features: [batch, channels].
    end_points: takes features, logits and predictions.
    num_classes: number of classes.

  Returns:
    Logits, [batch, num_classes].
  """
  end_points['PreLogitsFlatten'] = features
  logits = slim.fully_connected(
    features, num_classes, activation_fn=None, scope='Logits'
  )
  end_points['Logits'] = logits
  end_points['Predictions'] = tf.nn.softmax(logits, name='Predictions')
  return logits


def _aux_trunk(net, depth: Callable[[int], int], pool: str):
  """Return the map of 128 channels that auxiliary heads convolve to one."""
  net = slim.avg_pool2d(
    net, fitted_kernel(net, 5), stride=3, padding='VALID', scope=pool
  )
  return slim.conv2d(net, depth(128), 1, scope='Conv2d_1b_1x1')


def aux_conv_head(
  net: tf.Tensor,
  end_points: dict,
  num_classes: int,
  depth: Callable[[int], int],
  *,
  global_pool: bool,
  spatial_squeeze: bool,
) -> None:
  """Score the classes half way, by convolutions, as end point 'AuxLogits'.

  Args:
    net: feature map, [batch, height, width, channels].
    end_points: takes the logits.
    num_classes: number of classes.
    depth: maps nominal depths to those that are built.
    global_pool: whether to average what is left of a large map.
    spatial_squeeze: whether logits are [batch, num_classes].

  Raises:
    UserError: if there is more than one window of logits to squeeze.
  """
  with tf.variable_scope('AuxLogits'):
    net = _aux_trunk(net, depth, 'AvgPool_1a_5x5')
    height, width = fitted_kernel(net, 5)
    net = slim.conv2d(
      net,
      depth(768),
      (height, width),
      padding='VALID',
      weights_initializer=trunc_normal(0.01),
      scope=f'Conv2d_2a_{height}x{width}',
    )
    if global_pool:
      net = tf.reduce_mean(net, [1, 2], keepdims=True, name='global_pool')
    logits = _scores(
      net,
      num_classes,
      'Conv2d_2b_1x1',
      weights_initializer=trunc_normal(0.001),
    )
    end_points['AuxLogits'] = _squeezed(logits) if spatial_squeeze else logits


def aux_dense_head(
  net: tf.Tensor,
  end_points: dict,
  num_classes: int,
  *,
  conv: str,
  logits: str,
  pool: str = 'AvgPool_1a_5x5',
) -> None:
  """Score the classes half way, by a dense layer, as end point 'AuxLogits'.

  Args:
    net: feature map, [batch, height, width, channels].
    end_points: takes the logits.
    num_classes: number of classes.
    conv: scope of the convolution over the whole pooled map; over 5 x 5, and
      averaged, where the size of the map is unknown.
    logits: scope of the fully connected layer.
    pool: scope of the mean before it.
  """
  with tf.variable_scope('AuxLogits'):
    net = _aux_trunk(net, int, pool)
    kernel = [side or 5 for side in net.shape.as_list()[1:3]]
    net = slim.conv2d(net, 768, kernel, padding='VALID', scope=conv)
    net = tf.reduce_mean(net, [1, 2])
    end_points['AuxLogits'] = slim.fully_connected(
      net, num_classes, activation_fn=None, scope=logits
    )
