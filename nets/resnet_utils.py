"""What the two ResNets share: blocks, strides that become rates, arg scope.

K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image
Recognition", 2015, arXiv:1512.03385 (v1), and "Identity Mappings in Deep
Residual Networks", 2016, arXiv:1603.05027 (v2).

A block halves the resolution in its last unit, not in its first: so the
released weights have it. It makes dense prediction with atrous convolutions
exact, since every stride comes after the block it belongs to.
"""

import contextlib
from collections import namedtuple
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from typing import Any

import tensorflow.compat.v1 as tf

from tf_slim_compat import slim

# A name, the function that builds a unit, and the arguments of each unit.
Block = namedtuple('Block', ['scope', 'unit_fn', 'args'])

# Units of the four blocks, by the number of layers in all.
UNITS = {
  50: (3, 4, 6, 3),
  101: (3, 4, 23, 3),
  152: (3, 8, 36, 3),
  200: (3, 24, 36, 3),
}


class NoOpScope(nullcontext):
  """Stands where a scope could be and does nothing."""


def make_block(
  scope: str | None,
  unit_fn: Callable,
  base_depth: int,
  num_units: int,
  stride: int,
) -> Block:
  """Return a block whose last unit has the stride.

  Args:
    scope: name of the block's variable scope.
    unit_fn: the bottleneck function.
    base_depth: depth of the bottleneck; the units' output has four times it.
    num_units: number of units.
    stride: stride of the last unit; the others have 1.
  """
  return Block(
    scope,
    unit_fn,
    [
      {
        'depth': base_depth * 4,
        'depth_bottleneck': base_depth,
        'stride': unit_stride,
      }
      for unit_stride in [1] * (num_units - 1) + [stride]
    ],
  )


def make_blocks(
  block_fn: Callable, layers: int, depth_fn: Callable[[int], int] = int
) -> list[Block]:
  """Return the four blocks of a network.

  Args:
    block_fn: resnet_v1_block or resnet_v2_block.
    layers: 50, 101, 152 or 200.
    depth_fn: makes a bottleneck's depth from the paper's.
  """
  rows = zip((64, 128, 256, 512), UNITS[layers], (2, 2, 2, 1), strict=True)
  return [
    block_fn(
      f'block{index}',
      base_depth=depth_fn(depth),
      num_units=num_units,
      stride=stride,
    )
    for index, (depth, num_units, stride) in enumerate(rows, 1)
  ]


def subsample(
  inputs: tf.Tensor, factor: int, scope: str | None = None
) -> tf.Tensor:
  """Take every factor-th pixel of [batch, height, width, depth] inputs."""
  if factor == 1:
    return inputs
  return slim.max_pool2d(inputs, [1, 1], stride=factor, scope=scope)


