"""What the networks for videos share: Inception v1 with time as a third axis.

A network is Inception v1's table, with each row inflated to three dimensions:
a kernel of 3 x 3 becomes one of 3 x 3 x 3. Scopes are those of Inception v1, so
that weights of images can be carried over. Videos are [batch, frames, height,
width, 3] in [-1, 1].

J. Carreira, A. Zisserman, "Quo Vadis, Action Recognition? A New Model and the
Kinetics Dataset", 2017, arXiv:1705.07750, figure 3.
"""

import string
from collections.abc import Callable, Sequence
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from nets import inception_utils, inception_v1
from slim_support import errors
from tf_slim_compat import slim

# Pools that leave the time alone; all other rows treat it like space.
_WITHOUT_TIME = ('MaxPool_2a_3x3', 'MaxPool_3a_3x3')
TABLE = {**inception_v1.ROOT, **inception_v1.BODY}
_FIRST = 'Conv2d_1a_7x7'
_AXES = [1, 2, 3]


class Style(NamedTuple):
  """How the rows of a network become layers.

  Attributes:
    depth: maps the depth of a row to the depth that is built.
    first_kernel: frames that the first convolution looks at.
    temporal: fn(end point) -> whether its convolutions look at several frames.
    separable: whether those convolve over space, then over time; the first
      convolution never does, for which it would be slower.
    gating: fn(end point) -> whether channels are weighed, see `self_gating`.
  """

  depth: Callable[[int], int] = int
  first_kernel: int = 7
  temporal: Callable[[str], bool] = lambda _: True
  separable: bool = False
  gating: Callable[[str], bool] = lambda _: False


def conv3d_spatiotemporal(
  inputs: tf.Tensor,
  num_outputs: int,
  kernel_size: Sequence[int],
  stride: int = 1,
  separable: bool = False,
  scope: str | None = None,
) -> tf.Tensor:
  """Convolve over time and space, at once or one after the other.

  Args:
    inputs: [batch, frames, height, width, channels].
    num_outputs: channels of the result.
    kernel_size: frames, height and width of the kernel.
    stride: of all three.
    separable: whether to convolve over space, then over time, in place of over
      both. A kernel of one frame is over space only in either case.
    scope: name of the variable scope; that of the convolution over time ends in
      '/temporal'.
  """
  time, height, width = kernel_size
  if not separable or time == 1 or height == width == 1:
    return slim.conv3d(
      inputs, num_outputs, [time, height, width], stride=stride, scope=scope
    )
  net = slim.conv3d(
    inputs,
    num_outputs,
    [1, height, width],
    stride=[1, stride, stride],
    scope=scope,
  )
  return slim.conv3d(
    net,
    num_outputs,
    [time, 1, 1],
    stride=[stride, 1, 1],
    scope=f'{scope}/temporal',
  )


def self_gating(inputs: tf.Tensor, scope: str) -> tf.Tensor:
  """Weigh channels by a sigmoid of what the mean over the video gives."""
  with tf.variable_scope(scope):
    mean = tf.reduce_mean(inputs, _AXES, keepdims=True)
    weights = slim.conv3d(
      mean,
      inputs.shape[-1],
      [1, 1, 1],
      activation_fn=tf.nn.sigmoid,
      normalizer_fn=None,
      biases_initializer=tf.zeros_initializer(),
      scope='transformer_W',
    )
    return inputs * weights


def _row(net, row, scope, end_point, style):
  """Build one row of the table, inflated."""
  size, stride = row.kernel, row.stride
  if isinstance(row, inception_utils.MaxPool):
    if end_point in _WITHOUT_TIME:
      kernel, strides = [1, size, size], [1, stride, stride]
    else:
      kernel, strides = [size] * 3, [stride] * 3
    return slim.max_pool3d(net, kernel, strides, padding='SAME', scope=scope)
  if end_point == _FIRST:
    frames, separable = style.first_kernel, False
  else:
    frames = size if style.temporal(end_point) else 1
    separable = style.separable
  with slim.arg_scope(
    [slim.conv3d], weights_initializer=inception_utils.trunc_normal(row.init)
  ):
    return conv3d_spatiotemporal(
      net,
      style.depth(row.depth),
      [frames, size, size],
      stride,
      separable,
      scope,
    )


