"""This training process: its server, its peers and its device filters."""

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.cluster import peers, servers, status_table


class Replica:
  """This process as one of those that train.

  Args:
    config: the TrainConfig, with the numbers of its cluster.
    cluster: the Cluster, or None for a process alone and for servers that
      were started elsewhere.
    stopper: the signals.Stopper.

  Attributes:
    is_chief: whether this process writes the train_dir.
    target: the server that its sessions run on, '' for none.
    shared: whether the variables are on parameter servers.
    ps: list of Peer, the parameter servers.
    workers: list of Peer, all workers; like ps, empty without a cluster.
    resumed: whether the chief found its model alive and went on with it.
  """

  def __init__(self, config, cluster, stopper):
    self.config = config
    self.stopper = stopper
    self.is_chief = config.task == 0
    self.target = config.master
    self.shared = config.num_ps_tasks > 0
    self.ps, self.workers = peers.members(cluster) if cluster else ([], [])
    self.resumed = False
    self._cluster = cluster
    self._began = False

  @property
  def timeout_secs(self) -> int:
    """How long to wait for another process."""
    return self.config.cluster_timeout_secs

  def start_server(self, server_config):
    """Starts the server of this process if it is in a cluster.

    Args:
      server_config: the tf.ConfigProto that makes its devices.
    """
    if self._cluster:
      self._server = servers.start(self._cluster, server_config)
      self.target = self._server.target

  def filtered(self, session_config):
    """Returns the options of a session that other workers do not disturb."""
    result = tf.ConfigProto()
    result.CopyFrom(session_config)
    if self.shared:
      result.device_filters.extend(['/job:ps', self._own_device])
    return result

  @property
  def _own_device(self):
    return f'/job:worker/task:{self.config.task}'

  def interrupted(self) -> bool:
    """Returns whether a signal has come."""
    return self.stopper.signal is not None

  def begin_session(self):
    """Says so if it is not the first; waits for the parameter servers."""
    if self._began:
      logging.warning('Lost a parameter server: beginning a new session.')
    self._began = True
    self.wait_for_ps()

  def wait_for_ps(self):
    """Waits until all parameter servers answer; see `peers.wait`."""
    peers.wait(self.ps, self.timeout_secs, self.interrupted)

  def boards(self) -> list:
    """Returns the Board of every parameter server, in the default graph."""
    return [
      status_table.StatusTable(task) for task in range(self.config.num_ps_tasks)
    ]

  def leave(self, over: int | None):
    """Tells the parameter servers that this replica has left.

    Args:
      over: FINISHED or FAILED if the chief has ended for good, else None.
    """
    notes = {status_table.worker(self.config.task): status_table.LEFT}
    if over and self.is_chief:
      notes[status_table.OVER] = over
    for task in range(self.config.num_ps_tasks):
      if not self.ps or not self.ps[task].problem():
        status_table.publish(self.target, task, [self._own_device], notes)
