"""This training process: its server, peers and device filters."""

from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.cluster import members, peers, servers, status_table
from slim_support import signals


class Replica:
  """A process that trains, alone or as a worker of a cluster.

  Args:
    config: the TrainConfig, with the numbers of its cluster.
    cluster: the cluster; None for a process alone and for servers that were
      started elsewhere.
    stopper: catches the signals.

  Attributes:
    config: the TrainConfig.
    is_chief: whether this process writes the train_dir.
    target: the server that its sessions run on, '' for none.
    shared: whether the variables are on parameter servers.
    ps: the parameter servers; empty without a cluster.
    workers: all workers; empty without a cluster.
    resumed: whether the chief resumed with the model on the parameter servers.
  """

  def __init__(
    self,
    config: Any,
    cluster: members.Cluster | None,
    stopper: signals.Stopper,
  ):
    self.config = config
    self.stopper = stopper
    self.is_chief = config.task == 0
    self.target = config.master
    self.shared = config.num_ps_tasks > 0
    self.ps, self.workers = peers.of_cluster(cluster) if cluster else ([], [])
    self.resumed = False
    self._cluster = cluster
    self._had_session = False

  @property
  def timeout_secs(self) -> int:
    """Seconds to wait for another process."""
    return self.config.cluster_timeout_secs

  def start_server(self, server_config: tf.ConfigProto) -> None:
    """Start the server of this process if it is in a cluster.

    Args:
      server_config: the options that create its devices.
    """
    if self._cluster:
      self._server = servers.start(self._cluster, server_config)
      self.target = self._server.target

  def with_device_filters(
    self, session_config: tf.ConfigProto
  ) -> tf.ConfigProto:
    """Return the options of a session that other workers cannot disturb."""
    result = tf.ConfigProto()
    result.CopyFrom(session_config)
    if self.shared:
      result.device_filters.extend(['/job:ps', self._own_device])
    return result

  @property
  def _own_device(self):
    return f'/job:worker/task:{self.config.task}'

  def interrupted(self) -> bool:
    """Return whether a signal has arrived."""
    return self.stopper.signal is not None

  def prepare_session(self) -> None:
    """Wait for the parameter servers; log if a session was lost before."""
    if self._had_session:
      logging.warning('Lost a parameter server: starting a new session.')
    self._had_session = True
    self.wait_for_ps()

  def wait_for_ps(self) -> None:
    """Wait until all parameter servers are healthy; see `peers.wait`."""
    peers.wait(self.ps, self.timeout_secs, self.interrupted)

  def status_tables(self) -> list[status_table.StatusTable]:
    """Return the table of every parameter server, in the default graph."""
    return [
      status_table.StatusTable(task) for task in range(self.config.num_ps_tasks)
    ]

  def announce_exit(self, run_status: int | None) -> None:
    """Tell the parameter servers that this worker has left.

    Args:
      run_status: FINISHED or FAILED if the chief has ended for good, else None.
    """
    entries = {status_table.worker(self.config.task): status_table.LEFT}
    if run_status and self.is_chief:
      entries[status_table.RUN_STATUS] = run_status
    for task in range(self.config.num_ps_tasks):
      if not self.ps or not self.ps[task].problem():
        status_table.publish(self.target, task, [self._own_device], entries)