def conv2d_same(
  inputs: tf.Tensor,
  num_outputs: int,
  kernel_size: int | tuple[int, int],
  stride: int,
  rate: int = 1,
  scope: str | None = None,
) -> tf.Tensor:
  """Convolve so that a stride equals stride 1 and subsampling after it.

  'SAME' padding shares its zeros out by the size of the image, so that with a
  stride the pixels it lands on depend on whether that size is even. Here the
  zeros depend on the kernel alone.

  Args:
    inputs: [batch, height, width, depth] activations.
    num_outputs: depth of the output.
    kernel_size: height and width of the kernel, an int.
    stride: stride of the output.
    rate: rate of the atrous convolution.
    scope: variable scope.

  Returns:
    [batch, ceil(height / stride), ceil(width / stride), num_outputs].
  """
  if stride == 1:
    return slim.conv2d(
      inputs, num_outputs, kernel_size, rate=rate, padding='SAME', scope=scope
    )
  total = (kernel_size - 1) * rate
  sides = [total // 2, total - total // 2]
  return slim.conv2d(
    tf.pad(inputs, [[0, 0], sides, sides, [0, 0]]),
    num_outputs,
    kernel_size,
    stride=stride,
    rate=rate,
    padding='VALID',
    scope=scope,
  )


class _Stride:
  """Count strides up to output_stride; what is over becomes a rate."""

  def __init__(self, output_stride):
    self.output_stride = output_stride
    self.reached = 1
    self.rate = 1

  def take(self, stride):
    """Return the stride and the rate of a layer that asks for stride."""
    if self.reached == self.output_stride:
      rate = self.rate
      self.rate *= stride
      return 1, rate
    self.reached *= stride
    if self.output_stride is not None and self.reached > self.output_stride:
      raise ValueError('The target output_stride cannot be reached.')
    return stride, 1


@slim.add_arg_scope
def stack_blocks_dense(
  net: tf.Tensor,
  blocks: Iterable[Block],
  output_stride: int | None = None,
  store_non_strided_activations: bool = False,
  outputs_collections: Any = None,
) -> tf.Tensor:
  """Stack blocks, at the resolution that output_stride asks for.

  Args:
    net: [batch, height, width, depth] activations.
    blocks: list of Blocks.
    output_stride: ratio of net's resolution to the output's from which on
      strides become rates of atrous convolutions; None strides on.
    store_non_strided_activations: subsamples after the last unit of a block
      instead of in it, so that the unit's end point has the full resolution.
    outputs_collections: collection that the blocks' outputs go to.

  Returns:
    [batch, height / stride, width / stride, depth] activations.

  Raises:
    ValueError: if the blocks' strides do not multiply to output_stride.
  """
  strides = _Stride(output_stride)
  for block in blocks:
    with tf.variable_scope(block.scope, 'block', [net]) as sc:
      after_block = 1
      for index, unit in enumerate(block.args, 1):
        stride = unit.get('stride', 1)
        if store_non_strided_activations and index == len(block.args):
          stride, after_block = 1, stride
        with tf.variable_scope(f'unit_{index}', values=[net]):
          unit_stride, rate = strides.take(stride)
          net = block.unit_fn(net, rate=rate, **{**unit, 'stride': unit_stride})
      net = slim.utils.collect_named_outputs(outputs_collections, sc.name, net)
      net = subsample(net, strides.take(after_block)[0])
  if output_stride is not None and strides.reached != output_stride:
    raise ValueError('The target output_stride cannot be reached.')
  return net


def batch_norm_scope(
  is_training: bool | tf.Tensor | None,
) -> contextlib.AbstractContextManager:
  """Return the arg scope of batch norm; None changes nothing."""
  if is_training is None:
    return NoOpScope()
  return slim.arg_scope([slim.batch_norm], is_training=is_training)


def root_block(
  net: tf.Tensor, output_stride: int | None
) -> tuple[tf.Tensor, int | None]:
  """Build the 7 x 7 convolution and the pooling that take 4 off the size.

  Args:
    net: [batch, height, width, channels] images.
    output_stride: of the whole network, or None.

  Returns:
    ([batch, height / 4, width / 4, 64], output_stride of what follows).

  Raises:
    ValueError: if output_stride is no multiple of 4.
  """
  if output_stride is not None:
    if output_stride % 4 != 0:
      raise ValueError('The output_stride needs to be a multiple of 4.')
    output_stride //= 4
  net = conv2d_same(net, 64, 7, stride=2, scope='conv1')
  net = slim.max_pool2d(net, [3, 3], stride=2, scope='pool1')
  return net, output_stride


def classify(
  net: tf.Tensor,
  scope: str,
  collection: str,
  num_classes: int | None,
  global_pool: bool,
  spatial_squeeze: bool,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Pools, classifies and gathers the end points.

  Args:
    net: [batch, height, width, depth] features.
    scope: name of the network's variable scope.
    collection: collection that the layers' outputs have gone to.
    num_classes: number of classes; None or 0 leaves the classifier out.
    global_pool: averages over all pixels first.
    spatial_squeeze: takes the spatial dimensions, of size 1, off the logits.

  Returns:
    (net, end_points): logits or features, and activations by name.
  """
  end_points = slim.utils.convert_collection_to_dict(collection)
  if global_pool:
    net = tf.reduce_mean(net, [1, 2], keepdims=True, name='pool5')
    end_points['global_pool'] = net
  if not num_classes:
    return net, end_points
  net = slim.conv2d(
    net,
    num_classes,
    [1, 1],
    activation_fn=None,
    normalizer_fn=None,
    scope='logits',
  )
  end_points[f'{scope}/logits'] = net
  if spatial_squeeze:
    net = tf.squeeze(net, [1, 2], name='SpatialSqueeze')
    end_points[f'{scope}/spatial_squeeze'] = net
  end_points['predictions'] = slim.softmax(net, scope='predictions')
  return net, end_points


def name_variant(network: Callable, name: str, doc: str) -> Callable:
  """Return the function with the name and the docstring of a variant."""
  network.__name__ = network.__qualname__ = name
  network.__doc__ = doc
  network.default_image_size = 224
  return network


def resnet_arg_scope(
  weight_decay: float = 0.0001,
  batch_norm_decay: float = 0.997,
  batch_norm_epsilon: float = 1e-5,
  batch_norm_scale: bool = True,
  activation_fn: Callable | None = tf.nn.relu,
  use_batch_norm: bool = True,
  batch_norm_updates_collections: str | None = tf.GraphKeys.UPDATE_OPS,
) -> dict:
  """Return the arg scope: L2 loss, initialisation, norm and activation.

  Args:
    weight_decay: weight of the L2 losses.
    batch_norm_decay: decay of the moving averages.
    batch_norm_epsilon: added to variances before the division.
    batch_norm_scale: whether batch norm multiplies by a gamma.
    activation_fn: follows every convolution.
    use_batch_norm: whether batch norm follows every convolution.
    batch_norm_updates_collections: where the moving averages' updates go.
  """
  batch_norm_params = {
    'decay': batch_norm_decay,
    'epsilon': batch_norm_epsilon,
    'scale': batch_norm_scale,
    'updates_collections': batch_norm_updates_collections,
  }
  with (
    slim.arg_scope(
      [slim.conv2d],
      weights_regularizer=slim.l2_regularizer(weight_decay),
      weights_initializer=slim.variance_scaling_initializer(),
      activation_fn=activation_fn,
      normalizer_fn=slim.batch_norm if use_batch_norm else None,
      normalizer_params=batch_norm_params,
    ),
    slim.arg_scope([slim.batch_norm], **batch_norm_params),
    # Only with 'SAME' does pool1 keep its pixels where conv1 has them, which
    # dense prediction relies on.
    slim.arg_scope([slim.max_pool2d], padding='SAME') as arg_scope,
  ):
    return arg_scope
