"""What builds a MobileNet from v2 on out of its table of layers.

The form of a table is in `nets.mobilenet.table`; tables and papers are in
`nets.mobilenet.mobilenet_v2` and `nets.mobilenet.mobilenet_v3`. Images are
[batch, height, width, 3] in [-1, 1].
"""

import contextlib
import posixpath
from collections.abc import Callable, Iterable
from typing import Any

import tensorflow.compat.v1 as tf

from nets.mobilenet.table import (
  depth_multiplier,
  inner_outputs,
  kernel_size,
  op,
  pad_for,
  strides_and_rates,
)
from slim_support import errors
from tf_slim_compat import slim

__all__ = [
  'NoOpScope',
  'apply_activation',
  'depth_multiplier',
  'global_pool',
  'mobilenet',
  'mobilenet_base',
  'op',
  'safe_arg_scope',
  'training_scope',
]


class NoOpScope(contextlib.nullcontext):
  """A scope that changes nothing."""


def safe_arg_scope(
  funcs: Iterable[Callable], **kwargs: Any
) -> contextlib.AbstractContextManager:
  """Return `slim.arg_scope` of the arguments that are not None."""
  kwargs = {name: value for name, value in kwargs.items() if value is not None}
  return slim.arg_scope(funcs, **kwargs) if kwargs else NoOpScope()


@slim.add_arg_scope
def apply_activation(
  x: tf.Tensor, name: str | None = None, activation_fn: Callable | None = None
) -> tf.Tensor:
  """Return activation_fn(x, name=name), or x if there is no activation."""
  return activation_fn(x, name=name) if activation_fn else x


@contextlib.contextmanager
def _base_scope(scope, is_training, conv_defs, use_explicit_padding):
  """Open the variable and name scope of the layers, and all arg scopes."""
  with contextlib.ExitStack() as stack:
    var_scope = stack.enter_context(
      tf.variable_scope(scope, default_name='Mobilenet')
    )
    stack.enter_context(tf.name_scope(var_scope.original_name_scope))
    stack.enter_context(
      safe_arg_scope([slim.batch_norm], is_training=is_training)
    )
    for level in ('defaults', 'overrides'):
      for funcs, kwargs in conv_defs.get(level, {}).items():
        stack.enter_context(slim.arg_scope(funcs, **kwargs))
    if use_explicit_padding:
      stack.enter_context(
        slim.arg_scope([slim.conv2d, slim.separable_conv2d], padding='VALID')
      )
    yield


def _check_base(conv_defs, multiplier, output_stride, final_endpoint):
  if multiplier <= 0:
    raise ValueError(f'The multiplier must be above zero, not {multiplier}.')
  if output_stride is not None and (
    output_stride < 1 or (output_stride > 1 and output_stride % 2)
  ):
    raise ValueError(
      f'The output stride must be None, 1 or even, not {output_stride}.'
    )
  names = [f'layer_{i + 1}' for i in range(len(conv_defs['spec']))]
  if final_endpoint not in (None, *names):
    raise errors.unknown_name('end point', final_endpoint, names)


