"""The cells of NASNet-A.

    Barret Zoph, Vijay Vasudevan, Jonathon Shlens, Quoc V. Le: Learning
    Transferable Architectures for Scalable Image Recognition, 2017,
    arXiv:1707.07012

A cell takes the outputs of the two cells before it. Five times it combines two
of its states so far, each through an operation, and adds them; the states that
nothing used become channels of its output. Scopes are those in published
checkpoints.
"""

import functools

import tensorflow.compat.v1 as tf

from nets.nasnet.operations import (
  CLIP_BY_VALUE_CAP,
  DATA_FORMAT_NCHW,
  DATA_FORMAT_NHWC,
  INVALID,
  calc_reduction_layers,
  drop_path,
  factorized_reduction,
  get_channel_dim,
  get_channel_index,
  global_avg_pool,
  pool,
  projection,
  separable_conv,
)

__all__ = [
  'CLIP_BY_VALUE_CAP',
  'DATA_FORMAT_NCHW',
  'DATA_FORMAT_NHWC',
  'INVALID',
  'NasNetABaseCell',
  'NasNetANormalCell',
  'NasNetAReductionCell',
  'calc_reduction_layers',
  'drop_path',
  'factorized_reduction',
  'get_channel_dim',
  'get_channel_index',
  'global_avg_pool',
]


