"""The generator of CycleGAN, which turns images of one kind into another.

J. Zhu, T. Park, P. Isola, A. Efros, "Unpaired Image-to-Image Translation using
Cycle-Consistent Adversarial Networks", 2017, arXiv:1703.10593, section 7.2: a
7 x 7 convolution, two that halve the size, residual blocks, two layers that
double the size again, and a 7 x 7 convolution to RGB. Each layer is followed by
instance normalization, and borders are reflected.

Images are [batch, height, width, 3] in [-1, 1], height and width multiples of
4. It is not a classifier, so `nets_factory` does not know it.
"""

import contextlib
from collections.abc import Callable

import tensorflow.compat.v1 as tf

from slim_support import errors
from tf_slim_compat import slim

_DOWN = 2  # how often the size is halved, and doubled again
_UPSAMPLING = ('conv2d_transpose', 'nn_upsample_conv', 'bilinear_upsample_conv')


def cyclegan_arg_scope(
  instance_norm_center: bool = True,
  instance_norm_scale: bool = True,
  instance_norm_epsilon: float = 0.001,
  weights_init_stddev: float = 0.02,
  weight_decay: float = 0.0,
) -> dict:
  """Return the arg scope: instance norm, initialization and L2 loss of layers.

  Args:
    instance_norm_center: whether instance norm learns an offset.
    instance_norm_scale: whether instance norm learns a factor.
    instance_norm_epsilon: what instance norm adds to variances.
    weights_init_stddev: standard deviation of the initial weights.
    weight_decay: weight of the L2 losses; 0 adds none.
  """
  regularizer = slim.l2_regularizer(weight_decay) if weight_decay else None
  with slim.arg_scope(
    [slim.conv2d, slim.conv2d_transpose],
    normalizer_fn=slim.instance_norm,
    normalizer_params={
      'center': instance_norm_center,
      'scale': instance_norm_scale,
      'epsilon': instance_norm_epsilon,
    },
    weights_initializer=tf.random_normal_initializer(0, weights_init_stddev),
    weights_regularizer=regularizer,
  ) as arg_scope:
    return arg_scope


def _padded(net, size, mode='REFLECT'):
  """Pad so that a convolution of that size without padding keeps the shape."""
  before, after = (size - 1) // 2, size // 2
  sides = [before, after]
  return tf.pad(net, [[0, 0], sides, sides, [0, 0]], mode)


def cyclegan_upsample(
  net: tf.Tensor,
  num_outputs: int,
  stride: tuple[int, int],
  method: str = 'conv2d_transpose',
  pad_mode: str = 'REFLECT',
  align_corners: bool = False,
) -> tf.Tensor:
  """Make a map larger, and give it another depth.

  Args:
    net: [batch, height, width, depth].
    num_outputs: depth of the result.
    stride: how many times larger the result is, (vertically, horizontally).
    method: 'conv2d_transpose', 'nn_upsample_conv' or 'bilinear_upsample_conv':
      a transposed convolution, or resizing and a convolution.
    pad_mode: how borders are padded for the convolution, see `tf.pad`.
    align_corners: whether resizing keeps the corners where they are.

  Returns:
    [batch, height * stride[0], width * stride[1], num_outputs].

  Raises:
    UserError: if the method is unknown.
  """
  if method not in _UPSAMPLING:
    raise errors.unknown_name('method', method, _UPSAMPLING)
  with tf.variable_scope('upconv'):
    if method == 'conv2d_transpose':
      return slim.conv2d_transpose(net, num_outputs, [3, 3], [*stride])
    resize = (
      tf.image.resize_nearest_neighbor
      if method == 'nn_upsample_conv'
      else tf.image.resize_bilinear
    )
    height, width = tf.unstack(tf.shape(net)[1:3])
    static = net.shape.as_list()[1:3]
    net = resize(
      net, [height * stride[0], width * stride[1]], align_corners=align_corners
    )
    known = [
      side and side * times for side, times in zip(static, stride, strict=True)
    ]
    net.set_shape([None, *known, None])
    return slim.conv2d(
      _padded(net, 3, pad_mode), num_outputs, [3, 3], padding='VALID'
    )


