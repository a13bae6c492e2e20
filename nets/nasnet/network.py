"""What NASNet-A and PNASNet-5 share around their cells.

Hyperparameters, arg scope, stems, auxiliary head, classifier, and the loop that
gathers the end points. Images are [batch, height, width, 3] in [-1, 1].
"""

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import tensorflow.compat.v1 as tf

from nets.nasnet import operations
from slim_support import errors
from tf_slim_compat import slim


@dataclasses.dataclass(slots=True)
class NasNetConfig:
  """Hyperparameters of a network; set an attribute to change one.

  Attributes:
    num_cells: number of cells between the stem and the classifier, reduction
      cells of NASNet-A not counted.
    num_conv_filters: channels of a cell's states before the first reduction.
    stem_multiplier: what the width of the stem's convolution is multiplied by.
    drop_path_keep_prob: chance that a path is kept in the last cell at the end
      of training; 1 keeps all.
    dense_dropout_keep_prob: share of the features kept before the classifier.
    total_training_steps: steps after which `drop_path_keep_prob` is reached.
    skip_reduction_layer_input: whether the cell after a reduction cell looks
      past it and the cell before it.
    use_aux_head: whether training adds a second classifier.
    filter_scaling_rate: what widths are multiplied by at each reduction.
    num_reduction_layers: number of reductions between the cells.
    data_format: 'NHWC' or 'NCHW', how the network computes. Images are NHWC
      either way.
    use_bounded_activation: bounds all activations at 6, for quantisation.
  """

  num_cells: int
  num_conv_filters: int
  stem_multiplier: float
  drop_path_keep_prob: float
  dense_dropout_keep_prob: float
  total_training_steps: int
  skip_reduction_layer_input: int
  use_aux_head: int = 1
  filter_scaling_rate: float = 2.0
  num_reduction_layers: int = 2
  data_format: str = operations.DATA_FORMAT_NHWC
  use_bounded_activation: bool = False

  def set_hparam(self, name: str, value: Any) -> None:
    """Set the hyperparameter of that name."""
    setattr(self, name, value)

  @property
  def activation_fn(self) -> Callable:
    """The activation outside of cells."""
    return tf.nn.relu6 if self.use_bounded_activation else tf.nn.relu

  def for_mode(self, is_training: bool) -> 'NasNetConfig':
    """Return a copy that drops paths in training only."""
    config = copy.copy(self)
    if not is_training:
      config.drop_path_keep_prob = 1.0
    return config


def arg_scope(
  weight_decay: float, batch_norm_decay: float, batch_norm_epsilon: float
) -> dict:
  """Return the arg scope to build a network in.

  Args:
    weight_decay: weight of the L2 losses.
    batch_norm_decay: decay of the moving averages of batch norm.
    batch_norm_epsilon: what batch norm adds to variances.
  """
  layers = [slim.conv2d, slim.separable_conv2d]
  with (
    slim.arg_scope(
      [slim.fully_connected, *layers],
      weights_regularizer=slim.l2_regularizer(weight_decay),
      weights_initializer=slim.variance_scaling_initializer(mode='FAN_OUT'),
      activation_fn=None,
    ),
    slim.arg_scope([slim.fully_connected], scope='FC'),
    slim.arg_scope(layers, biases_initializer=None),
    slim.arg_scope(
      [slim.batch_norm],
      decay=batch_norm_decay,
      epsilon=batch_norm_epsilon,
      scale=True,
      fused=True,
    ) as sc,
  ):
    return sc


@contextlib.contextmanager
def layer_scope(
  data_format: str, is_training: bool | tf.Tensor
) -> Iterator[None]:
  """Open the arg scopes that say how layers compute."""
  with (
    slim.arg_scope(
      [slim.dropout, slim.batch_norm, operations.drop_path],
      is_training=is_training,
    ),
    slim.arg_scope(
      [
        slim.avg_pool2d,
        slim.max_pool2d,
        slim.conv2d,
        slim.batch_norm,
        slim.separable_conv2d,
        operations.factorized_reduction,
        operations.global_avg_pool,
        operations.get_channel_index,
        operations.get_channel_dim,
      ],
      data_format=data_format,
    ),
  ):
    yield


class Stack:
  """Cells one on the other, each fed with the outputs of the two before it.

  `outputs` are theirs in order, after None and the convolution below them.
  `reductions` says which cells have half the size of the one before, by their
  number above the stem.
  """

  def __init__(self, net, config, **cell_args):
    self.outputs = [None, net]
    self.reductions = operations.calc_reduction_layers(
      config.num_cells, config.num_reduction_layers
    )
    self._config = config
    self._cell_args = cell_args

  def add(
    self, cell: Callable, scope: str | None, reductions: int, **kwargs: Any
  ) -> tf.Tensor:
    """Build a cell on top.

    Args:
      cell: builds it.
      scope: its scope.
      reductions: how many reductions there have been up to this cell, those of
        the stem not counted, by which it becomes wider.
      **kwargs: further arguments of the cell, such as `stride`.

    Returns:
      Its output.
    """
    net = cell(
      self.outputs[-1],
      scope=scope,
      filter_scaling=self._config.filter_scaling_rate**reductions,
      cell_num=len(self.outputs) - 2,
      **{'prev_layer': self.outputs[-2], **self._cell_args, **kwargs},
    )
    self.outputs.append(net)
    return net


