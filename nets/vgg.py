"""VGG: stacks of 3 x 3 convolutions.

K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale
Image Recognition", 2014, arXiv:1409.1556, table 1: columns A (11 layers),
D (16) and E (19). The fully connected layers are convolutions.

Images are 224 x 224 with the RGB means taken off (about -124 to 152).
"""

import tensorflow.compat.v1 as tf

from nets import convolutional_classifier
from tf_slim_compat import slim

# Convolutions of each of the five stages, which end in a pooling by 2.
_STAGES = {
  'vgg_a': (1, 1, 2, 2, 2),
  'vgg_16': (2, 2, 3, 3, 3),
  'vgg_19': (2, 2, 4, 4, 4),
}
_DEPTHS = (64, 128, 256, 512, 512)


def vgg_arg_scope(weight_decay: float = 0.0005) -> dict:
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
    slim.arg_scope([slim.conv2d], padding='SAME') as arg_scope,
  ):
    return arg_scope


def _features(net, convolutions):
  """Build the five stages: [batch, height / 32, width / 32, 512]."""
  rows = zip(convolutions, _DEPTHS, strict=True)
  for stage, (repeats, depth) in enumerate(rows, 1):
    net = slim.repeat(
      net, repeats, slim.conv2d, depth, [3, 3], scope=f'conv{stage}'
    )
    net = slim.max_pool2d(net, [2, 2], scope=f'pool{stage}')
  return net


def _build(inputs, name, scope, reuse, *, is_training, padding, **classifier):
  """Build the VGG of that name; see `_DOCSTRING` for the arguments."""
  with tf.variable_scope(scope, name, [inputs], reuse=reuse) as sc:
    collection = sc.original_name_scope + '_end_points'
    with slim.arg_scope(
      [slim.conv2d, slim.fully_connected, slim.max_pool2d],
      outputs_collections=collection,
    ):
      return convolutional_classifier.classify(
        _features(inputs, _STAGES[name]),
        depths=(4096, 4096),
        kernel=[7, 7],
        is_training=is_training,
        scope=sc.name,
        collection=collection,
        padding=padding,
        **classifier,
      )


_DOCSTRING = """Build VGG with {layers} layers.

  Args:
    inputs: [batch, height, width, channels] float images.
    num_classes: number of classes; None or 0 returns the output of fc7.
    is_training: whether dropout drops; a Python or a tensor boolean.
    dropout_keep_prob: share of activations that dropout keeps.
    spatial_squeeze: takes the spatial dimensions, of size 1, off the logits;
      False gives a map of logits, for images larger than the default.
    reuse: whether to reuse the scope's variables.
    scope: name of the variable scope.
    fc_conv_padding: padding of fc6. 'SAME' keeps the features' size, which is
      a 32nd of the image's; then images of 32 pixels or more will do.
    global_pool: averages over the pixels that are left before the logits.

  Returns:
    (net, end_points): the logits, [batch, num_classes] if squeezed, or the
    output of fc7; and activations by name.
  """


def _variant(name):
  """Return the function that builds the VGG of that name."""

  def vgg(
    inputs: tf.Tensor,
    num_classes: int | None = 1000,
    is_training: bool | tf.Tensor = True,
    dropout_keep_prob: float = 0.5,
    spatial_squeeze: bool = True,
    reuse: bool | None = None,
    scope: str = name,
    fc_conv_padding: str = 'VALID',
    global_pool: bool = False,
  ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    return _build(
      inputs,
      name,
      scope,
      reuse,
      num_classes=num_classes,
      is_training=is_training,
      dropout_keep_prob=dropout_keep_prob,
      spatial_squeeze=spatial_squeeze,
      padding=fc_conv_padding,
      global_pool=global_pool,
    )

  vgg.__name__ = vgg.__qualname__ = name
  vgg.__doc__ = _DOCSTRING.format(layers=sum(_STAGES[name]) + 3)
  vgg.default_image_size = 224
  return vgg


vgg_a = _variant('vgg_a')
vgg_16 = vgg_d = _variant('vgg_16')
vgg_19 = vgg_e = _variant('vgg_19')
