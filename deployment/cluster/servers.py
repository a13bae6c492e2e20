"""The in-process TensorFlow server, and the life of a parameter server."""

import time

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.cluster import peers, status_table
from slim_support import errors, signals

_POLL_SECS = 0.5
# How long a parameter server stays once training is over, or once a signal
# came, for workers that have not said that they left.
_GRACE_SECS = 20
_CHIEF_EVERY_SECS = 5


def start(cluster, server_config) -> tf.train.Server:
  """Starts this process's server.

  Args:
    cluster: the Cluster.
    server_config: the tf.ConfigProto that makes its devices.

  Raises:
    UserError: if its port is taken.
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
      f'{cluster.job} {cluster.task}: is it taken? '
      f'({errors.error_summary(error)})'
    ) from error


def serve(cluster, timeout_secs: float) -> int:
  """Holds variables for the workers until training is over.

  Ends when the chief has said that training is over and every worker has
  left. A signal ends it too, once the chief has left, so that the chief can
  save before. Workers that died, and a chief that stays away, are waited for
  a limited time only.

  Args:
    cluster: the Cluster; its job is 'ps'.
    timeout_secs: how long the chief may be away.

  Returns:
    The exit status: 0, or 128 + the signal that came.

  Raises:
    UserError: if the chief failed or stayed away.
  """
  with signals.Stopper('ending when the chief has left') as stopper:
    no_gpu = tf.ConfigProto(device_count={'GPU': 0})
    server = start(cluster, no_gpu)
    logging.info('Parameter server %d is up.', cluster.task)
    with tf.Graph().as_default():
      notes = _Notes(cluster, server.target)
      _serve(_Watched(cluster, timeout_secs), notes, stopper)
  if stopper.signal is None and notes.over == status_table.FAILED:
    raise errors.UserError('The chief failed: its own log says why.')
  logging.info('Parameter server %d ends.', cluster.task)
  return stopper.status


def _serve(watched, notes, stopper):
  """Returns when there is nothing left to hold variables for."""
  grace_start = None
  while True:
    notes.read()
    watched.check_chief(notes)
    if notes.over or stopper.signal is not None:
      grace_start = grace_start or time.monotonic()
      waiting = watched.still_here(notes, stopper.signal is not None)
      if not waiting or time.monotonic() - grace_start > _GRACE_SECS:
        return
    time.sleep(_POLL_SECS)


class _Notes:
  """What the workers have left on this parameter server's board."""

  def __init__(self, cluster, target):
    own = status_table.StatusTable(cluster.task)
    self._reads = [own.read(status_table.OVER)] + [
      own.read(status_table.worker(number))
      for number in range(len(cluster.workers))
    ]
    self._session = tf.Session(
      target,
      config=tf.ConfigProto(device_filters=[f'/job:ps/task:{cluster.task}']),
    )
    self.over = 0
    self.workers = []

  def read(self):
    """Reads the board anew."""
    self.over, *self.workers = self._session.run(self._reads)


class _Watched:
  """The workers, seen from a parameter server."""

  def __init__(self, cluster, timeout_secs):
    _, self._workers = peers.members(cluster)
    self._timeout_secs = timeout_secs
    self._chief_seen = self._chief_asked = time.monotonic()

  def check_chief(self, notes):
    """Raises UserError if the chief has been away for too long."""
    now = time.monotonic()
    if notes.over or now - self._chief_asked < _CHIEF_EVERY_SECS:
      return
    self._chief_asked = now
    problem = self._workers[0].problem()
    if not problem:
      self._chief_seen = now
    elif now - self._chief_seen > self._timeout_secs:
      raise errors.UserError(
        f'No sign of {self._workers[0]} for '
        f'--cluster_timeout_secs={self._timeout_secs:g} ({problem}).'
      )

  def still_here(self, notes, stopping):
    """Returns the workers to wait for before this process may end.

    Args:
      notes: the _Notes.
      stopping: whether a signal came: then only the chief matters, and only
        if it is there.
    """
    if stopping:
      chief = self._workers[0]
      left = notes.workers[0] == status_table.LEFT or chief.problem()
      return [] if left else [chief]
    return [
      peer
      for peer, note in zip(self._workers, notes.workers, strict=True)
      if note != status_table.LEFT
      and not (note == status_table.HERE and peer.problem())
    ]
