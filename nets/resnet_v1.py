"""ResNet V1: residual units with the activation after the addition.

K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image
Recognition", 2015, arXiv:1512.03385. The 50, 101 and 152 layers of the paper,
and 200 by the same rule. Other than in the paper, a block's stride sits in its
last unit, in the 3 x 3 convolution (see `resnet_utils`).

Images are 224 x 224 by default with the RGB means taken off (about -124 to
152); any size works. For dense prediction ask for an output_stride and for
images of a multiple of 32, plus 1.
"""

from collections.abc import Iterable
from typing import Any

import tensorflow.compat.v1 as tf

from nets import resnet_utils
from nets.resnet_utils import NoOpScope as NoOpScope
from tf_slim_compat import slim

resnet_arg_scope = resnet_utils.resnet_arg_scope


@slim.add_arg_scope
def bottleneck(
  inputs: tf.Tensor,
  depth: int,
  depth_bottleneck: int,
  stride: int,
  rate: int = 1,
  outputs_collections: Any = None,
  scope: str | None = None,
  use_bounded_activations: bool = False,
) -> tf.Tensor:
  """Build a unit: 1 x 1, 3 x 3 and 1 x 1 convolutions beside a shortcut.

  Args:
    inputs: [batch, height, width, depth_in] activations.
    depth: depth of the output.
    depth_bottleneck: depth of the first two convolutions.
    stride: ratio of the inputs' size to the output's.
    rate: rate of the atrous 3 x 3 convolution.
    outputs_collections: collection that the output goes to.
    scope: variable scope; None means bottleneck_v1.
    use_bounded_activations: clips both summands, for quantised inference:
      the shortcut and the output to [0, 6], the residual to [-6, 6].

  Returns:
    [batch, height / stride, width / stride, depth] activations.
  """
  with tf.variable_scope(scope, 'bottleneck_v1', [inputs]) as sc:
    depth_in = slim.utils.last_dimension(inputs.get_shape(), min_rank=4)
    if depth == depth_in:
      shortcut = resnet_utils.subsample(inputs, stride, 'shortcut')
    else:
      shortcut = slim.conv2d(
        inputs,
        depth,
        [1, 1],
        stride=stride,
        activation_fn=tf.nn.relu6 if use_bounded_activations else None,
        scope='shortcut',
      )

    residual = slim.conv2d(inputs, depth_bottleneck, [1, 1], scope='conv1')
    residual = resnet_utils.conv2d_same(
      residual, depth_bottleneck, 3, stride, rate=rate, scope='conv2'
    )
    residual = slim.conv2d(
      residual, depth, [1, 1], activation_fn=None, scope='conv3'
    )

    if use_bounded_activations:
      residual = tf.clip_by_value(residual, -6.0, 6.0)
      output = tf.nn.relu6(shortcut + residual)
    else:
      output = tf.nn.relu(shortcut + residual)
    return slim.utils.collect_named_outputs(
      outputs_collections, sc.name, output
    )


