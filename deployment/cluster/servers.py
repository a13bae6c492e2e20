"""The in-process TensorFlow server, and the main loop of a parameter server."""

import time

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.cluster import members, peers, status_table
from slim_support import errors, signals

_POLL_SECS = 0.5
# How long a parameter server waits, after the run has ended or a signal has
# arrived, for workers that have not announced their exit.
_GRACE_SECS = 20
_CHIEF_CHECK_SECS = 5


def start(
  cluster: members.Cluster, server_config: tf.ConfigProto
) -> tf.train.Server:
  """Start the server of this process.

  Args:
    cluster: the cluster.
    server_config: the options that create its devices.

  Raises:
    UserError: if its port is in use.
  """
  addresses = cluster.ps if cluster.job == 'ps' else cluster.workers
  spec = tf.train.ClusterSpec(
    {'ps': list(cluster.ps), 'worker': list(cluster.workers)}
  )
  try:
    return tf.train.Server(
      spec,
      job_name=cluster.job,
      task_index=cluster.task,
      config=server_config,
    )
  except tf.errors.OpError as error:
    address = addresses[cluster.task]
    raise errors.UserError(
      f'Cannot listen on port {address.rpartition(":")[2]} of this machine as '
      f'{cluster.job} {cluster.task}. Is the port in use? '
      f'({errors.error_summary(error)})'
    ) from error


def serve(cluster: members.Cluster, timeout_secs: float) -> int:
  """Hold variables for the workers until the run ends.

  Returns once the chief has published that the run has ended and every worker
  has left, or once a signal has arrived and the chief has left, so that it can
  save first. Workers that died and a chief that is unreachable are waited for
  a limited time only.

  Args:
    cluster: the cluster; its job is 'ps'.
    timeout_secs: how long the chief may be unreachable.

  Returns:
    The exit status: 0, or 128 + the signal that arrived.

  Raises:
    UserError: if the chief failed or was unreachable for too long.
  """
  with signals.Stopper('stopping when the chief has left') as stopper:
    no_gpu = tf.ConfigProto(device_count={'GPU': 0})
    server = start(cluster, no_gpu)
    logging.info('Parameter server %d is running.', cluster.task)
    with tf.Graph().as_default():
      status = _StatusReader(cluster, server.target)
      _serve(_WorkerMonitor(cluster, timeout_secs), status, stopper)
  if stopper.signal is None and status.run_status == status_table.FAILED:
    raise errors.UserError('The chief failed. See its log for the reason.')
  logging.info('Parameter server %d stops.', cluster.task)
  return stopper.status


def _serve(monitor, status, stopper):
  """Return when there is nothing left to hold variables for."""
  grace_start = None
  while True:
    status.read()
    monitor.check_chief(status)
    if status.run_status or stopper.signal is not None:
      grace_start = grace_start or time.monotonic()
      awaited = monitor.awaited(status, stopper.signal is not None)
      if not awaited or time.monotonic() - grace_start > _GRACE_SECS:
        return
    time.sleep(_POLL_SECS)


class _StatusReader:
  """The status of the run and the workers, as read from this server's table.

  Attributes:
    run_status: FINISHED or FAILED once the chief has ended for good, else 0.
    workers: PRESENT, LEFT or 0 for each worker.
  """

  def __init__(self, cluster, target):
    table = status_table.StatusTable(cluster.task)
    self._reads = [table.read(status_table.RUN_STATUS)] + [
      table.read(status_table.worker(number))
      for number in range(len(cluster.workers))
    ]
    self._session = tf.Session(
      target,
      config=tf.ConfigProto(device_filters=[f'/job:ps/task:{cluster.task}']),
    )
    self.run_status = 0
    self.workers = []

  def read(self):
    """Read the table again."""
    self.run_status, *self.workers = self._session.run(self._reads)


class _WorkerMonitor:
  """The health of the workers, as seen from a parameter server."""

  def __init__(self, cluster, timeout_secs):
    _, self._workers = peers.of_cluster(cluster)
    self._timeout_secs = timeout_secs
    self._chief_healthy = self._chief_checked = time.monotonic()

  def check_chief(self, status):
    """Raise UserError if the chief has been unreachable for too long."""
    now = time.monotonic()
    if status.run_status or now - self._chief_checked < _CHIEF_CHECK_SECS:
      return
    self._chief_checked = now
    problem = self._workers[0].problem()
    if not problem:
      self._chief_healthy = now
    elif now - self._chief_healthy > self._timeout_secs:
      raise errors.UserError(
        f'No response from {self._workers[0]} for '
        f'--cluster_timeout_secs={self._timeout_secs:g} ({problem}).'
      )

  def awaited(self, status, stopping):
    """Return the workers that this process must outlive.

    Args:
      status: the _StatusReader.
      stopping: whether a signal has arrived. Then only the chief matters, and
        only if it is healthy.
    """
    if stopping:
      chief = self._workers[0]
      has_left = status.workers[0] == status_table.LEFT or chief.problem()
      return [] if has_left else [chief]
    return [
      peer
      for peer, state in zip(self._workers, status.workers, strict=True)
      if state != status_table.LEFT
      and not (state == status_table.PRESENT and peer.problem())
    ]