def _block(net, branches, end_point, style):
  """Build an Inception block, and gate its branches."""
  outputs = []
  for index, branch in enumerate(branches):
    with tf.variable_scope(f'Branch_{index}'):
      output = net
      for letter, row in zip(string.ascii_lowercase, branch, strict=False):
        is_pool = isinstance(row, inception_utils.MaxPool)
        kind = 'MaxPool' if is_pool else 'Conv2d'
        scope = row.name or f'{kind}_0{letter}_{row.kernel}x{row.kernel}'
        output = _row(output, row, scope, end_point, style)
      if style.gating(end_point):
        output = self_gating(output, 'self_gating')
      outputs.append(output)
  return tf.concat(outputs, 4)


def build(
  inputs: tf.Tensor, final_endpoint: str, scope: str, style: Style
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the convolutions, up to an end point.

  Args:
    inputs: videos, [batch, frames, height, width, channels].
    final_endpoint: the last end point to build, a key of `TABLE`.
    scope: name of the variable scope.
    style: how rows become layers.

  Returns:
    The feature map at final_endpoint and a dict of all end points up to it.

  Raises:
    UserError: if there is no such end point.
  """
  if final_endpoint not in TABLE:
    raise errors.unknown_name('final_endpoint', final_endpoint, TABLE)
  net, end_points = inputs, {}
  with tf.variable_scope(scope, 'InceptionV1', [inputs]):
    for end_point, layer in TABLE.items():
      if isinstance(layer, list):
        with tf.variable_scope(end_point):
          net = _block(net, layer, end_point, style)
      else:
        net = _row(net, layer, end_point, end_point, style)
        is_conv = isinstance(layer, inception_utils.Conv)
        if is_conv and style.gating(end_point):
          net = self_gating(net, f'{end_point}/self_gating')
      end_points[end_point] = net
      if end_point == final_endpoint:
        break
  return net, end_points


def classify(
  net: tf.Tensor,
  end_points: dict[str, tf.Tensor],
  num_classes: int | None,
  *,
  keep_prob: float,
  prediction_fn: Callable,
  spatial_squeeze: bool,
) -> tf.Tensor:
  """Score the classes of a video: those of its parts, averaged over time.

  Args:
    net: [batch, frames, height, width, channels].
    end_points: takes 'AvgPool_0a_7x7', 'Logits' and 'Predictions'.
    num_classes: number of classes; None or 0 returns the pooled map.
    keep_prob: share of the features that dropout keeps.
    prediction_fn: makes predictions of logits; called with `scope`.
    spatial_squeeze: whether logits are [batch, num_classes], not [batch, 1, 1,
      num_classes].
  """
  with tf.variable_scope('Logits'):
    time, height, width = net.shape.as_list()[1:4]
    kernel = [min(time or 2, 2), min(height or 7, 7), min(width or 7, 7)]
    net = slim.avg_pool3d(net, kernel, stride=1, scope='AvgPool_0a_7x7')
    end_points['AvgPool_0a_7x7'] = net
    if not num_classes:
      return net
    net = slim.dropout(net, keep_prob, scope='Dropout_0b')
    logits = slim.conv3d(
      net,
      num_classes,
      [1, 1, 1],
      activation_fn=None,
      normalizer_fn=None,
      scope='Conv2d_0c_1x1',
    )
    logits = tf.reduce_mean(logits, 1)
    if spatial_squeeze:
      logits = tf.squeeze(logits, [1, 2], name='SpatialSqueeze')
    end_points['Logits'] = logits
    end_points['Predictions'] = prediction_fn(logits, scope='Predictions')
  return logits


def arg_scope(
  weight_decay: float, batch_norm_decay: float, batch_norm_epsilon: float
) -> dict:
  """Return the arg scope: L2 loss and batch norm of the convolutions.

  Args:
    weight_decay: weight of the L2 losses.
    batch_norm_decay: decay of the moving averages.
    batch_norm_epsilon: added to the variance.
  """
  with slim.arg_scope(
    [slim.conv3d],
    weights_regularizer=slim.l2_regularizer(weight_decay),
    activation_fn=tf.nn.relu,
    normalizer_fn=slim.batch_norm,
    normalizer_params={
      'decay': batch_norm_decay,
      'epsilon': batch_norm_epsilon,
      'fused': False,
    },
  ) as scope:
    return scope
