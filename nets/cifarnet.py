"""CifarNet, a small network for the 32 x 32 images of CIFAR-10.

Descends from the CIFAR-10 models of A. Krizhevsky's cuda-convnet (2011) and
keeps their local response normalisation (A. Krizhevsky, I. Sutskever,
G. E. Hinton, "ImageNet Classification with Deep Convolutional Neural
Networks", NIPS 2012), which later networks dropped for batch normalisation.
Only the fully connected layers bear an L2 loss.

Images are 32 x 32 with three channels, each standardised to mean 0 and
variance 1.
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from tf_slim_compat import slim


def trunc_normal(stddev: float) -> Callable:
  """Return the initialiser that draws from a truncated normal."""
  return tf.truncated_normal_initializer(stddev=stddev)


def _response_norm(net, scope):
  return tf.nn.lrn(net, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, name=scope)


def cifarnet(
  images: tf.Tensor,
  num_classes: int | None = 10,
  is_training: bool | tf.Tensor = False,
  dropout_keep_prob: float = 0.5,
  prediction_fn: Callable = slim.softmax,
  scope: str = 'CifarNet',
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build CifarNet.

  Args:
    images: [batch, 32, 32, channels] float images; other sizes work too, but
      fc3 then has a shape of its own.
    num_classes: number of classes; None or 0 leaves the classifier out and
      returns the features.
    is_training: whether dropout drops; a Python or a tensor boolean.
    dropout_keep_prob: share of activations that dropout keeps.
    prediction_fn: turns logits into probabilities.
    scope: name of the variable scope.

  Returns:
    (net, end_points): net is the logits, [batch, num_classes], or the
    features, [batch, 192]; end_points maps names to activations.
  """
  end_points = {}

  with tf.variable_scope(scope, 'CifarNet', [images]):
    net = end_points['conv1'] = slim.conv2d(images, 64, [5, 5], scope='conv1')
    net = end_points['pool1'] = slim.max_pool2d(net, [2, 2], 2, scope='pool1')
    net = _response_norm(net, 'norm1')
    net = end_points['conv2'] = slim.conv2d(net, 64, [5, 5], scope='conv2')
    # Here the norm comes before the pooling: the two stages differ.
    net = _response_norm(net, 'norm2')
    net = end_points['pool2'] = slim.max_pool2d(net, [2, 2], 2, scope='pool2')
    net = end_points['Flatten'] = slim.flatten(net)
    net = end_points['fc3'] = slim.fully_connected(net, 384, scope='fc3')
    net = slim.dropout(
      net, dropout_keep_prob, is_training=is_training, scope='dropout3'
    )
    net = end_points['fc4'] = slim.fully_connected(net, 192, scope='fc4')
    if not num_classes:
      return net, end_points

    logits = end_points['Logits'] = slim.fully_connected(
      net,
      num_classes,
      biases_initializer=tf.zeros_initializer(),
      weights_initializer=trunc_normal(1 / 192.0),
      weights_regularizer=None,
      activation_fn=None,
      scope='logits',
    )
    end_points['Predictions'] = prediction_fn(logits, scope='Predictions')

  return logits, end_points


cifarnet.default_image_size = 32


def cifarnet_arg_scope(weight_decay: float = 0.004) -> dict:
  """Return the arg scope: L2 loss, initialisation and activation of layers.

  Args:
    weight_decay: weight of the L2 losses.
  """
  with (
    slim.arg_scope(
      [slim.conv2d],
      weights_initializer=trunc_normal(5e-2),
      activation_fn=tf.nn.relu,
    ),
    slim.arg_scope(
      [slim.fully_connected],
      biases_initializer=tf.constant_initializer(0.1),
      weights_initializer=trunc_normal(0.04),
      weights_regularizer=slim.l2_regularizer(weight_decay),
      activation_fn=tf.nn.relu,
    ) as arg_scope,
  ):
    return arg_scope
