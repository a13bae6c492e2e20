"""Deploy one model function on clones, replicas and parameter servers.

A clone is a copy of the network on one device of a machine; clones share their
variables and each takes its part of the batch. A replica is a worker process
with its clones; replicas share the variables of the parameter servers (ps).

    config = model_deploy.DeploymentConfig(num_clones=2)
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
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow.compat.v1 as tf

from tf_slim_compat import slim

Clone = collections.namedtuple('Clone', ['outputs', 'scope', 'device'])
Clone.__doc__ = 'What the model function returned, its name scope and device.'

DeployedModel = collections.namedtuple(
  'DeployedModel', ['train_op', 'summary_op', 'total_loss', 'clones']
)
DeployedModel.__doc__ = 'A model ready to train or, without train_op, to run.'


class DeploymentConfig:
  """The device of every part of a model.

  Args:
    num_clones: number of copies of the network on each machine.
    clone_on_cpu: whether the clones run on the CPU.
    replica_id: number of this worker.
    num_replicas: number of workers.
    num_ps_tasks: number of parameter servers; 0 keeps everything here.
    worker_job_name: the workers' job in the cluster.
    ps_job_name: the parameter servers' job in the cluster.
    exact_placement: whether to place ops as the training of this project does:
      on this worker's own task; clone i of the CPU on device CPU:i, for which
      a session needs as many CPU devices (`ConfigProto.device_count`); the
      variables of a single clone beside it. Otherwise devices name the job
      alone, all clones share CPU:0, and variables lie on CPU:0.

  Raises:
    ValueError: if a number is out of range, if several replicas have no
      parameter server to share their variables, or if a job has no name.
  """

  def __init__(
    self,
    num_clones: int = 1,
    clone_on_cpu: bool = False,
    replica_id: int = 0,
    num_replicas: int = 1,
    num_ps_tasks: int = 0,
    worker_job_name: str = 'worker',
    ps_job_name: str = 'ps',
    *,
    exact_placement: bool = False,
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
    if num_ps_tasks and not (worker_job_name and ps_job_name):
      raise ValueError(
        'worker_job_name and ps_job_name must name the jobs of the cluster'
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
    self._exact_placement = exact_placement
    task = f'/task:{replica_id}' if exact_placement else ''
    self._ps_device = f'/job:{ps_job_name}' if num_ps_tasks else ''
    self._worker_device = (
      f'/job:{worker_job_name}{task}' if num_ps_tasks else ''
    )

  @property
  def num_clones(self) -> int:
    """Number of copies of the network on each machine."""
    return self._num_clones

  @property
  def clone_on_cpu(self) -> bool:
    """Whether the clones run on the CPU."""
    return self._clone_on_cpu

  @property
  def replica_id(self) -> int:
    """Number of this worker."""
    return self._replica_id

  @property
  def num_replicas(self) -> int:
    """Number of workers."""
    return self._num_replicas

  @property
  def num_ps_tasks(self) -> int:
    """Number of parameter servers."""
    return self._num_ps_tasks

  @property
  def ps_device(self) -> str:
    """Device of the parameter servers, '' without any."""
    return self._ps_device

  @property
  def worker_device(self) -> str:
    """Device of the workers, '' without parameter servers."""
    return self._worker_device

  def caching_device(self) -> Callable[[tf.Operation], str] | None:
    """Return where reads of the parameter servers' variables are cached.

    Returns:
      A function from op to device, or None without parameter servers.
    """
    return (lambda op: op.device) if self._num_ps_tasks else None

  def clone_device(self, clone_index: int) -> str:
    """Return the device of a clone.

    Raises:
      ValueError: if there is no such clone.
    """
    self._check_index(clone_index)
    if not self._clone_on_cpu:
      return f'{self._worker_device}/device:GPU:{clone_index}'
    number = clone_index if self._exact_placement else 0
    return f'{self._worker_device}/device:CPU:{number}'

  def clone_scope(self, clone_index: int) -> str:
    """Return the name scope of a clone, '' if there is only one.

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

  def optimizer_device(self) -> str:
    """Return the device where gradients are averaged and applied."""
    return f'{self._worker_device}/device:CPU:0'

  def inputs_device(self) -> str:
    """Return the device of the input pipeline."""
    return f'{self._worker_device}/device:CPU:0'

  def variables_device(self) -> str | Callable[[tf.Operation], str]:
    """Return the device of the variables, or a function from op to device.

    With parameter servers the function assigns variables to them in turn and
    leaves other ops where they are.
    """
    if self._num_ps_tasks:
      chooser = _PSDeviceChooser(
        f'{self._ps_device}/task:{{}}/device:CPU:0', self._num_ps_tasks
      )
      return chooser.choose
    if self._exact_placement and self._num_clones == 1:
      return self.clone_device(0)
    return '/device:CPU:0'


