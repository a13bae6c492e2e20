"""LeNet, for the digits of MNIST.

After Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-Based Learning
Applied to Document Recognition", Proceedings of the IEEE 86(11), 1998. Of its
1998 self it keeps the order of layers: two convolutions with 5 x 5 kernels,
each followed by pooling, then fully connected layers. The depths are larger,
the activations rectified and the pooling takes maxima.

Images are 28 x 28 with one channel, in [-1, 1].
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from tf_slim_compat import slim


def lenet(
  images: tf.Tensor,
  num_classes: int | None = 10,
  is_training: bool | tf.Tensor = False,
  dropout_keep_prob: float = 0.5,
  prediction_fn: Callable = slim.softmax,
  scope: str = 'LeNet',
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build LeNet.

  Args:
    images: [batch, 28, 28, channels] float images; other sizes work too, but
      fc3 then has a shape of its own.
    num_classes: number of classes; None or 0 leaves dropout and the
      classifier out and returns the features.
    is_training: whether dropout drops; a Python or a tensor boolean.
    dropout_keep_prob: share of activations that dropout keeps.
    prediction_fn: turns logits into probabilities.
    scope: name of the variable scope.

  Returns:
    (net, end_points): net is the logits, [batch, num_classes], or the
    features, [batch, 1024]; end_points maps names to activations.
  """
  end_points = {}

  with tf.variable_scope(scope, 'LeNet', [images]):
    net = end_points['conv1'] = slim.conv2d(images, 32, [5, 5], scope='conv1')
    net = end_points['pool1'] = slim.max_pool2d(net, [2, 2], 2, scope='pool1')
    net = end_points['conv2'] = slim.conv2d(net, 64, [5, 5], scope='conv2')
    net = end_points['pool2'] = slim.max_pool2d(net, [2, 2], 2, scope='pool2')
    net = end_points['Flatten'] = slim.flatten(net)
    net = end_points['fc3'] = slim.fully_connected(net, 1024, scope='fc3')
    if not num_classes:
      return net, end_points

    net = end_points['dropout3'] = slim.dropout(
      net, dropout_keep_prob, is_training=is_training, scope='dropout3'
    )
    logits = end_points['Logits'] = slim.fully_connected(
      net, num_classes, activation_fn=None, scope='fc4'
    )

  # sic: outside the scope, exported graphs are asked for Predictions/Reshape_1.
  end_points['Predictions'] = prediction_fn(logits, scope='Predictions')
  return logits, end_points


lenet.default_image_size = 28


def lenet_arg_scope(weight_decay: float = 0.0) -> dict:
  """Return the arg scope: L2 loss, initialisation and activation of layers.

  Args:
    weight_decay: weight of the L2 losses.
  """
  with slim.arg_scope(
    [slim.conv2d, slim.fully_connected],
    weights_regularizer=slim.l2_regularizer(weight_decay),
    weights_initializer=tf.truncated_normal_initializer(stddev=0.1),
    activation_fn=tf.nn.relu,
  ) as arg_scope:
    return arg_scope