def _residual_block(net, kernel_size):
  """Build two convolutions beside a shortcut."""
  depth = net.shape[-1]
  residual = net
  for layer, activation in enumerate((tf.nn.relu, None)):
    residual = slim.conv2d(
      _padded(residual, kernel_size),
      depth,
      kernel_size,
      padding='VALID',
      activation_fn=activation,
      scope=f'conv_{layer}',
    )
  return net + residual


def _stages(net, *, num_filters, num_resnet_blocks, kernel_size, upsample_fn):
  """Yield the name and the output of every stage but the last."""
  with tf.variable_scope('encoder_0'):
    net = slim.conv2d(_padded(net, 7), num_filters, [7, 7], padding='VALID')
  yield 'encoder_0', net
  for level in range(1, _DOWN + 1):
    with tf.variable_scope(f'encoder_{level}'):
      net = slim.conv2d(
        _padded(net, kernel_size),
        num_filters * 2**level,
        kernel_size,
        stride=2,
        padding='VALID',
      )
    yield f'encoder_{level}', net
  for block in range(num_resnet_blocks):
    with tf.variable_scope(f'resnet_block_{block}'):
      net = _residual_block(net, kernel_size)
    yield f'resnet_block_{block}', net
  for level in range(_DOWN):
    with tf.variable_scope(f'decoder_{level}'):
      net = upsample_fn(net, num_filters * 2 ** (_DOWN - 1 - level), [2, 2])
    yield f'decoder_{level}', net


def _check(images, kernel_size):
  shape = images.shape.as_list()
  if len(shape) != 4:
    raise errors.UserError(
      f'Images must be [batch, height, width, channels], not {shape}.'
    )
  if any(side and side % 2**_DOWN for side in shape[1:3]):
    raise errors.UserError(
      f'Images must be multiples of {2**_DOWN} pixels high and wide, not '
      f'{shape[1]} x {shape[2]}.'
    )
  if kernel_size < 1:
    raise errors.UserError(f'kernel_size must be at least 1, not {kernel_size}')


def cyclegan_generator_resnet(
  images: tf.Tensor,
  arg_scope_fn: Callable = cyclegan_arg_scope,
  num_resnet_blocks: int = 6,
  num_filters: int = 64,
  upsample_fn: Callable = cyclegan_upsample,
  kernel_size: int = 3,
  tanh_linear_slope: float = 0.0,
  is_training: bool = False,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the generator. The paper takes 6 blocks at 128 pixels, 9 above.

  Args:
    images: [batch, height, width, channels] in [-1, 1].
    arg_scope_fn: makes the arg scope of the layers; None opens none.
    num_resnet_blocks: number of residual blocks.
    num_filters: depth of the first layer.
    upsample_fn: fn(net, num_outputs, stride) -> a larger map.
    kernel_size: of the layers between the first and the last.
    tanh_linear_slope: how much of the last layer's output is added to its tanh,
      which keeps gradients from vanishing.
    is_training: makes no difference: instance norm is the same in both.

  Returns:
    (images, end_points): [batch, height, width, channels], in [-1, 1] if
    tanh_linear_slope is 0; and activations by name, among them 'logits', the
    images before tanh.

  Raises:
    UserError: if the images do not have the right shape.
  """
  del is_training
  _check(images, kernel_size)
  channels = images.shape.as_list()[-1]
  end_points = {}
  scope = arg_scope_fn and slim.arg_scope(arg_scope_fn())
  with scope or contextlib.nullcontext():
    net = images
    for name, net in _stages(
      images,
      num_filters=num_filters,
      num_resnet_blocks=num_resnet_blocks,
      kernel_size=kernel_size,
      upsample_fn=upsample_fn,
    ):
      end_points[name] = net
    with tf.variable_scope('output'):
      logits = slim.conv2d(
        _padded(net, 7),
        channels,
        [7, 7],
        padding='VALID',
        activation_fn=None,
        normalizer_fn=None,
      )
  end_points['logits'] = logits
  net = tf.tanh(logits) + logits * tanh_linear_slope
  end_points['output'] = net
  return net, end_points