class NasNetABaseCell:
  """A cell, called with the outputs of the two cells before it.

  States 0 and 1 are these outputs, the last one's first; states 2 to 6 are the
  combinations in order.

  Attributes are the constructor's arguments:
    num_conv_filters: channels of a state where `filter_scaling` is 1.
    operations: two for each of five combinations: 'separable_5x5_2' for two
      separable convolutions of that kernel, 'avg_pool_3x3', 'max_pool_3x3' or
      'none'.
    used_hiddenstates: for each of seven states, whether it is left out of the
      cell's output.
    hiddenstate_indices: the states the operations take.
    drop_path_keep_prob: chance that an operation's output is kept in the last
      cell at the end of training; 1 keeps all.
    total_num_cells: number of cells in the network.
    total_training_steps: steps after which that chance is reached.
    use_bounded_activation: bounds all activations at 6, for quantisation.
  """

  def __init__(
    self,
    num_conv_filters,
    operations,
    used_hiddenstates,
    hiddenstate_indices,
    drop_path_keep_prob,
    total_num_cells,
    total_training_steps,
    use_bounded_activation=False,
  ):
    self._num_conv_filters = num_conv_filters
    self._operations = operations
    self._used_hiddenstates = used_hiddenstates
    self._hiddenstate_indices = hiddenstate_indices
    self._drop_path_keep_prob = drop_path_keep_prob
    self._total_num_cells = total_num_cells
    self._total_training_steps = total_training_steps
    self._use_bounded_activation = use_bounded_activation
    self._activation = tf.nn.relu6 if use_bounded_activation else tf.nn.relu

  def __call__(
    self,
    net,
    scope=None,
    filter_scaling=1,
    stride=1,
    prev_layer=None,
    cell_num=-1,
    current_step=None,
  ):
    """Build the cell.

    Args:
      net: output of the cell before.
      scope: the cell's scope.
      filter_scaling: what `num_conv_filters` is multiplied by.
      stride: stride of the operations on the two inputs.
      prev_layer: output of the cell before that; None means `net`.
      cell_num: the cell's place in the network from 0 on, by which the chance
        to drop a path grows.
      current_step: the training step, by which that grows too, a scalar; None
        means the global step, which is made if there is none.

    Returns:
      The cell's output.
    """
    filters = int(self._num_conv_filters * filter_scaling)
    keep_prob_fn = functools.cache(
      functools.partial(self._keep_prob, cell_num, current_step)
    )
    with tf.variable_scope(scope):
      states = self._inputs(net, prev_layer, filters)
      for i in range(len(self._operations) // 2):
        with tf.variable_scope(f'comb_iter_{i}'):
          states.append(
            self._combination(i, states, filters, stride, keep_prob_fn)
          )
      with tf.variable_scope('cell_output'):
        return self._unused(states)

  def _combination(self, i, states, filters, stride, keep_prob_fn):
    """Return the sum of two states, each after its operation."""
    sides = []
    for side, scope in enumerate(('left', 'right'), start=2 * i):
      state = self._hiddenstate_indices[side]
      with tf.variable_scope(scope):
        net = self._branch(
          states[state],
          self._operations[side],
          filters,
          stride if state < 2 else 1,
          keep_prob_fn,
        )
      sides.append(net)
    with tf.variable_scope('combine'):
      net = sides[0] + sides[1]
      return tf.nn.relu6(net) if self._use_bounded_activation else net

  def _inputs(self, net, prev_layer, filters):
    """Return states 0 and 1: both inputs, of one size and as far as need be.

    Where there is no cell before the last one, state 1 is `net` as it is.
    """
    if prev_layer is None:
      prev_layer = net
    elif int(prev_layer.shape[2]) != int(net.shape[2]):
      prev_layer = factorized_reduction(
        self._activation(prev_layer), filters, stride=2
      )
    elif get_channel_dim(prev_layer.shape) != filters:
      prev_layer = projection(
        self._activation(prev_layer), filters, ('prev_1x1', 'prev_bn')
      )
    net = projection(self._activation(net), filters, ('1x1', 'beginning_bn'))
    return [net, prev_layer]

  def _branch(self, net, operation, filters, stride, keep_prob_fn):
    """Apply one operation, and may drop its output in training.

    Args:
      net: the state.
      operation: its name.
      filters: channels of the result.
      stride: stride of the operation.
      keep_prob_fn: returns the chance to keep the output, where that is not 1.
    """
    input_filters = get_channel_dim(net.shape)
    if operation == 'none':
      return self._none(net, filters, stride)
    if operation.startswith('separable'):
      net = separable_conv(net, operation, filters, stride, self._activation)
    else:
      if self._use_bounded_activation:
        net = tf.nn.relu6(net)
      net = pool(net, operation, stride)
      if input_filters != filters:
        net = projection(net, filters, ('1x1', 'bn_1'))
    net = self._bound(net)
    if self._drop_path_keep_prob < 1.0:
      net = drop_path(net, keep_prob_fn())
    return net

  def _none(self, net, filters, stride):
    """Return a state as it is, or projected where the shape must change."""
    if self._use_bounded_activation:
      net = tf.nn.relu6(net)
    if stride == 1 and get_channel_dim(net.shape) == filters:
      return net
    if not self._use_bounded_activation:
      net = tf.nn.relu(net)
    return self._bound(projection(net, filters, ('1x1', 'bn_1'), stride))

  def _bound(self, net):
    if self._use_bounded_activation:
      net = tf.clip_by_value(net, -CLIP_BY_VALUE_CAP, CLIP_BY_VALUE_CAP)
    return net

  def _keep_prob(self, cell_num, current_step):
    """Return the chance to keep a path: less in later cells and steps.

    Raises:
      ValueError: if nobody said which cell this is.
    """
    if cell_num < 0:
      raise ValueError('Dropping paths needs the number of the cell.')
    if current_step is None:
      current_step = tf.train.get_or_create_global_step()
    depth = (cell_num + 1) / self._total_num_cells
    progress = tf.cast(current_step, tf.float32) / self._total_training_steps
    dropped = depth * (1 - self._drop_path_keep_prob)
    return 1 - tf.minimum(1.0, progress) * dropped

  def _unused(self, states):
    """Return the states that are not used as channels, all of one shape."""
    filters = get_channel_dim(states[-1].shape)
    size = int(states[-1].shape[2])
    outputs = []
    for i, (net, used) in enumerate(
      zip(states, self._used_hiddenstates, strict=True)
    ):
      if used:
        continue
      same_size = int(net.shape[2]) == size
      if not same_size or get_channel_dim(net.shape) != filters:
        with tf.variable_scope(f'reduction_{i}'):
          net = factorized_reduction(net, filters, 1 if same_size else 2)
      outputs.append(net)
    return tf.concat(outputs, get_channel_index())


class TableCell(NasNetABaseCell):
  """A cell whose combinations are a table of its class.

  `combinations` are five pairs of (operation, state it takes), `used` are the
  states that are left out of the output. See `NasNetABaseCell` for arguments.
  """

  combinations = ()
  used = ()

  def __init__(
    self,
    num_conv_filters,
    drop_path_keep_prob,
    total_num_cells,
    total_training_steps,
    use_bounded_activation=False,
  ):
    operations, states = zip(
      *(choice for pair in self.combinations for choice in pair), strict=True
    )
    super().__init__(
      num_conv_filters,
      operations,
      [i in self.used for i in range(2 + len(self.combinations))],
      states,
      drop_path_keep_prob,
      total_num_cells,
      total_training_steps,
      use_bounded_activation,
    )


class NasNetANormalCell(TableCell):
  """The cell that keeps the size. See `NasNetABaseCell` for arguments."""

  combinations = (
    (('separable_5x5_2', 0), ('separable_3x3_2', 1)),
    (('separable_5x5_2', 1), ('separable_3x3_2', 1)),
    (('avg_pool_3x3', 0), ('none', 1)),
    (('avg_pool_3x3', 1), ('avg_pool_3x3', 1)),
    (('separable_3x3_2', 0), ('none', 0)),
  )
  used = (0,)


class NasNetAReductionCell(TableCell):
  """The cell that halves the size. See `NasNetABaseCell` for arguments."""

  combinations = (
    (('separable_5x5_2', 0), ('separable_7x7_2', 1)),
    (('max_pool_3x3', 0), ('separable_7x7_2', 1)),
    (('avg_pool_3x3', 0), ('separable_5x5_2', 1)),
    (('none', 3), ('avg_pool_3x3', 2)),
    (('separable_3x3_2', 2), ('max_pool_3x3', 0)),
  )
  used = (0, 1, 2)
