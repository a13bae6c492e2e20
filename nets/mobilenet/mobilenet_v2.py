"""MobileNet v2.

    Mark Sandler, Andrew Howard, Menglong Zhu, Andrey Zhmoginov, Liang-Chieh
    Chen: MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018,
    arXiv:1801.04381

The network of the paper's table 2, with the scopes and widths of the published
checkpoints. Below a depth multiplier of 1 those keep the 1280 features before
the classifier (`finegrain_classification_mode`), as the paper says. Images are
[batch, 224, 224, 3] in [-1, 1]; any size from 32 on that is a multiple of 32
will do.
"""

import copy
import functools
from collections.abc import Callable
from typing import Any

import tensorflow.compat.v1 as tf

from nets.mobilenet import conv_blocks as ops
from nets.mobilenet import mobilenet as lib
from tf_slim_compat import slim

op = lib.op
expand_input = ops.expand_input_by_factor

_LAYERS = (slim.conv2d, slim.fully_connected, slim.separable_conv2d)


def _defaults(normalizer_fn, **normalizer_args):
  """Return the arg scopes around all layers, for one kind of normaliser."""
  return {
    (normalizer_fn,): normalizer_args,
    _LAYERS: {'normalizer_fn': normalizer_fn, 'activation_fn': tf.nn.relu6},
    (ops.expanded_conv,): {
      'expansion_size': expand_input(6),
      'split_expansion': 1,
      'normalizer_fn': normalizer_fn,
      'residual': True,
    },
    (slim.conv2d, slim.separable_conv2d): {'padding': 'SAME'},
  }


# fmt: off
V2_DEF = {
  'defaults': _defaults(slim.batch_norm, center=True, scale=True),
  'spec': [
    op(slim.conv2d, stride=2, num_outputs=32, kernel_size=[3, 3]),
    op(ops.expanded_conv, num_outputs=16,
       expansion_size=expand_input(1, divisible_by=1)),
    op(ops.expanded_conv, stride=2, num_outputs=24),
    op(ops.expanded_conv, stride=1, num_outputs=24),
    op(ops.expanded_conv, stride=2, num_outputs=32),
    op(ops.expanded_conv, stride=1, num_outputs=32),
    op(ops.expanded_conv, stride=1, num_outputs=32),
    op(ops.expanded_conv, stride=2, num_outputs=64),
    op(ops.expanded_conv, stride=1, num_outputs=64),
    op(ops.expanded_conv, stride=1, num_outputs=64),
    op(ops.expanded_conv, stride=1, num_outputs=64),
    op(ops.expanded_conv, stride=1, num_outputs=96),
    op(ops.expanded_conv, stride=1, num_outputs=96),
    op(ops.expanded_conv, stride=1, num_outputs=96),
    op(ops.expanded_conv, stride=2, num_outputs=160),
    op(ops.expanded_conv, stride=1, num_outputs=160),
    op(ops.expanded_conv, stride=1, num_outputs=160),
    op(ops.expanded_conv, stride=1, num_outputs=320),
    op(slim.conv2d, stride=1, num_outputs=1280, kernel_size=[1, 1]),
  ],
}
# fmt: on

V2_DEF_GROUP_NORM = {
  'defaults': _defaults(slim.group_norm, groups=8),
  'spec': V2_DEF['spec'],
}


def _adapted(conv_defs, depth_multiplier, finegrain, activation_fn):
  """Return a table with the width and activation that are asked for."""
  conv_defs = copy.deepcopy(conv_defs)
  if finegrain and depth_multiplier < 1:
    conv_defs['spec'][-1].params['num_outputs'] /= depth_multiplier
  if activation_fn:
    layer_args = conv_defs['defaults'].setdefault(_LAYERS, {})
    layer_args['activation_fn'] = activation_fn
  return conv_defs