def resnet_v1(
  inputs: tf.Tensor,
  blocks: Iterable[resnet_utils.Block],
  num_classes: int | None = None,
  is_training: bool | tf.Tensor | None = True,
  global_pool: bool = True,
  output_stride: int | None = None,
  include_root_block: bool = True,
  spatial_squeeze: bool = True,
  store_non_strided_activations: bool = False,
  reuse: bool | None = None,
  scope: str | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build a ResNet V1 from blocks.

  Args:
    inputs: [batch, height, width, channels] float images.
    blocks: list of `resnet_utils.Block`, from `resnet_v1_block`.
    num_classes: number of classes; None or 0 leaves the classifier out.
    is_training: whether batch norm uses the batch, a Python or a tensor
      boolean; None leaves it to the arg scope.
    global_pool: averages over all pixels before the classifier; False gives a
      map, for dense prediction.
    output_stride: ratio of the images' size to the map's, from which on
      strides become rates of atrous convolutions; None means 32.
    include_root_block: begins with the 7 x 7 convolution and the pooling;
      False takes features for images.
    spatial_squeeze: takes the spatial dimensions, of size 1, off the logits;
      False for a map of logits.
    store_non_strided_activations: subsamples after the last unit of a block
      instead of in it, so that its end point has the full resolution.
    reuse: whether to reuse the scope's variables.
    scope: variable scope; None means resnet_v1.

  Returns:
    (net, end_points): the logits, [batch, num_classes] if squeezed, or
    without classes the features, [batch, height, width, depth]; and
    activations by name.

  Raises:
    ValueError: if output_stride cannot be reached.
  """
  with tf.variable_scope(scope, 'resnet_v1', [inputs], reuse=reuse) as sc:
    collection = sc.original_name_scope + '_end_points'
    with (
      slim.arg_scope(
        [slim.conv2d, bottleneck, resnet_utils.stack_blocks_dense],
        outputs_collections=collection,
      ),
      resnet_utils.batch_norm_scope(is_training),
    ):
      net = inputs
      if include_root_block:
        net, output_stride = resnet_utils.root_block(net, output_stride)
      net = resnet_utils.stack_blocks_dense(
        net, blocks, output_stride, store_non_strided_activations
      )
      return resnet_utils.classify(
        net, sc.name, collection, num_classes, global_pool, spatial_squeeze
      )


resnet_v1.default_image_size = 224


def resnet_v1_block(
  scope: str | None, base_depth: int, num_units: int, stride: int
) -> resnet_utils.Block:
  """Return a block of bottlenecks. See `resnet_utils.make_block`."""
  return resnet_utils.make_block(
    scope, bottleneck, base_depth, num_units, stride
  )


def _variant(layers):
  """Return the function that builds the ResNet V1 of that many layers."""

  def network(
    inputs,
    num_classes=None,
    is_training=True,
    global_pool=True,
    output_stride=None,
    spatial_squeeze=True,
    store_non_strided_activations=False,
    min_base_depth=8,
    depth_multiplier=1,
    reuse=None,
    scope=f'resnet_v1_{layers}',
  ):
    blocks = resnet_utils.make_blocks(
      resnet_v1_block,
      layers,
      lambda depth: max(int(depth * depth_multiplier), min_base_depth),
    )
    return resnet_v1(
      inputs,
      blocks,
      num_classes,
      is_training,
      global_pool=global_pool,
      output_stride=output_stride,
      spatial_squeeze=spatial_squeeze,
      store_non_strided_activations=store_non_strided_activations,
      reuse=reuse,
      scope=scope,
    )

  return resnet_utils.name_variant(
    network,
    f'resnet_v1_{layers}',
    f"""Build ResNet V1 with {layers} layers.

    See `resnet_v1` for the arguments. depth_multiplier scales the depth of
    every block, which min_base_depth keeps from going lower.
    """,
  )


def _older_order(variant):
  """Return a variant with store_non_strided_activations one place earlier.

  The order of arguments of the two deepest, for callers that pass them by
  position.
  """

  def network(
    inputs,
    num_classes=None,
    is_training=True,
    global_pool=True,
    output_stride=None,
    store_non_strided_activations=False,
    spatial_squeeze=True,
    min_base_depth=8,
    depth_multiplier=1,
    reuse=None,
    scope=variant.__name__,
  ):
    return variant(
      inputs,
      num_classes,
      is_training,
      global_pool,
      output_stride,
      spatial_squeeze,
      store_non_strided_activations,
      min_base_depth,
      depth_multiplier,
      reuse,
      scope,
    )

  return resnet_utils.name_variant(network, variant.__name__, variant.__doc__)


resnet_v1_50 = _variant(50)
resnet_v1_101 = _variant(101)
resnet_v1_152 = _older_order(_variant(152))
resnet_v1_200 = _older_order(_variant(200))
