"""MobileNet v3 and MobileNet-EdgeTPU.

    Andrew Howard, Mark Sandler, Grace Chu, Liang-Chieh Chen, Bo Chen, Mingxing
    Tan, Weijun Wang, Yukun Zhu, Ruoming Pang, Vijay Vasudevan, Quoc V. Le,
    Hartwig Adam: Searching for MobileNetV3, 2019, arXiv:1905.02244

The networks of the paper's tables 1 and 2. The minimalistic ones do without
squeeze-and-excite, hard swish and 5 x 5 kernels; EdgeTPU's early blocks fuse
expansion and depthwise convolution into one 3 x 3 convolution. Kept from the
published checkpoints: their scopes, and a sixth in the gates' hard sigmoid that
is rounded to 0.16667. Images are [batch, 224, 224, 3] in [-1, 1]; squares of
other sizes will do.
"""

import copy
import functools
from collections.abc import Callable
from typing import Any

import tensorflow.compat.v1 as tf

from nets.mobilenet import conv_blocks as ops
from nets.mobilenet import mobilenet as lib
from nets.mobilenet.table import keep_width
from nets.mobilenet.v3_blocks import (
  hard_swish,
  mbv3_fused,
  mbv3_op,
  mbv3_op_se,
  reduce_to_1x1,
)
from nets.mobilenet.v3_blocks import squeeze_excite as squeeze_excite
from tf_slim_compat import slim

op = lib.op
expand_input = ops.expand_input_by_factor
training_scope = lib.training_scope


def _defaults(normalizer_fn, **normalizer_args):
  """Return the arg scopes around all layers, for one kind of normaliser."""
  return {
    (normalizer_fn,): normalizer_args,
    (ops.expanded_conv,): {'normalizer_fn': normalizer_fn, 'residual': True},
    (slim.conv2d, slim.fully_connected, slim.separable_conv2d): {
      'normalizer_fn': normalizer_fn,
      'activation_fn': tf.nn.relu,
    },
  }


DEFAULTS = _defaults(slim.batch_norm, center=True, scale=True)
DEFAULTS_GROUP_NORM = _defaults(slim.group_norm, groups=8)

# fmt: off
V3_LARGE = {
  'defaults': DEFAULTS,
  'spec': [
    op(slim.conv2d, num_outputs=16, kernel_size=(3, 3), stride=2,
       activation_fn=hard_swish),
    mbv3_op(ef=1, n=16, k=3),
    mbv3_op(ef=4, n=24, k=3, s=2),
    mbv3_op(ef=3, n=24, k=3),
    mbv3_op_se(ef=3, n=40, k=5, s=2),
    mbv3_op_se(ef=3, n=40, k=5),
    mbv3_op_se(ef=3, n=40, k=5),
    mbv3_op(ef=6, n=80, k=3, s=2, act=hard_swish),
    mbv3_op(ef=2.5, n=80, k=3, act=hard_swish),
    mbv3_op(ef=184 / 80, n=80, k=3, act=hard_swish),
    mbv3_op(ef=184 / 80, n=80, k=3, act=hard_swish),
    mbv3_op_se(ef=6, n=112, k=3, act=hard_swish),
    mbv3_op_se(ef=6, n=112, k=3, act=hard_swish),
    mbv3_op_se(ef=6, n=160, k=5, s=2, act=hard_swish),
    mbv3_op_se(ef=6, n=160, k=5, act=hard_swish),
    mbv3_op_se(ef=6, n=160, k=5, act=hard_swish),
    op(slim.conv2d, num_outputs=960, kernel_size=(1, 1), stride=1,
       activation_fn=hard_swish),
    op(reduce_to_1x1, default_size=7, stride=1),
    op(slim.conv2d, num_outputs=1280, kernel_size=(1, 1), stride=1,
       normalizer_fn=None, activation_fn=hard_swish),
  ],
}

V3_SMALL = {
  'defaults': DEFAULTS,
  'spec': [
    op(slim.conv2d, num_outputs=16, kernel_size=(3, 3), stride=2,
       activation_fn=hard_swish),
    mbv3_op_se(ef=1, n=16, k=3, s=2),
    mbv3_op(ef=72 / 16, n=24, k=3, s=2),
    mbv3_op(ef=88 / 24, n=24, k=3),
    mbv3_op_se(ef=4, n=40, k=5, s=2, act=hard_swish),
    mbv3_op_se(ef=6, n=40, k=5, act=hard_swish),
    mbv3_op_se(ef=6, n=40, k=5, act=hard_swish),
    mbv3_op_se(ef=3, n=48, k=5, act=hard_swish),
    mbv3_op_se(ef=3, n=48, k=5, act=hard_swish),
    mbv3_op_se(ef=6, n=96, k=5, s=2, act=hard_swish),
    mbv3_op_se(ef=6, n=96, k=5, act=hard_swish),
    mbv3_op_se(ef=6, n=96, k=5, act=hard_swish),
    op(slim.conv2d, num_outputs=576, kernel_size=(1, 1), stride=1,
       activation_fn=hard_swish),
    op(reduce_to_1x1, default_size=7, stride=1),
    op(slim.conv2d, num_outputs=1024, kernel_size=(1, 1), stride=1,
       normalizer_fn=None, activation_fn=hard_swish),
  ],
}

