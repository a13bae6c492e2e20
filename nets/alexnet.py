"""AlexNet in its second form, for one device.

A. Krizhevsky, "One weird trick for parallelizing convolutional neural
networks", 2014, arXiv:1404.5997, figure 2. It is the network of 2012 without
the two towers and without local response normalisation. The fully connected
layers are convolutions.

Images are 224 x 224 with the RGB means taken off (about -124 to 152).
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from nets import convolutional_classifier
from tf_slim_compat import slim


def trunc_normal(stddev: float) -> Callable:
  """Return the initialiser that draws from a truncated normal."""
  return tf.truncated_normal_initializer(0.0, stddev)


def alexnet_v2_arg_scope(weight_decay: float = 0.0005) -> dict:
  """Return the arg scope: L2 loss, activation, biases and padding.

  Args:
    weight_decay: weight of the L2 losses.
  """
  with (
    slim.arg_scope(
      [slim.conv2d, slim.fully_connected],
      activation_fn=tf.nn.relu,
      biases_initializer=tf.constant_initializer(0.1),
      weights_regularizer=slim.l2_regularizer(weight_decay),
    ),
    slim.arg_scope([slim.conv2d], padding='SAME'),
    slim.arg_scope([slim.max_pool2d], padding='VALID') as arg_scope,
  ):
    return arg_scope


def alexnet_v2(
  inputs: tf.Tensor,
  num_classes: int | None = 1000,
  is_training: bool | tf.Tensor = True,
  dropout_keep_prob: float = 0.5,
  spatial_squeeze: bool = True,
  scope: str = 'alexnet_v2',
  global_pool: bool = False,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build AlexNet.

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
  with tf.variable_scope(scope, 'alexnet_v2', [inputs]) as sc:
    collection = sc.original_name_scope + '_end_points'
    with slim.arg_scope(
      [slim.conv2d, slim.fully_connected, slim.max_pool2d],
      outputs_collections=[collection],
    ):
      net = slim.conv2d(inputs, 64, [11, 11], 4, padding='VALID', scope='conv1')
      net = slim.max_pool2d(net, [3, 3], 2, scope='pool1')
      net = slim.conv2d(net, 192, [5, 5], scope='conv2')
      net = slim.max_pool2d(net, [3, 3], 2, scope='pool2')
      net = slim.conv2d(net, 384, [3, 3], scope='conv3')
      net = slim.conv2d(net, 384, [3, 3], scope='conv4')
      net = slim.conv2d(net, 256, [3, 3], scope='conv5')
      net = slim.max_pool2d(net, [3, 3], 2, scope='pool5')
      with slim.arg_scope(
        [slim.conv2d], weights_initializer=trunc_normal(0.005)
      ):
        return convolutional_classifier.classify(
          net,
          num_classes=num_classes,
          depths=(4096, 4096),
          kernel=[5, 5],
          is_training=is_training,
          dropout_keep_prob=dropout_keep_prob,
          spatial_squeeze=spatial_squeeze,
          global_pool=global_pool,
          scope=sc.name,
          collection=collection,
        )


alexnet_v2.default_image_size = 224