class _PSDeviceChooser:
  """Assigns variables to parameter servers in turn.

  Args:
    device_format: the device of a parameter server, {} for its number.
    num_tasks: number of parameter servers.
  """

  _VARIABLES = ('Variable', 'VariableV2', 'VarHandleOp')

  def __init__(self, device_format, num_tasks):
    self._device_format = device_format
    self._num_tasks = num_tasks
    self._next = 0

  def choose(self, op: tf.Operation | tf.NodeDef) -> str:
    """Return the device of an op; one that has a device keeps it."""
    kind = op.op if isinstance(op, tf.NodeDef) else op.type
    if op.device or kind not in self._VARIABLES:
      return op.device
    task = self._next
    self._next = (task + 1) % self._num_tasks
    return self._device_format.format(task)


def create_clones(
  config: DeploymentConfig,
  model_fn: Callable[..., Any],
  args: Sequence[Any] | None = None,
  kwargs: dict[str, Any] | None = None,
) -> list[Clone]:
  """Build the model once for every clone.

  The variables are made by the first clone and shared by the others; what is
  put into a collection can be told apart by the clone's name scope.

  Args:
    config: the devices.
    model_fn: called as model_fn(*args, **kwargs) for every clone.
    args: positional arguments.
    kwargs: keyword arguments.
  """
  clones = []
  place = config.variables_device()
  # A plain tf.get_variable has to find its parameter server too.
  plain = place if config.num_ps_tasks else lambda op: op.device
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


def _gather_clone_loss(clone, num_clones, regularization_losses):
  """Return the clone's share of the loss, a scalar, or None if it has none.

  The losses of a clone count 1 / num_clones. The regularization is the same
  for all clones, so that one of them adds it whole.
  """
  clone_loss = regularization = None
  with tf.device(clone.device):
    losses = tf.get_collection(tf.GraphKeys.LOSSES, clone.scope)
    if losses:
      clone_loss = tf.add_n(losses, name='clone_loss')
      if num_clones > 1:
        clone_loss = tf.div(
          clone_loss, float(num_clones), name='scaled_clone_loss'
        )
    if regularization_losses:
      regularization = tf.add_n(
        regularization_losses, name='regularization_loss'
      )
    shares = [loss for loss in (clone_loss, regularization) if loss is not None]
    total = tf.add_n(shares) if shares else None
  # Summaries have no kernels for GPUs.
  if clone_loss is not None:
    tf.summary.scalar('Losses/clone_loss', clone_loss)
  if regularization is not None:
    tf.summary.scalar('Losses/regularization_loss', regularization)
  return total


def _gather_clone_losses(clones, regularization_losses):
  """Return the share of each clone; the first one adds the regularization."""
  shares = []
  for index, clone in enumerate(clones):
    with tf.name_scope(clone.scope):
      shares.append(
        _gather_clone_loss(
          clone, len(clones), None if index else regularization_losses
        )
      )
  return shares


def _optimize_clone(
  optimizer, clone, num_clones, regularization_losses, **kwargs
):
  """Return the clone's share of the loss and its [(gradient, variable)].

  Both are None if the clone has no loss. Further arguments go to
  `optimizer.compute_gradients`.
  """
  loss = _gather_clone_loss(clone, num_clones, regularization_losses)
  if loss is None:
    return None, None
  with tf.device(clone.device):
    return loss, optimizer.compute_gradients(loss, **kwargs)


