"""The classifier of AlexNet, OverFeat and VGG, as convolutions.

Three fully connected layers, fc6 to fc8, of which the first looks at the whole
feature map of an image of the default size. As convolutions they hold the same
weights, and on larger images they give a map of logits instead of one vector.
"""

import tensorflow.compat.v1 as tf

from tf_slim_compat import slim


def classify(
  net: tf.Tensor,
  *,
  num_classes: int | None,
  depths: tuple[int, int],
  kernel: list[int],
  is_training: bool | tf.Tensor,
  dropout_keep_prob: float,
  spatial_squeeze: bool,
  global_pool: bool,
  scope: str,
  collection: str,
  padding: str = 'VALID',
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build fc6, fc7 and fc8 and gather the end points.

  Args:
    net: [batch, height, width, depth] features.
    num_classes: number of classes; None or 0 leaves out fc8, and the dropout
      before it.
    depths: of fc6 and fc7.
    kernel: [height, width] of fc6.
    is_training: whether dropout drops; a Python or a tensor boolean.
    dropout_keep_prob: share of activations that dropout keeps.
    spatial_squeeze: takes the spatial dimensions, of size 1, off the logits.
    global_pool: averages over what pixels are left before fc8.
    scope: name of the network's variable scope.
    collection: collection that the layers' outputs go to.
    padding: of fc6: 'VALID', or 'SAME' to keep the features' size.

  Returns:
    (net, end_points): the logits, or without classes the output of fc7; and
    activations by name.
  """
  net = slim.conv2d(net, depths[0], kernel, padding=padding, scope='fc6')
  net = slim.dropout(
    net, dropout_keep_prob, is_training=is_training, scope='dropout6'
  )
  net = slim.conv2d(net, depths[1], [1, 1], scope='fc7')
  end_points = slim.utils.convert_collection_to_dict(collection)
  if global_pool:
    net = tf.reduce_mean(net, [1, 2], keepdims=True, name='global_pool')
    end_points['global_pool'] = net
  if not num_classes:
    return net, end_points
  net = slim.dropout(
    net, dropout_keep_prob, is_training=is_training, scope='dropout7'
  )
  net = slim.conv2d(
    net,
    num_classes,
    [1, 1],
    activation_fn=None,
    normalizer_fn=None,
    biases_initializer=tf.zeros_initializer(),
    scope='fc8',
  )
  if spatial_squeeze:
    net = tf.squeeze(net, [1, 2], name='fc8/squeezed')
  end_points[f'{scope}/fc8'] = net
  return net, end_points