V3_EDGETPU = {
  'defaults': DEFAULTS,
  'spec': [
    op(slim.conv2d, num_outputs=32, kernel_size=(3, 3), stride=2),
    mbv3_fused(ef=1, n=16, k=3),
    mbv3_fused(ef=8, n=32, k=3, s=2),
    mbv3_fused(ef=4, n=32, k=3),
    mbv3_fused(ef=4, n=32, k=3),
    mbv3_fused(ef=4, n=32, k=3),
    mbv3_fused(ef=8, n=48, k=3, s=2),
    mbv3_fused(ef=4, n=48, k=3),
    mbv3_fused(ef=4, n=48, k=3),
    mbv3_fused(ef=4, n=48, k=3),
    mbv3_op(ef=8, n=96, k=3, s=2),
    mbv3_op(ef=4, n=96, k=3),
    mbv3_op(ef=4, n=96, k=3),
    mbv3_op(ef=4, n=96, k=3),
    mbv3_op(ef=8, n=96, k=3, residual=False),
    mbv3_op(ef=4, n=96, k=3),
    mbv3_op(ef=4, n=96, k=3),
    mbv3_op(ef=4, n=96, k=3),
    mbv3_op(ef=8, n=160, k=5, s=2),
    mbv3_op(ef=4, n=160, k=5),
    mbv3_op(ef=4, n=160, k=5),
    mbv3_op(ef=4, n=160, k=5),
    mbv3_op(ef=8, n=192, k=3),
    op(slim.conv2d, num_outputs=1280, kernel_size=(1, 1), stride=1),
  ],
}
# fmt: on


def _minimalistic(conv_defs):
  """Return a table without its squeeze-and-excite, hard swish and 5 x 5."""
  spec = []
  for layer in conv_defs['spec']:
    params = dict(layer.params)
    params.pop('activation_fn', None)
    if layer.op is ops.expanded_conv:
      params['kernel_size'] = (3, 3)
      params['inner_activation_fn'] = tf.nn.relu
      params['expansion_transform'] = None
    spec.append(layer._replace(params=params))
  return {**conv_defs, 'spec': spec}


def _reduced(conv_defs, first, last, multiplier=0.5):
  """Return a table whose layers from first to last are narrower."""
  conv_defs = copy.deepcopy(conv_defs)
  for layer in conv_defs['spec'][first : last + 1]:
    width = round(layer.params['num_outputs'] * multiplier)
    layer.params['num_outputs'] = width
  return conv_defs


V3_LARGE_MINIMALISTIC = _minimalistic(V3_LARGE)
V3_SMALL_MINIMALISTIC = _minimalistic(V3_SMALL)
# Section 6.3 of the paper: half the channels in the last stage.
V3_LARGE_DETECTION = _reduced(V3_LARGE, 13, 16)
V3_SMALL_DETECTION = _reduced(V3_SMALL, 9, 12)


@slim.add_arg_scope
def mobilenet(
  input_tensor: tf.Tensor,
  num_classes: int | None = 1001,
  depth_multiplier: float = 1.0,
  scope: str = 'MobilenetV3',
  conv_defs: dict[str, Any] | None = None,
  finegrain_classification_mode: bool = False,
  use_groupnorm: bool = False,
  **kwargs: Any,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build MobileNet v3.

  Args:
    input_tensor: [batch, height, width, 3] images in [-1, 1].
    num_classes: number of classes; None or 0 leaves out the classifier.
    depth_multiplier: what the layers' widths are multiplied by, above 0.
    scope: scope of the network.
    conv_defs: the table of layers, see `nets.mobilenet.table`; None means
      `V3_LARGE`.
    finegrain_classification_mode: keeps the last layer as wide as it is for
      every depth multiplier.
    use_groupnorm: normalises groups of channels of an example in place of
      batches; height and width of the images must be known then.
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
  conv_defs = dict(V3_LARGE if conv_defs is None else conv_defs)
  if finegrain_classification_mode:
    *layers, last = conv_defs['spec']
    conv_defs['spec'] = [*layers, last._replace(multiplier_func=keep_width)]
  if use_groupnorm:
    conv_defs['defaults'] = DEFAULTS_GROUP_NORM
  return lib.mobilenet(
    input_tensor,
    num_classes=num_classes,
    conv_defs=conv_defs,
    scope=scope,
    multiplier=depth_multiplier,
    **kwargs,
  )


mobilenet.default_image_size = 224


@slim.add_arg_scope
def mobilenet_base(
  input_tensor: tf.Tensor, depth_multiplier: float = 1.0, **kwargs: Any
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the layers without the classifier. See `mobilenet` for arguments.

  Returns:
    The last layer, [batch, 1, 1, channels], and the end points.
  """
  return mobilenet(
    input_tensor, depth_multiplier=depth_multiplier, base_only=True, **kwargs
  )


def wrapped_partial(
  func: Callable, new_defaults: dict[str, Any] | None = None, **kwargs: Any
) -> functools.partial:
  """Return a partial function that keeps its name and attributes.

  Args:
    func: the function.
    new_defaults: {argument: value} for arguments that callers do not give.
    **kwargs: arguments of the function.
  """

  @functools.wraps(func)
  def with_defaults(*args, **given):
    return func(*args, **{**(new_defaults or {}), **given})

  return functools.update_wrapper(
    functools.partial(with_defaults, **kwargs), func
  )


_EDGE_TPU_SCOPE = {'scope': 'MobilenetEdgeTPU'}

large = wrapped_partial(mobilenet, conv_defs=V3_LARGE)
small = wrapped_partial(mobilenet, conv_defs=V3_SMALL)
large_minimalistic = wrapped_partial(mobilenet, conv_defs=V3_LARGE_MINIMALISTIC)
small_minimalistic = wrapped_partial(mobilenet, conv_defs=V3_SMALL_MINIMALISTIC)
edge_tpu = wrapped_partial(mobilenet, _EDGE_TPU_SCOPE, conv_defs=V3_EDGETPU)
edge_tpu_075 = wrapped_partial(
  mobilenet,
  _EDGE_TPU_SCOPE,
  conv_defs=V3_EDGETPU,
  depth_multiplier=0.75,
  finegrain_classification_mode=True,
)
