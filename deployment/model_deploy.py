"""Deploys one model function on clones, replicas and parameter servers.

A clone is a copy of the network on one device of a machine; clones share their
variables and each takes its part of the batch. A replica is a worker process
with its clones; replicas share the variables of the parameter servers (ps).

    config = model_deploy.DeploymentConfig(num_clones=2, clone_on_cpu=True)
    with tf.device(config.variables_device()):
      global_step = tf.train.create_global_step()
    with tf.device(config.inputs_device()):
      images, labels = ...
    clones = model_deploy.create_clones(config, model_fn, [images, labels])
    with tf.device(config.optimizer_device()):
      loss, gradients = model_deploy.optimize_clones(clones, optimizer)
      train_op = optimizer.apply_gradients(gradients, global_step)
"""

import collections

import tensorflow.compat.v1 as tf

from tf_slim_compat import slim

Clone = collections.namedtuple('Clone', ['outputs', 'scope', 'device'])
Clone.__doc__ = 'What the model function returned, its name scope and device.'

DeployedModel = collections.namedtuple(
  'DeployedModel', ['train_op', 'summary_op', 'total_loss', 'clones']
)
DeployedModel.__doc__ = 'A model ready to train or, without train_op, to run.'


class DeploymentConfig:
  """Says on which device everything goes.

  Args:
    num_clones: copies of the network on each machine.
    clone_on_cpu: whether the clones go to the CPU; clone i takes CPU i, so a
      session needs as many CPU devices (`ConfigProto.device_count`).
    replica_id: number of this worker.
    num_replicas: number of workers.
    num_ps_tasks: number of parameter servers; 0 keeps everything here.
    worker_job_name: the workers' job in the cluster.
    ps_job_name: the parameter servers' job in the cluster.

  Raises:
    ValueError: if a number is out of range, or if several replicas have no
      parameter server to share their variables.
  """

  def __init__(
    self,
    num_clones=1,
    clone_on_cpu=False,
    replica_id=0,
    num_replicas=1,
    num_ps_tasks=0,
    worker_job_name='worker',
    ps_job_name='ps',
  ):
    if num_clones < 1:
      raise ValueError(f'num_clones must be at least 1, not {num_clones}')
    if num_replicas < 1:
      raise ValueError(f'num_replicas must be at least 1, not {num_replicas}')
    if num_replicas > 1 and num_ps_tasks < 1:
      raise ValueError(
        f'{num_replicas} replicas share their variables on parameter servers: '
        'num_ps_tasks must be at least 1'
      )
    if not 0 <= replica_id < num_replicas:
      raise ValueError(
        f'replica_id must be in [0, {num_replicas - 1}], not {replica_id}'
      )
    self._num_clones = num_clones
    self._clone_on_cpu = clone_on_cpu
    self._replica_id = replica_id
    self._num_replicas = num_replicas
    self._num_ps_tasks = num_ps_tasks
    self._ps_device = f'/job:{ps_job_name}' if num_ps_tasks else ''
    self._worker_device = (
      f'/job:{worker_job_name}/task:{replica_id}' if num_ps_tasks else ''
    )

  @property
  def num_clones(self):
    """Copies of the network on each machine."""
    return self._num_clones

  @property
  def clone_on_cpu(self):
    """Whether the clones go to the CPU."""
    return self._clone_on_cpu

  @property
  def replica_id(self):
    """Number of this worker."""
    return self._replica_id

  @property
  def num_replicas(self):
    """Number of workers."""
    return self._num_replicas

  @property
  def num_ps_tasks(self):
    """Number of parameter servers."""
    return self._num_ps_tasks

  @property
  def ps_device(self):
    """Device of the parameter servers, '' without any."""
    return self._ps_device

  @property
  def worker_device(self):
    """Device of this worker, '' without parameter servers."""
    return self._worker_device

  def caching_device(self):
    """Returns where to cache variables of the ps for reading, or None."""
    return (lambda op: op.device) if self._num_ps_tasks else None

  def clone_device(self, clone_index):
    """Returns the device of a clone.

    Raises:
      ValueError: if there is no such clone.
    """
    self._check_index(clone_index)
    kind = 'CPU' if self._clone_on_cpu else 'GPU'
    return f'{self._worker_device}/device:{kind}:{clone_index}'

  def clone_scope(self, clone_index):
    """Returns the name scope of a clone, '' if there is only one.

    Raises:
      ValueError: if there is no such clone.
    """
    self._check_index(clone_index)
    return f'clone_{clone_index}' if self._num_clones > 1 else ''

  def _check_index(self, clone_index):
    if not 0 <= clone_index < self._num_clones:
      raise ValueError(
        f'clone_index must be in [0, {self._num_clones - 1}], not {clone_index}'
      )

  def optimizer_device(self):
    """Returns where the gradients are averaged and applied."""
    return f'{self._worker_device}/device:CPU:0'

  def inputs_device(self):
    """Returns where the input pipeline runs."""
    return f'{self._worker_device}/device:CPU:0'

  def variables_device(self):
    """Returns the device, or function from op to device, of the variables.

    With parameter servers the variables go round them in turn. Without, they
    lie on the CPU between several clones, and beside the clone if it is alone.
    """
    if self._num_ps_tasks:
      return _RoundRobin(
        f'{self._ps_device}/task:{{}}/device:CPU:0', self._num_ps_tasks
      )
    if self._num_clones > 1:
      return '/device:CPU:0'
    return self.clone_device(0)


