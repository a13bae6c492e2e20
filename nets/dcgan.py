"""DCGAN: a generator of images from noise, and its discriminator.

A. Radford, L. Metz, S. Chintala, "Unsupervised Representation Learning with
Deep Convolutional Generative Adversarial Networks", 2015, arXiv:1511.06434,
section 3: convolutions with strides in place of pooling, batch norm in all
layers but the generator's last and the discriminator's first, ReLU in the
generator and leaky ReLU in the discriminator.

Images are square, a power of 2 high. They are not classifiers, so
`nets_factory` does not know them.
"""

import contextlib

import tensorflow.compat.v1 as tf

from slim_support import errors
from tf_slim_compat import slim

_KERNEL = [4, 4]
_SMALLEST = 4


def _levels(size):
  """Return how often a size can be halved.

  Raises:
    UserError: unless it is a power of 2.
  """
  levels = size.bit_length() - 1
  if size < _SMALLEST or size != 2**levels:
    raise errors.UserError(
      f'The size must be a power of 2 and at least {_SMALLEST}, not {size}.'
    )
  return levels


@contextlib.contextmanager
def _scopes(scope, inputs, reuse, layers, *, is_training, fused, activation_fn):
  """Open the variable scope and the arg scopes of one of the two."""
  with (
    tf.variable_scope(scope, values=[inputs], reuse=reuse),
    slim.arg_scope(
      layers,
      stride=2,
      kernel_size=_KERNEL,
      activation_fn=activation_fn,
      normalizer_fn=slim.batch_norm,
      normalizer_params={
        'is_training': is_training,
        'fused': fused,
        'zero_debias_moving_mean': True,
      },
    ),
  ):
    yield


def discriminator(
  inputs: tf.Tensor,
  depth: int = 64,
  is_training: bool | tf.Tensor = True,
  reuse: bool | None = None,
  scope: str = 'Discriminator',
  fused_batch_norm: bool = False,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the discriminator, which tells true images from generated ones.

  Args:
    inputs: [batch, size, size, channels], of known size, a power of 2.
    depth: depth of the first layer; each further one has twice as much.
    is_training: whether batch norm uses the batch.
    reuse: whether to reuse the scope's variables.
    scope: name of the variable scope.
    fused_batch_norm: whether batch norm is one operation.

  Returns:
    (logits, end_points): [batch, 1], positive for true images; and activations
    by name: 'conv1', 'conv2', ... and 'logits'.

  Raises:
    UserError: if the images are not square, or not a power of 2 high.
  """
  shape = inputs.shape.as_list()
  if len(shape) != 4 or None in shape[1:] or shape[1] != shape[2]:
    raise errors.UserError(
      f'Images must be [batch, size, size, channels] of known size, not {shape}'
    )
  end_points, net = {}, inputs
  with _scopes(
    scope,
    inputs,
    reuse,
    [slim.conv2d],
    is_training=is_training,
    fused=fused_batch_norm,
    activation_fn=tf.nn.leaky_relu,
  ):
    for level in range(_levels(shape[1])):
      name = f'conv{level + 1}'
      first = {'normalizer_fn': None} if level == 0 else {}
      net = slim.conv2d(net, depth * 2**level, scope=name, **first)
      end_points[name] = net
    net = slim.conv2d(
      net,
      1,
      kernel_size=1,
      stride=1,
      activation_fn=None,
      normalizer_fn=None,
      scope='logits',
    )
    logits = end_points['logits'] = tf.reshape(net, [-1, 1])
  return logits, end_points


def generator(
  inputs: tf.Tensor,
  depth: int = 64,
  final_size: int = 32,
  num_outputs: int = 3,
  is_training: bool | tf.Tensor = True,
  reuse: bool | None = None,
  scope: str = 'Generator',
  fused_batch_norm: bool = False,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the generator.

  Args:
    inputs: [batch, values] of noise.
    depth: depth of the last layer but one; each earlier one has twice as much.
    final_size: height and width of the images, a power of 2.
    num_outputs: channels of the images.
    is_training: whether batch norm uses the batch.
    reuse: whether to reuse the scope's variables.
    scope: name of the variable scope.
    fused_batch_norm: whether batch norm is one operation.

  Returns:
    (logits, end_points): [batch, final_size, final_size, num_outputs], the
    images before the tanh that the paper ends with; and activations by name:
    'deconv1', 'deconv2', ... and 'logits'.

  Raises:
    UserError: if inputs are not vectors, or final_size is not a power of 2.
  """
  if inputs.shape.rank != 2:
    raise errors.UserError(
      f'The noise must be [batch, values], not {inputs.shape}.'
    )
  layers = _levels(final_size) - 1
  end_points = {}
  with _scopes(
    scope,
    inputs,
    reuse,
    [slim.conv2d_transpose],
    is_training=is_training,
    fused=fused_batch_norm,
    activation_fn=tf.nn.relu,
  ):
    net = inputs[:, tf.newaxis, tf.newaxis]
    for layer in range(1, layers + 1):
      options = {'stride': 1, 'padding': 'VALID'} if layer == 1 else {}
      if layer == layers:
        options |= {'normalizer_fn': None, 'activation_fn': None}
      name = f'deconv{layer}'
      net = slim.conv2d_transpose(
        net, depth * 2 ** (layers - layer), scope=name, **options
      )
      end_points[name] = net
    net = slim.conv2d(
      net,
      num_outputs,
      kernel_size=1,
      activation_fn=None,
      normalizer_fn=None,
      scope='logits',
    )
    net.set_shape([None, final_size, final_size, num_outputs])
  end_points['logits'] = net
  return net, end_points