def cifar_stem(
  images: tf.Tensor, config: NasNetConfig, **cell_args: Any
) -> Stack:
  """Return the stack for small images: a convolution."""
  filters = int(config.num_conv_filters * config.stem_multiplier)
  net = slim.conv2d(images, filters, 3, scope='l1_stem_3x3')
  return Stack(slim.batch_norm(net, scope='l1_stem_bn'), config, **cell_args)


def imagenet_stem(
  images: tf.Tensor, config: NasNetConfig, cell: Callable, **cell_args: Any
) -> Stack:
  """Return the stack for large images: a convolution and two cells.

  Args:
    images: the images, in the network's data format.
    config: the hyperparameters.
    cell: the cell that is to halve the size, built twice.
    **cell_args: further arguments of all cells.
  """
  filters = int(32 * config.stem_multiplier)
  net = slim.conv2d(
    images, filters, 3, stride=2, scope='conv0', padding='VALID'
  )
  stack = Stack(slim.batch_norm(net, scope='conv0_bn'), config, **cell_args)
  for i in range(2):
    stack.add(cell, f'cell_stem_{i}', i - 2, stride=2)
  return stack


def has_aux_head(
  stack: Stack,
  cell: int,
  num_classes: int | None,
  is_training: bool | tf.Tensor,
  config: NasNetConfig,
) -> bool:
  """Return whether a second classifier stands on the cell of that number.

  It stands on the last cell before the second reduction.
  """
  wanted = config.use_aux_head and num_classes and is_training
  return bool(wanted) and stack.reductions[1:2] == [cell + 1]


def aux_head(
  net: tf.Tensor, num_classes: int, config: NasNetConfig, scope: str
) -> tf.Tensor:
  """Return the logits of a second classifier on a cell's output."""
  with tf.variable_scope(scope):
    net = tf.identity(config.activation_fn(net))
    with tf.variable_scope('aux_logits'):
      net = slim.avg_pool2d(net, 5, stride=3, padding='VALID')
      net = operations.projection(net, 128, ('proj', 'aux_bn0'))
      net = config.activation_fn(net)
      axes = slice(1, 3) if operations.get_channel_index() == 3 else slice(2, 4)
      size = net.shape.as_list()[axes]
      net = slim.conv2d(net, 768, size, padding='VALID')
      net = slim.batch_norm(net, scope='aux_bn1')
      net = slim.flatten(config.activation_fn(net))
      return slim.fully_connected(net, num_classes)


def classifier(
  net: tf.Tensor, num_classes: int | None, config: NasNetConfig
) -> Iterator[tuple[str, tf.Tensor]]:
  """Yield 'global_pool' and, if there are classes, 'Logits' and 'Predictions'.

  Each comes with its tensor: [batch, channels], [batch, num_classes] twice.
  """
  found = {}
  with tf.variable_scope('final_layer'):
    net = operations.global_avg_pool(config.activation_fn(net))
    found['global_pool'] = net
    if num_classes:
      net = slim.dropout(net, config.dense_dropout_keep_prob, scope='dropout')
      net = slim.fully_connected(net, num_classes)
      found['Logits'] = net
      found['Predictions'] = tf.nn.softmax(net, name='predictions')
  yield from found.items()


def gather(
  stages: Iterable[tuple[str, tf.Tensor]], final_endpoint: str | None
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build a network stage by stage, as far as it is wanted."""
  end_points = {}
  with contextlib.closing(iter(stages)) as stages:
    for name, net in stages:
      end_points[name] = net
      if name == final_endpoint:
        return net, end_points
  if final_endpoint is not None:
    raise errors.unknown_name('end point', final_endpoint, end_points)
  return end_points.get('Logits', net), end_points


def build(
  stages: Callable[..., Iterable[tuple[str, tf.Tensor]]],
  images: tf.Tensor,
  num_classes: int | None,
  is_training: bool,
  config: NasNetConfig,
  *,
  final_endpoint: str | None = None,
  **stage_args: Any,
) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
  """Build a network.

  Args:
    stages: yields each end point with its tensor when called with the images in
      the network's data format, num_classes, is_training, config and
      **stage_args.
    images: [batch, height, width, 3] in [-1, 1].
    num_classes: number of classes; None or 0 leaves out the classifier.
    is_training: whether the network is built for training.
    config: the hyperparameters.
    final_endpoint: the end point to stop at; None means to build all.
    **stage_args: go to `stages`.

  Returns:
    The last tensor, or the logits if all was built and there are some; and the
    dict of end points.

  Raises:
    UserError: if there is no such end point.
  """
  config = config.for_mode(is_training)
  if final_endpoint == 'global_pool':
    num_classes = None  # what comes after it is built with it
  if config.data_format == operations.DATA_FORMAT_NCHW:
    images = tf.transpose(images, [0, 3, 1, 2])
  with layer_scope(config.data_format, is_training):
    return gather(
      stages(images, num_classes, is_training, config, **stage_args),
      final_endpoint,
    )