class _RoundRobin:
  """Gives each variable the next task; other ops stay on the last one's."""

  _VARIABLES = ('Variable', 'VariableV2', 'VarHandleOp')

  def __init__(self, device_format, num_tasks):
    self._device_format = device_format
    self._num_tasks = num_tasks
    self._next = 0

  def __call__(self, op):
    if op.device:
      return op.device
    kind = op.type if isinstance(op, (tf.Operation, tf.NodeDef)) else op.op.type
    task = self._next
    if kind in self._VARIABLES:
      self._next = (task + 1) % self._num_tasks
    return self._device_format.format(task)

  def only_variables(self, op):
    """Gives variables their device and leaves other ops where they are."""
    return self(op) if op.type in self._VARIABLES else op.device


def create_clones(config, model_fn, args=None, kwargs=None):
  """Builds the model once for every clone.

  The variables are made by the first clone and shared by the others; what is
  put into a collection can be told apart by the clone's name scope.

  Args:
    config: a DeploymentConfig.
    model_fn: called as model_fn(*args, **kwargs) for every clone.
    args: positional arguments, optional.
    kwargs: keyword arguments, optional.

  Returns:
    A list of Clone.
  """
  clones = []
  place = config.variables_device()
  # A plain tf.get_variable has to find its parameter server too.
  plain = place.only_variables if config.num_ps_tasks else lambda op: op.device
  with slim.arg_scope([slim.model_variable, slim.variable], device=place):
    for index in range(config.num_clones):
      device = config.clone_device(index)
      with (
        tf.name_scope(config.clone_scope(index)) as scope,
        tf.device(device),
        tf.device(plain),
        tf.variable_scope(
          tf.get_variable_scope(), reuse=True if index else None
        ),
      ):
        outputs = model_fn(*(args or ()), **(kwargs or {}))
      clones.append(Clone(outputs, scope, device))
  return clones


def _clone_loss(clone, num_clones, regularization_losses):
  """Returns the clone's share of the loss, or None if it has none.

  The cross entropies of a clone count 1 / num_clones; the regularization, the
  same for all of them, is added once.
  """
  with tf.device(clone.device):
    losses = tf.get_collection(tf.GraphKeys.LOSSES, clone.scope)
    shares = []
    if losses:
      loss = tf.add_n(losses, name='clone_loss')
      if num_clones > 1:
        loss = tf.div(loss, float(num_clones), name='scaled_clone_loss')
      tf.summary.scalar('losses/clone_loss', loss)
      shares.append(loss)
    if regularization_losses:
      regularization = tf.add_n(
        regularization_losses, name='regularization_loss'
      )
      tf.summary.scalar('losses/regularization_loss', regularization)
      shares.append(regularization)
    return tf.add_n(shares) if shares else None


