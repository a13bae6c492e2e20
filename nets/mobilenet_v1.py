"""MobileNet V1: depthwise separable convolutions throughout.

A. G. Howard, M. Zhu, B. Chen, D. Kalenichenko, W. Wang, T. Weyand,
M. Andreetto, H. Adam, "MobileNets: Efficient Convolutional Neural Networks for
Mobile Vision Applications", 2017, arXiv:1704.04861.

A layer filters each channel by itself (depthwise, 3 x 3), then mixes the
channels (pointwise, 1 x 1); batch norm and ReLU6 follow both. Two numbers
trade accuracy for speed: the depth multiplier and the image size.

Images are 224 x 224 by default (there are weights for 192, 160 and 128 too),
with values in [-1, 1]. The pooling at the end shrinks with the image.
"""

import functools
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow.compat.v1 as tf

from tf_slim_compat import slim

# A plain convolution, and a depthwise one with the pointwise one after it.
Conv = namedtuple('Conv', ['kernel', 'stride', 'depth'])
DepthSepConv = namedtuple('DepthSepConv', ['kernel', 'stride', 'depth'])

# fmt: off
MOBILENETV1_CONV_DEFS = [
  Conv(kernel=[3, 3], stride=2, depth=32),             # 112 x 112 x 32
  DepthSepConv(kernel=[3, 3], stride=1, depth=64),
  DepthSepConv(kernel=[3, 3], stride=2, depth=128),    # 56 x 56 x 128
  DepthSepConv(kernel=[3, 3], stride=1, depth=128),
  DepthSepConv(kernel=[3, 3], stride=2, depth=256),    # 28 x 28 x 256
  DepthSepConv(kernel=[3, 3], stride=1, depth=256),
  DepthSepConv(kernel=[3, 3], stride=2, depth=512),    # 14 x 14 x 512
  *[DepthSepConv(kernel=[3, 3], stride=1, depth=512)] * 5,
  DepthSepConv(kernel=[3, 3], stride=2, depth=1024),   # 7 x 7 x 1024
  DepthSepConv(kernel=[3, 3], stride=1, depth=1024),
]
# fmt: on


def _steps(conv_defs, output_stride):
  """Yield (layer, stride, rate): rates once output_stride is reached."""
  if output_stride not in (None, 8, 16, 32):
    raise ValueError(f'output_stride {output_stride} is not 8, 16 or 32.')
  reached, rate = 1, 1
  for layer in conv_defs:
    if reached == output_stride:
      yield layer, 1, rate
      rate *= layer.stride
    else:
      yield layer, layer.stride, 1
      reached *= layer.stride


