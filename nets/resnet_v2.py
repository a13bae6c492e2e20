"""ResNet V2: residual units with norm and activation before each convolution.

K. He, X. Zhang, S. Ren, J. Sun, "Identity Mappings in Deep Residual Networks",
2016, arXiv:1603.05027. The shortcuts carry activations on unchanged, so that
the last block needs a norm and an activation of its own (postnorm). Other than
in the paper, a block's stride sits in its last unit, in the 3 x 3 convolution
(see `resnet_utils`), and 50, 101 and 152 layers are there beside its 200.

Images are 224 x 224 by default with the RGB means taken off (about -124 to
152); any size works. The released weights, though, were trained on 299 x 299
with values in [-1, 1]. For dense prediction ask for an output_stride and for
images of a multiple of 32, plus 1.
"""

from collections.abc import Iterable
from typing import Any

import tensorflow.compat.v1 as tf

from nets import resnet_utils
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
) -> tf.Tensor:
  """Build a unit: 1 x 1, 3 x 3 and 1 x 1 convolutions beside a shortcut.

  Args:
    inputs: [batch, height, width, depth_in] activations.
    depth: depth of the output.
    depth_bottleneck: depth of the first two convolutions.
    stride: ratio of the inputs' size to the output's.
    rate: rate of the atrous 3 x 3 convolution.
    outputs_collections: collection that the output goes to.
    scope: variable scope; None means bottleneck_v2.

  Returns:
    [batch, height / stride, width / stride, depth] activations.
  """
  with tf.variable_scope(scope, 'bottleneck_v2', [inputs]) as sc:
    depth_in = slim.utils.last_dimension(inputs.get_shape(), min_rank=4)
    preact = slim.batch_norm(inputs, activation_fn=tf.nn.relu, scope='preact')
    if depth == depth_in:
      shortcut = resnet_utils.subsample(inputs, stride, 'shortcut')
    else:
      shortcut = slim.conv2d(
        preact,
        depth,
        [1, 1],
        stride=stride,
        normalizer_fn=None,
        activation_fn=None,
        scope='shortcut',
      )

    residual = slim.conv2d(preact, depth_bottleneck, [1, 1], scope='conv1')
    residual = resnet_utils.conv2d_same(
      residual, depth_bottleneck, 3, stride, rate=rate, scope='conv2'
    )
    residual = slim.conv2d(
      residual,
      depth,
      [1, 1],
      normalizer_fn=None,
      activation_fn=None,
      scope='conv3',
    )
    return slim.utils.collect_named_outputs(
      outputs_collections, sc.name, shortcut + residual
    )


def resnet_v2(
  inputs: tf.Tensor,
  blocks: Iterable[resnet_utils.Block],
  num_classes: int | None = None,
  is_training: bool | tf.Tensor | None = True,
  global_pool: bool = True,
  output_stride: int | None = None,
  include_root_block: bool = True,
  spatial_squeeze: bool = True,
  reuse: bool | None = None,
  scope: str | None = None,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build a ResNet V2 from blocks.

  Args:
    inputs: [batch, height, width, channels] float images.
    blocks: list of `resnet_utils.Block`, from `resnet_v2_block`.
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
    reuse: whether to reuse the scope's variables.
    scope: variable scope; None means resnet_v2.

  Returns:
    (net, end_points): the logits, [batch, num_classes] if squeezed, or
    without classes the features, [batch, height, width, depth]; and
    activations by name.

  Raises:
    ValueError: if output_stride cannot be reached.
  """
  with tf.variable_scope(scope, 'resnet_v2', [inputs], reuse=reuse) as sc:
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
        # The first unit begins with norm and activation.
        with slim.arg_scope(
          [slim.conv2d], activation_fn=None, normalizer_fn=None
        ):
          net, output_stride = resnet_utils.root_block(net, output_stride)
      net = resnet_utils.stack_blocks_dense(net, blocks, output_stride)
      net = slim.batch_norm(net, activation_fn=tf.nn.relu, scope='postnorm')
      return resnet_utils.classify(
        net, sc.name, collection, num_classes, global_pool, spatial_squeeze
      )


resnet_v2.default_image_size = 224


def resnet_v2_block(
  scope: str | None, base_depth: int, num_units: int, stride: int
) -> resnet_utils.Block:
  """Return a block of bottlenecks. See `resnet_utils.make_block`."""
  return resnet_utils.make_block(
    scope, bottleneck, base_depth, num_units, stride
  )


def _variant(layers):
  """Return the function that builds the ResNet V2 of that many layers."""

  def network(
    inputs,
    num_classes=None,
    is_training=True,
    global_pool=True,
    output_stride=None,
    spatial_squeeze=True,
    reuse=None,
    scope=f'resnet_v2_{layers}',
  ):
    return resnet_v2(
      inputs,
      resnet_utils.make_blocks(resnet_v2_block, layers),
      num_classes,
      is_training,
      global_pool=global_pool,
      output_stride=output_stride,
      spatial_squeeze=spatial_squeeze,
      reuse=reuse,
      scope=scope,
    )

  return resnet_utils.name_variant(
    network,
    f'resnet_v2_{layers}',
    f"""Build ResNet V2 with {layers} layers.

    See `resnet_v2` for the arguments.
    """,
  )


resnet_v2_50 = _variant(50)
resnet_v2_101 = _variant(101)
resnet_v2_152 = _variant(152)
resnet_v2_200 = _variant(200)