def optimize_clones(
  clones: Sequence[Clone],
  optimizer: tf.train.Optimizer,
  regularization_losses: Sequence[tf.Tensor] | None = None,
  **kwargs: Any,
) -> tuple[tf.Tensor, list[tuple[tf.Tensor, tf.Variable]]]:
  """Compute the loss of all clones and its gradients.

  Args:
    clones: the clones.
    optimizer: computes the gradients.
    regularization_losses: scalars; by default the collection
      REGULARIZATION_LOSSES.
    **kwargs: passed to `optimizer.compute_gradients`, for instance var_list.

  Returns:
    total_loss: the clones' losses averaged plus the regularization, a scalar
      named `total_loss`.
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
      loss, clone_gradients = _optimize_clone(
        optimizer, clone, len(clones), regularization_losses, **kwargs
      )
    if loss is not None:
      losses.append(loss)
      gradients.append(clone_gradients)
    regularization_losses = None
  if not losses:
    raise ValueError('No clone has a loss: nothing to optimize')
  total_loss = tf.add_n(losses, name='total_loss')
  return total_loss, _sum_clones_gradients(gradients)


def _sum_clones_gradients(clone_grads):
  """Return each variable's gradients of all clones added up.

  Variables without any gradient are left out.

  Args:
    clone_grads: a list of [(gradient or None, variable)] for each clone, with
      the variables in the same order.
  """
  summed = []
  for per_clone in zip(*clone_grads, strict=True):
    variable = per_clone[0][1]
    gradients = [gradient for gradient, _ in per_clone if gradient is not None]
    if len(gradients) > 1:
      gradients = [tf.add_n(gradients, name=f'{variable.op.name}/sum_grads')]
    summed += [(gradient, variable) for gradient in gradients]
  return summed


def _add_gradients_summaries(grads_and_vars):
  """Return histograms of the gradients and of their norms."""
  summaries = []
  for gradient, variable in grads_and_vars:
    if gradient is None:
      tf.logging.info('Variable %s has no gradient.', variable.op.name)
      continue
    values = getattr(gradient, 'values', gradient)  # of IndexedSlices
    name = f'{variable.op.name}/gradient'
    summaries += [
      tf.summary.histogram(name, values),
      tf.summary.histogram(f'{name}_norm', tf.global_norm([values])),
    ]
  return summaries


def deploy(
  config: DeploymentConfig,
  model_fn: Callable[..., Any],
  args: Sequence[Any] | None = None,
  kwargs: dict[str, Any] | None = None,
  optimizer: tf.train.Optimizer | None = None,
  summarize_gradients: bool = False,
) -> DeployedModel:
  """Build the clones and, with an optimizer, everything to train them.

  The train_op applies the gradients and runs batch norm's updates, those of
  the first clone, and returns the total loss.

  Args:
    config: the devices.
    model_fn: called as model_fn(*args, **kwargs) for every clone; adds its
      losses to the collection LOSSES.
    args: positional arguments.
    kwargs: keyword arguments.
    optimizer: trains the model; None builds it only.
    summarize_gradients: whether to write the gradients to TensorBoard.

  Returns:
    The model. Without optimizer its train_op is None, and its total_loss too
    where the model has none.
  """
  summaries = set(tf.get_collection(tf.GraphKeys.SUMMARIES))
  clones = create_clones(config, model_fn, args, kwargs)
  scope = clones[0].scope
  updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS, scope)
  train_op = total_loss = None
  with tf.device(config.optimizer_device()):
    if optimizer:
      with tf.device(config.variables_device()):
        global_step = tf.train.get_or_create_global_step()
      total_loss, gradients = optimize_clones(clones, optimizer)
      if summarize_gradients:
        summaries |= {*_add_gradients_summaries(gradients)}
      applied = optimizer.apply_gradients(gradients, global_step=global_step)
      with tf.control_dependencies([tf.group(*updates, applied)]):
        train_op = tf.identity(total_loss, name='train_op')
    else:
      regularization = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
      losses = _gather_clone_losses(clones, regularization)
      losses = [loss for loss in losses if loss is not None]
      total_loss = tf.add_n(losses, name='total_loss') if losses else None
    summaries |= {*tf.get_collection(tf.GraphKeys.SUMMARIES, scope)}
    if total_loss is not None:
      summaries.add(tf.summary.scalar('total_loss', total_loss))
    summary_op = None
    if summaries:
      summary_op = tf.summary.merge([*summaries], name='summary_op')
  return DeployedModel(train_op, summary_op, total_loss, clones)
