"""I3D: Inception v1 inflated to three dimensions, for videos.

J. Carreira, A. Zisserman, "Quo Vadis, Action Recognition? A New Model and the
Kinetics Dataset", 2017, arXiv:1705.07750.

Videos are [batch, frames, 224, 224, 3] in [-1, 1], 64 frames in the paper.
`nets_factory` does not know it, because the scripts read still images.
"""

from collections.abc import Callable

import tensorflow.compat.v1 as tf

from nets import i3d_utils, inception_utils
from tf_slim_compat import slim


def i3d_arg_scope(
  weight_decay: float = 1e-7,
  batch_norm_decay: float = 0.999,
  batch_norm_epsilon: float = 0.001,
) -> dict:
  """Return the arg scope. See `i3d_utils.arg_scope`."""
  return i3d_utils.arg_scope(weight_decay, batch_norm_decay, batch_norm_epsilon)


def i3d_base(
  inputs: tf.Tensor,
  final_endpoint: str = 'Mixed_5c',
  scope: str = 'InceptionV1',
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the convolutions of I3D. See `i3d_utils.build` for the arguments.

  Returns:
    The feature map at final_endpoint, of Mixed_5c [batch, frames / 8, height /
    32, width / 32, 1024], and a dict of all end points up to it.
  """
  return i3d_utils.build(inputs, final_endpoint, scope, i3d_utils.Style())


def i3d(
  inputs: tf.Tensor,
  num_classes: int | None = 1000,
  dropout_keep_prob: float = 0.8,
  is_training: bool | tf.Tensor = True,
  prediction_fn: Callable = slim.softmax,
  spatial_squeeze: bool = True,
  reuse: bool | None = None,
  scope: str = 'InceptionV1',
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build I3D for classification.

  Args:
    inputs: videos, [batch, frames, height, width, 3], values in [-1, 1].
    num_classes: number of classes; with None or 0 the pooled features are
      returned in place of logits.
    dropout_keep_prob: share of the features that dropout keeps.
    is_training: whether batch statistics and dropout are used.
    prediction_fn: makes predictions of logits; called with `scope`.
    spatial_squeeze: whether logits are [batch, num_classes], not
      [batch, 1, 1, num_classes].
    reuse: whether variables of an earlier call are used again.
    scope: name of the variable scope.

  Returns:
    Logits, averaged over time, or features [batch, frames, 1, 1, 1024]; and a
    dict of all end points.
  """
  with inception_utils.network_scope(
    inputs, scope, 'InceptionV1', is_training=is_training, reuse=reuse
  ) as sc:
    net, end_points = i3d_base(inputs, scope=sc)
    net = i3d_utils.classify(
      net,
      end_points,
      num_classes,
      keep_prob=dropout_keep_prob,
      prediction_fn=prediction_fn,
      spatial_squeeze=spatial_squeeze,
    )
  return net, end_points


i3d.default_image_size = 224