def optimize_clones(clones, optimizer, regularization_losses=None, **kwargs):
  """Computes the loss of all clones and its gradients.

  Args:
    clones: list of Clone.
    optimizer: a tf.train.Optimizer.
    regularization_losses: list of scalars; by default the collection
      REGULARIZATION_LOSSES.
    **kwargs: passed to `optimizer.compute_gradients`, for instance var_list.

  Returns:
    total_loss: the clones' losses averaged plus the regularization, a scalar.
    grads_and_vars: list of (gradient summed over the clones, variable).

  Raises:
    ValueError: if there is no loss at all.
  """
  if regularization_losses is None:
    regularization_losses = tf.get_collection(
      tf.GraphKeys.REGULARIZATION_LOSSES
    )
  losses, gradients = [], []
  for clone in clones:
    with tf.name_scope(clone.scope):
      loss = _clone_loss(clone, len(clones), regularization_losses)
      regularization_losses = None
      if loss is None:
        continue
      with tf.device(clone.device):
        gradients.append(optimizer.compute_gradients(loss, **kwargs))
      losses.append(loss)
  if not losses:
    raise ValueError('No clone has a loss: nothing to optimize')
  total_loss = tf.add_n(losses, name='all_losses')
  return total_loss, _sum_gradients(gradients)


def _sum_gradients(clone_gradients):
  """Adds up the gradients of each variable; those without any are left out."""
  summed = []
  for per_clone in zip(*clone_gradients, strict=True):
    variable = per_clone[0][1]
    gradients = [gradient for gradient, _ in per_clone if gradient is not None]
    if len(gradients) > 1:
      gradients = [tf.add_n(gradients, name=f'{variable.op.name}/sum_grads')]
    summed += [(gradient, variable) for gradient in gradients]
  return summed


def deploy(
  config,
  model_fn,
  args=None,
  kwargs=None,
  optimizer=None,
  summarize_gradients=False,
):
  """Builds the clones and, with an optimizer, everything to train them.

  Batch norm's updates are those of the first clone; they run before the
  optimizer's.

  Args:
    config: a DeploymentConfig.
    model_fn: called as model_fn(*args, **kwargs) for every clone; adds its
      losses to the collection LOSSES.
    args: positional arguments, optional.
    kwargs: keyword arguments, optional.
    optimizer: a tf.train.Optimizer, or None to build the model only.
    summarize_gradients: whether to write the gradients to TensorBoard.

  Returns:
    A DeployedModel. Without optimizer its train_op is None, and its total_loss
    too where the model has none.
  """
  clones = create_clones(config, model_fn, args, kwargs)
  first_scope = clones[0].scope
  train_op = None
  if optimizer:
    update_ops = tf.get_collection(tf.GraphKeys.UPDATE_OPS, first_scope)
    with tf.device(config.optimizer_device()):
      total_loss, gradients = optimize_clones(clones, optimizer)
      if summarize_gradients:
        for gradient, variable in gradients:
          tf.summary.histogram(f'{variable.op.name}/gradient', gradient)
      # The updates hang on the loss, not on the gradients: sync replicas
      # would make its initialisation wait for the input.
      with tf.control_dependencies(update_ops):
        total_loss = tf.identity(total_loss, name='train_loss')
      applied = optimizer.apply_gradients(
        gradients, global_step=tf.train.get_or_create_global_step()
      )
      with tf.control_dependencies([applied]):
        train_op = tf.identity(total_loss, name='train_op')
  else:
    total_loss = _loss_without_training(clones)
  if total_loss is not None:
    tf.summary.scalar('total_loss', total_loss)
  summaries = set(tf.get_collection(tf.GraphKeys.SUMMARIES))
  summary_op = tf.summary.merge(list(summaries)) if summaries else None
  return DeployedModel(train_op, summary_op, total_loss, clones)


def _loss_without_training(clones):
  """Returns the clones' losses averaged plus the regularization, or None."""
  regularization = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
  losses = []
  for clone in clones:
    with tf.name_scope(clone.scope):
      losses.append(_clone_loss(clone, len(clones), regularization))
      regularization = None
  losses = [loss for loss in losses if loss is not None]
  return tf.add_n(losses, name='all_losses') if losses else None
