"""OverFeat, the fast model.

P. Sermanet, D. Eigen, X. Zhang, M. Mathieu, R. Fergus, Y. LeCun, "OverFeat:
Integrated Recognition, Localization and Detection using Convolutional
Networks", 2013, arXiv:1312.6229. The classifier alone, table 1; the fully
connected layers are convolutions, as in the paper.

Images are 231 x 231 with the RGB means taken off (about -124 to 152).
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from nets import convolutional_classifier
from tf_slim_compat import slim


def trunc_normal(stddev: float) -> Callable:
  """Return the initialiser that draws from a truncated normal."""
  return tf.truncated_normal_initializer(0.0, stddev)


def overfeat_arg_scope(weight_decay: float = 0.0005) -> dict:
  """Return the arg scope: L2 loss, activation, biases and padding.

  Args:
    weight_decay: weight of the L2 losses.
  """
  with (
    slim.arg_scope(
      [slim.conv2d, slim.fully_connected],
      activation_fn=tf.nn.relu,
      weights_regularizer=slim.l2_regularizer(weight_decay),
      biases_initializer=tf.zeros_initializer(),
    ),
    slim.arg_scope([slim.conv2d], padding='SAME'),
    slim.arg_scope([slim.max_pool2d], padding='VALID') as arg_scope,
  ):
    return arg_scope


def overfeat(
  inputs: tf.Tensor,
  num_classes: int | None = 1000,
  is_training: bool | tf.Tensor = True,
  dropout_keep_prob: float = 0.5,
  spatial_squeeze: bool = True,
  scope: str = 'overfeat',
  global_pool: bool = False,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build OverFeat.

  Args:
    inputs: [batch, height, width, channels] float images.
    num_classes: number of classes; None or 0 returns the output of fc7.
    is_training: whether dropout drops; a Python or a tensor boolean.
    dropout_keep_prob: share of activations that dropout keeps.
    spatial_squeeze: takes the spatial dimensions, of size 1, off the logits;
      False gives a map of logits, for images larger than the default.
    scope: name of the variable scope.
    global_pool: averages over the pixels that are left before the logits, so
      that any image from the default size on gives one result.

  Returns:
    (net, end_points): the logits, [batch, num_classes] if squeezed, or the
    output of fc7; and activations by name.
  """
  with tf.variable_scope(scope, 'overfeat', [inputs]) as sc:
    collection = sc.original_name_scope + '_end_points'
    with slim.arg_scope(
      [slim.conv2d, slim.fully_connected, slim.max_pool2d],
      outputs_collections=collection,
    ):
      net = slim.conv2d(inputs, 64, [11, 11], 4, padding='VALID', scope='conv1')
      net = slim.max_pool2d(net, [2, 2], scope='pool1')
      net = slim.conv2d(net, 256, [5, 5], padding='VALID', scope='conv2')
      net = slim.max_pool2d(net, [2, 2], scope='pool2')
      net = slim.conv2d(net, 512, [3, 3], scope='conv3')
      net = slim.conv2d(net, 1024, [3, 3], scope='conv4')
      net = slim.conv2d(net, 1024, [3, 3], scope='conv5')
      net = slim.max_pool2d(net, [2, 2], scope='pool5')
      with slim.arg_scope(
        [slim.conv2d],
        weights_initializer=trunc_normal(0.005),
        biases_initializer=tf.constant_initializer(0.1),
      ):
        return convolutional_classifier.classify(
          net,
          num_classes=num_classes,
          depths=(3072, 4096),
          kernel=[6, 6],
          is_training=is_training,
          dropout_keep_prob=dropout_keep_prob,
          spatial_squeeze=spatial_squeeze,
          global_pool=global_pool,
          scope=sc.name,
          collection=collection,
        )


overfeat.default_image_size = 231