def _fixed_padding(net, kernel, rate=1):
  """Pad net by what the kernel needs, whatever the image's size."""
  totals = [(size - 1) * rate for size in kernel]
  sides = [[total // 2, total - total // 2] for total in totals]
  return tf.pad(net, [[0, 0], *sides, [0, 0]])


def _layers(net, steps, depth_of, use_explicit_padding):
  """Build the layers one at a time, and yield (end point, activations)."""
  for index, (layer, stride, rate) in enumerate(steps):
    name = f'Conv2d_{index}'
    depth = depth_of(layer.depth)
    if use_explicit_padding:
      net = _fixed_padding(net, layer.kernel, rate)
    if isinstance(layer, Conv):
      net = slim.conv2d(net, depth, layer.kernel, stride=stride, scope=name)
      yield name, net
      continue
    net = slim.separable_conv2d(
      net,
      None,
      layer.kernel,
      depth_multiplier=1,
      stride=stride,
      rate=rate,
      scope=f'{name}_depthwise',
    )
    yield f'{name}_depthwise', net
    net = slim.conv2d(net, depth, [1, 1], scope=f'{name}_pointwise')
    yield f'{name}_pointwise', net


def mobilenet_v1_base(
  inputs: tf.Tensor,
  final_endpoint: str = 'Conv2d_13_pointwise',
  min_depth: int = 8,
  depth_multiplier: float = 1.0,
  conv_defs: Sequence | None = None,
  output_stride: int | None = None,
  use_explicit_padding: bool = False,
  scope: str | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build MobileNet V1 from the images up to the given end point.

  Args:
    inputs: [batch, height, width, channels] float images.
    final_endpoint: where to stop: Conv2d_0, then Conv2d_N_depthwise and
      Conv2d_N_pointwise for N from 1 to 13.
    min_depth: depth below which depth_multiplier takes no layer.
    depth_multiplier: float above 0 that scales every layer's depth.
    conv_defs: the layers, Conv and DepthSepConv rows; None means
      MOBILENETV1_CONV_DEFS.
    output_stride: ratio of the input's size to the output's from which on
      strides become rates of atrous convolutions: 8, 16, 32 or None.
    use_explicit_padding: pads by a fixed number of pixels, so that features
      do not shift with the image's size as they do with 'SAME'.
    scope: variable scope; None means MobilenetV1.

  Returns:
    (net, end_points): the activations of final_endpoint, and those of every
    end point up to it by name.

  Raises:
    ValueError: for arguments that are not as said above.
  """
  if depth_multiplier <= 0:
    raise ValueError(f'depth_multiplier must be > 0, not {depth_multiplier}.')
  steps = _steps(conv_defs or MOBILENETV1_CONV_DEFS, output_stride)
  end_points = {}
  with (
    tf.variable_scope(scope, 'MobilenetV1', [inputs]),
    slim.arg_scope(
      [slim.conv2d, slim.separable_conv2d],
      padding='VALID' if use_explicit_padding else 'SAME',
    ),
  ):
    layers = _layers(
      inputs,
      steps,
      lambda depth: max(int(depth * depth_multiplier), min_depth),
      use_explicit_padding,
    )
    for name, net in layers:
      end_points[name] = net
      if name == final_endpoint:
        return net, end_points
  raise ValueError(f'Unknown final_endpoint {final_endpoint!r}.')


def _pool(net, end_points, global_pool):
  """Average net over its pixels: all of them, or a 7 x 7 window."""
  if global_pool:
    end_points['global_pool'] = tf.reduce_mean(
      net, [1, 2], keepdims=True, name='global_pool'
    )
    return end_points['global_pool']
  kernel = _reduced_kernel_size_for_small_input(net, [7, 7])
  end_points['AvgPool_1a'] = slim.avg_pool2d(
    net, kernel, padding='VALID', scope='AvgPool_1a'
  )
  return end_points['AvgPool_1a']


def mobilenet_v1(
  inputs: tf.Tensor,
  num_classes: int | None = 1000,
  dropout_keep_prob: float = 0.999,
  is_training: bool | tf.Tensor = True,
  min_depth: int = 8,
  depth_multiplier: float = 1.0,
  conv_defs: Sequence | None = None,
  prediction_fn: Callable = slim.softmax,
  spatial_squeeze: bool = True,
  reuse: bool | None = None,
  scope: str = 'MobilenetV1',
  global_pool: bool = False,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build MobileNet V1 for classification.

  Args:
    inputs: [batch, height, width, channels] float images.
    num_classes: number of classes; None or 0 leaves the classifier out and
      returns the pooled features.
    dropout_keep_prob: share of features that dropout keeps.
    is_training: for dropout and batch norm; a Python or a tensor boolean.
    min_depth: see `mobilenet_v1_base`.
    depth_multiplier: see `mobilenet_v1_base`.
    conv_defs: see `mobilenet_v1_base`.
    prediction_fn: turns logits into probabilities; None leaves them out.
    spatial_squeeze: takes the spatial dimensions, of size 1, off the logits.
    reuse: whether to reuse the scope's variables.
    scope: variable scope.
    global_pool: averages over all pixels, instead of over a window of 7 x 7
      (or less, for small images).

  Returns:
    (net, end_points): the logits, [batch, num_classes] if squeezed, or the
    pooled features; and activations by name.

  Raises:
    ValueError: for arguments that are not as said above.
  """
  inputs.shape.assert_has_rank(4)
  with (
    tf.variable_scope(scope, 'MobilenetV1', [inputs], reuse=reuse) as sc,
    slim.arg_scope([slim.batch_norm, slim.dropout], is_training=is_training),
  ):
    net, end_points = mobilenet_v1_base(
      inputs,
      scope=sc,
      min_depth=min_depth,
      depth_multiplier=depth_multiplier,
      conv_defs=conv_defs,
    )
    with tf.variable_scope('Logits'):
      net = _pool(net, end_points, global_pool)
      if not num_classes:
        return net, end_points
      net = slim.dropout(net, dropout_keep_prob, scope='Dropout_1b')
      logits = slim.conv2d(
        net,
        num_classes,
        [1, 1],
        activation_fn=None,
        normalizer_fn=None,
        scope='Conv2d_1c_1x1',
      )
      if spatial_squeeze:
        logits = tf.squeeze(logits, [1, 2], name='SpatialSqueeze')
    end_points['Logits'] = logits
    if prediction_fn:
      end_points['Predictions'] = prediction_fn(logits, scope='Predictions')
  return logits, end_points


mobilenet_v1.default_image_size = 224


def wrapped_partial(
  func: Callable, *args: Any, **kwargs: Any
) -> functools.partial:
  """Return functools.partial(func, ...) under func's name and attributes."""
  return functools.update_wrapper(
    functools.partial(func, *args, **kwargs), func
  )


mobilenet_v1_075 = wrapped_partial(mobilenet_v1, depth_multiplier=0.75)
mobilenet_v1_050 = wrapped_partial(mobilenet_v1, depth_multiplier=0.50)
mobilenet_v1_025 = wrapped_partial(mobilenet_v1, depth_multiplier=0.25)


def _reduced_kernel_size_for_small_input(input_tensor, kernel_size):
  """Return kernel_size, cut to the input where that is smaller and known."""
  height, width = input_tensor.shape.as_list()[1:3]
  if height is None or width is None:
    return kernel_size
  return [min(height, kernel_size[0]), min(width, kernel_size[1])]


def mobilenet_v1_arg_scope(
  is_training: bool | tf.Tensor = True,
  weight_decay: float = 0.00004,
  stddev: float = 0.09,
  regularize_depthwise: bool = False,
  batch_norm_decay: float = 0.9997,
  batch_norm_epsilon: float = 0.001,
  batch_norm_updates_collections: str | None = tf.GraphKeys.UPDATE_OPS,
  normalizer_fn: Callable | None = slim.batch_norm,
) -> dict:
  """Return the arg scope: L2 losses, initialisation, norm and activation.

  Args:
    is_training: whether batch norm uses the batch; None does not say.
    weight_decay: weight of the L2 losses.
    stddev: standard deviation of the truncated normal that weights come from.
    regularize_depthwise: whether depthwise kernels bear an L2 loss too.
    batch_norm_decay: decay of the moving averages.
    batch_norm_epsilon: added to variances before the division.
    batch_norm_updates_collections: where the moving averages' updates go.
    normalizer_fn: follows every convolution.
  """
  batch_norm_params = {
    'center': True,
    'scale': True,
    'decay': batch_norm_decay,
    'epsilon': batch_norm_epsilon,
    'updates_collections': batch_norm_updates_collections,
  }
  if is_training is not None:
    batch_norm_params['is_training'] = is_training
  regularizer = slim.l2_regularizer(weight_decay)
  with (
    slim.arg_scope(
      [slim.conv2d, slim.separable_conv2d],
      weights_initializer=tf.truncated_normal_initializer(stddev=stddev),
      activation_fn=tf.nn.relu6,
      normalizer_fn=normalizer_fn,
    ),
    slim.arg_scope([slim.batch_norm], **batch_norm_params),
    slim.arg_scope([slim.conv2d], weights_regularizer=regularizer),
    slim.arg_scope(
      [slim.separable_conv2d],
      weights_regularizer=regularizer if regularize_depthwise else None,
    ) as arg_scope,
  ):
    return arg_scope