@slim.add_arg_scope
def mobilenet(
  input_tensor: tf.Tensor,
  num_classes: int | None = 1001,
  depth_multiplier: float = 1.0,
  scope: str = 'MobilenetV2',
  conv_defs: dict[str, Any] | None = None,
  finegrain_classification_mode: bool = False,
  min_depth: int | None = None,
  divisible_by: int | None = None,
  activation_fn: Callable | None = None,
  **kwargs: Any,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build MobileNet v2.

  Args:
    input_tensor: [batch, height, width, 3] images in [-1, 1].
    num_classes: number of classes; None or 0 leaves out the classifier.
    depth_multiplier: what the layers' widths are multiplied by, above 0.
    scope: scope of the network.
    conv_defs: the table of layers, see `nets.mobilenet.table`; None means
      `V2_DEF`.
    finegrain_classification_mode: keeps the last layer as wide as it is when
      the depth multiplier is below 1.
    min_depth: the least width of a layer; None means 8.
    divisible_by: widths are multiples of this; None means 8.
    activation_fn: activation of the layers; None means that of the table.
    **kwargs: go to `nets.mobilenet.mobilenet.mobilenet`, such as
      `is_training`, `final_endpoint`, `output_stride`, `base_only`.

  Returns:
    Logits, [batch, num_classes], and the end points, as from
    `nets.mobilenet.mobilenet.mobilenet`.

  Raises:
    ValueError: for an argument 'multiplier', or one that cannot be.
  """
  if 'multiplier' in kwargs:
    raise ValueError('The argument is called depth_multiplier here.')
  conv_defs = _adapted(
    V2_DEF if conv_defs is None else conv_defs,
    depth_multiplier,
    finegrain_classification_mode,
    activation_fn,
  )
  with lib.safe_arg_scope(
    [lib.depth_multiplier], min_depth=min_depth, divisible_by=divisible_by
  ):
    return lib.mobilenet(
      input_tensor,
      num_classes=num_classes,
      conv_defs=conv_defs,
      scope=scope,
      multiplier=depth_multiplier,
      **kwargs,
    )


mobilenet.default_image_size = 224


def wrapped_partial(
  func: Callable, *args: Any, **kwargs: Any
) -> functools.partial:
  """Return a partial function that keeps its name and attributes."""
  return functools.update_wrapper(
    functools.partial(func, *args, **kwargs), func
  )


mobilenet_v2_140 = wrapped_partial(mobilenet, depth_multiplier=1.4)
mobilenet_v2_050 = wrapped_partial(
  mobilenet, depth_multiplier=0.50, finegrain_classification_mode=True
)
mobilenet_v2_035 = wrapped_partial(
  mobilenet, depth_multiplier=0.35, finegrain_classification_mode=True
)


@slim.add_arg_scope
def mobilenet_base(
  input_tensor: tf.Tensor, depth_multiplier: float = 1.0, **kwargs: Any
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the layers without the classifier. See `mobilenet` for arguments.

  Returns:
    The last layer, [batch, height / 32, width / 32, channels], and the end
    points.
  """
  return mobilenet(
    input_tensor, depth_multiplier=depth_multiplier, base_only=True, **kwargs
  )


@slim.add_arg_scope
def mobilenet_base_group_norm(
  input_tensor: tf.Tensor, depth_multiplier: float = 1.0, **kwargs: Any
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the layers with group norm in place of batch norm.

  Args:
    input_tensor: [batch, height, width, 3] images in [-1, 1] of known height
      and width.
    depth_multiplier: what the layers' widths are multiplied by, above 0.
    **kwargs: `groups`, the number of groups of channels that are normalised
      together (8), of which every width must be a multiple; the rest goes to
      `mobilenet`.

  Returns:
    The last layer, [batch, height / 32, width / 32, channels], and the end
    points.
  """
  groups = kwargs.pop('groups', 8)
  conv_defs = {
    **V2_DEF_GROUP_NORM,
    'defaults': _defaults(slim.group_norm, groups=groups),
  }
  return mobilenet_base(
    input_tensor, depth_multiplier, conv_defs=conv_defs, **kwargs
  )


def training_scope(**kwargs: Any) -> dict:
  """Return the arg scope. See `nets.mobilenet.mobilenet.training_scope`."""
  return lib.training_scope(**kwargs)
