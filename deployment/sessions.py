"""Sessions of replicas that share variables on parameter servers.

TensorFlow's own session creators let a worker sleep for 30 seconds between
two looks at an uninitialised model, and let a chief that comes back restore
its last checkpoint over what the others have learned since. These do neither.
"""

import time

import tensorflow.compat.v1 as tf
from absl import logging

import slim_errors
from deployment import board, peers, run_record, servers

_POLL_SECS = 1
_LOG_SECS = 10
_NOT_READY = (
  tf.errors.AbortedError,
  tf.errors.FailedPreconditionError,
  tf.errors.UnavailableError,
)


class Replica:
  """This process as one of those that train.

  Args:
    config: the TrainConfig, with the numbers of its cluster.
    cluster: the Cluster, or None for a process alone and for servers that
      were started elsewhere.
    stopper: the hooks.Stopper.

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
    return [board.Board(task) for task in range(self.config.num_ps_tasks)]

  def leave(self, over: int | None):
    """Tells the parameter servers that this replica has left.

    Args:
      over: FINISHED or FAILED if the chief has ended for good, else None.
    """
    notes = {board.worker(self.config.task): board.LEFT}
    if over and self.is_chief:
      notes[board.OVER] = over
    for task in range(self.config.num_ps_tasks):
      if not self.ps or not self.ps[task].problem():
        board.tell(self.target, task, [self._own_device], notes)


def creator(replica, scaffold, session_config):
  """Returns the session creator for a replica.

  Args:
    replica: the Replica.
    scaffold: the tf.train.Scaffold.
    session_config: the tf.ConfigProto.
  """
  if not replica.shared:
    return tf.train.ChiefSessionCreator(
      scaffold,
      master=replica.target,
      config=session_config,
      checkpoint_dir=replica.config.train_dir,
    )
  if replica.is_chief:
    return ResumingChief(replica, scaffold, session_config)
  return FastWorker(replica, scaffold, session_config)


def _is_ready(session, scaffold) -> bool:
  """Runs the local start-up of a session if the variables have their values."""
  try:
    if len(session.run(scaffold.ready_for_local_init_op)):
      return False
    session.run(scaffold.local_init_op)
    return not len(session.run(scaffold.ready_op))
  except _NOT_READY:
    return False


class ResumingChief(tf.train.ChiefSessionCreator):
  """Initialises the model, unless this run's model is alive already.

  Args:
    replica: the Replica.
    scaffold: the tf.train.Scaffold.
    session_config: the tf.ConfigProto.
  """

  def __init__(self, replica, scaffold, session_config):
    config = replica.filtered(session_config)
    super().__init__(
      scaffold,
      master=replica.target,
      config=config,
      checkpoint_dir=replica.config.train_dir,
    )
    self._replica = replica
    self._parts = (scaffold, config)
    # Another run's variables, left over on the parameter servers, must not be
    # taken for this one's.
    self._run_id = run_record.run_id(replica.config.train_dir)
    notes = board.Board()
    self._read_run = notes.read(board.RUN)
    self._clear_run = notes.write(board.RUN, 0)
    self._write_run = notes.write(board.RUN, self._run_id)

  def create_session(self):
    """Returns a session with the model initialised."""
    scaffold, config = self._parts
    self._replica.begin_session()
    scaffold.finalize()
    session = tf.Session(self._replica.target, config=config)
    same_run = session.run(self._read_run) == self._run_id
    if same_run and _is_ready(session, scaffold):
      self._replica.resumed = True
      logging.warning('Going on with the model that the others train.')
      return session
    session.run(self._clear_run)
    session.close()
    session = super().create_session()
    session.run(self._write_run)
    return session


class FastWorker(tf.train.SessionCreator):
  """Joins as soon as the chief has initialised the model.

  Args:
    replica: the Replica.
    scaffold: the tf.train.Scaffold.
    session_config: the tf.ConfigProto.
  """

  def __init__(self, replica, scaffold, session_config):
    self._replica = replica
    self._scaffold = scaffold
    self._config = replica.filtered(session_config)
    self._read_run = board.Board().read(board.RUN)

  def create_session(self):
    """Returns a session with the model initialised.

    Raises:
      UserError: if the parameter servers do not answer in time, or if the
        chief does not initialise the model.
      peers.Interrupted: if a signal came.
    """
    replica = self._replica
    start = time.monotonic()
    next_log = start + _LOG_SECS
    self._scaffold.finalize()
    replica.begin_session()
    while True:
      session = self._session_if_ready()
      if session:
        return session
      now = time.monotonic()
      if replica.interrupted():
        raise peers.Interrupted
      if now - start > replica.timeout_secs:
        raise slim_errors.UserError(
          f'{self._chief()} has not initialised the model within '
          f'--cluster_timeout_secs={replica.timeout_secs}.'
        )
      if now > next_log:
        logging.info('Waiting for %s to initialise the model.', self._chief())
        next_log = now + _LOG_SECS
      time.sleep(_POLL_SECS)
      replica.wait_for_ps()

  def _chief(self):
    return self._replica.workers[0] if self._replica.workers else 'the chief'

  def _session_if_ready(self):
    session = tf.Session(self._replica.target, config=self._config)
    try:
      initialised = session.run(self._read_run)
    except _NOT_READY:
      initialised = False
    if initialised and _is_ready(session, self._scaffold):
      return session
    session.close()
    return None