@slim.add_arg_scope
def mobilenet_base(
  inputs: tf.Tensor,
  conv_defs: dict[str, Any],
  multiplier: float = 1.0,
  final_endpoint: str | None = None,
  output_stride: int | None = None,
  use_explicit_padding: bool = False,
  scope: str | None = None,
  is_training: bool | tf.Tensor = False,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the layers of a table.

  Args:
    inputs: [batch, height, width, channels] images in [-1, 1].
    conv_defs: the table, see `nets.mobilenet.table`.
    multiplier: what the layers' widths are multiplied by, above 0.
    final_endpoint: last layer to build, 'layer_N' with N from 1; None means
      all.
    output_stride: how many times smaller the result is than the images at most:
      1 or an even number; None means whatever the strides make.
    use_explicit_padding: pads with zeros and convolves 'VALID', so that padding
      does not depend on the size of the images.
    scope: scope of the layers; None makes one.
    is_training: whether batch norm is to use, and update, moments of the batch;
      None leaves that to the arg scope.

  Returns:
    The last layer's output, and a dict of all: 'layer_N', and
    'layer_N/expansion_output', 'layer_N/depthwise_output' and 'layer_N/output'
    where the layer has them.

  Raises:
    ValueError: for a multiplier, output stride or end point there is not.
  """
  _check_base(conv_defs, multiplier, output_stride, final_endpoint)
  end_points, layers = {}, {}
  first = len(tf.get_default_graph().get_operations())
  strides = [opdef.params.get('stride', 1) for opdef in conv_defs['spec']]
  steps = zip(
    conv_defs['spec'], strides_and_rates(strides, output_stride), strict=True
  )
  net = inputs
  with _base_scope(scope, is_training, conv_defs, use_explicit_padding):
    for i, (opdef, (stride, rate)) in enumerate(steps):
      params = dict(opdef.params)
      opdef.multiplier_func(params, multiplier)
      params['stride'] = stride
      if rate > 1 and kernel_size(params) != (1, 1):
        params['rate'] = rate
      if use_explicit_padding:
        net = pad_for(net, opdef, params)
      name = f'layer_{i + 1}'
      net = end_points[name] = opdef.op(net, **params)
      layers[posixpath.dirname(net.op.name)] = name
      if name == final_endpoint:
        break
  end_points.update(inner_outputs(layers, first))
  return net, end_points


def global_pool(
  input_tensor: tf.Tensor,
  use_reduce_mean_for_pooling: bool = False,
  pool_op: Callable = tf.nn.avg_pool2d,
) -> tf.Tensor:
  """Return the mean over height and width, [batch, 1, 1, channels].

  Args:
    input_tensor: [batch, height, width, channels].
    use_reduce_mean_for_pooling: takes the mean itself rather than an average
      pooling of that size, which more accelerators know. So does a map whose
      size is known only when it runs.
    pool_op: the pooling.
  """
  height, width = input_tensor.shape.as_list()[1:3]
  if use_reduce_mean_for_pooling or None in (height, width):
    return tf.reduce_mean(
      input_tensor, [1, 2], keepdims=True, name='ReduceMean'
    )
  return pool_op(
    input_tensor,
    ksize=[1, height, width, 1],
    strides=[1, 1, 1, 1],
    padding='VALID',
  )


def _logits(net, num_classes, is_training):
  """Classify features, [batch, 1, 1, channels]."""
  net = slim.dropout(net, scope='Dropout', is_training=is_training)
  logits = slim.conv2d(
    net,
    num_classes,
    [1, 1],
    activation_fn=None,
    normalizer_fn=None,
    biases_initializer=tf.zeros_initializer(),
    scope='Conv2d_1c_1x1',
  )
  return tf.identity(tf.squeeze(logits, [1, 2]), name='output')


@slim.add_arg_scope
def mobilenet(
  inputs: tf.Tensor,
  num_classes: int | None = 1001,
  prediction_fn: Callable = slim.softmax,
  reuse: bool | None = None,
  scope: str = 'Mobilenet',
  base_only: bool = False,
  use_reduce_mean_for_pooling: bool = False,
  **mobilenet_args: Any,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build the layers of a table and the classifier above them.

  Args:
    inputs: [batch, height, width, channels] images in [-1, 1].
    num_classes: number of classes; None or 0 leaves out the classifier.
    prediction_fn: makes predictions of logits; None leaves them out.
    reuse: whether variables are reused; None takes that from the scope around.
    scope: scope of the network.
    base_only: leaves out all that is above the layers.
    use_reduce_mean_for_pooling: see `global_pool`.
    **mobilenet_args: go to `mobilenet_base`.

  Returns:
    Logits, [batch, num_classes], and the end points: those of
    `mobilenet_base`, 'global_pool', 'Logits' and 'Predictions'. Without a
    classifier the features, [batch, 1, 1, channels], take the logits' place;
    with base_only, the last layer.

  Raises:
    ValueError: for images that do not have four axes.
  """
  if inputs.shape.rank != 4:
    raise ValueError(
      'Images must be [batch, height, width, channels], not of rank '
      f'{inputs.shape.rank}.'
    )
  with tf.variable_scope(scope, 'Mobilenet', reuse=reuse) as var_scope:
    inputs = tf.identity(inputs, 'input')
    net, end_points = mobilenet_base(inputs, scope=var_scope, **mobilenet_args)
    if base_only:
      return net, end_points
    net = tf.identity(net, name='embedding')
    with tf.variable_scope('Logits'):
      net = global_pool(net, use_reduce_mean_for_pooling)
      end_points['global_pool'] = net
      if not num_classes:
        return net, end_points
      is_training = mobilenet_args.get('is_training') or False
      logits = _logits(net, num_classes, is_training)
    end_points['Logits'] = logits
    if prediction_fn:
      end_points['Predictions'] = prediction_fn(logits, 'Predictions')
  return logits, end_points


def training_scope(
  is_training: bool | None = True,
  weight_decay: float = 0.00004,
  stddev: float = 0.09,
  dropout_keep_prob: float = 0.8,
  bn_decay: float = 0.997,
) -> dict:
  """Return the arg scope to build a MobileNet in, for training or not.

  Args:
    is_training: whether dropout is active and batch norm uses, and updates,
      moments of the batch; None leaves that to the network's own argument.
    weight_decay: weight of the L2 losses, of which depthwise kernels have none.
    stddev: of the normal distribution, cut at two of it, that convolutions are
      initialised from; below 0 means Xavier's distribution.
    dropout_keep_prob: share of features that dropout keeps.
    bn_decay: decay of the moving averages of batch norm.
  """
  if stddev < 0:
    weights_initializer = slim.xavier_initializer()
  else:
    weights_initializer = tf.truncated_normal_initializer(stddev=stddev)
  layers = [slim.conv2d, slim.fully_connected, slim.separable_conv2d]
  regularizer = slim.l2_regularizer(weight_decay)
  with (
    slim.arg_scope(
      layers,
      weights_initializer=weights_initializer,
      normalizer_fn=slim.batch_norm,
    ),
    slim.arg_scope([mobilenet_base, mobilenet], is_training=is_training),
    safe_arg_scope([slim.batch_norm], decay=bn_decay, is_training=is_training),
    safe_arg_scope(
      [slim.dropout], is_training=is_training, keep_prob=dropout_keep_prob
    ),
    slim.arg_scope([slim.conv2d], weights_regularizer=regularizer),
    slim.arg_scope([slim.separable_conv2d], weights_regularizer=None),
    slim.arg_scope([slim.conv2d, slim.separable_conv2d], padding='SAME') as sc,
  ):
    return sc
