"""Sessions of replicas that share variables on parameter servers.

TensorFlow's own session creators let a worker sleep for 30 seconds between
two looks at an uninitialised model, and let a chief that comes back restore
its last checkpoint over what the others have learned since. These do neither.
"""

import time

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import run_folder
from deployment.cluster import peers, status_table
from slim_support import errors

_POLL_SECS = 1
_LOG_SECS = 10
_NOT_READY = (
  tf.errors.AbortedError,
  tf.errors.FailedPreconditionError,
  tf.errors.UnavailableError,
)


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
    self._run_id = run_folder.run_id(replica.config.train_dir)
    notes = status_table.StatusTable()
    self._read_run = notes.read(status_table.RUN)
    self._clear_run = notes.write(status_table.RUN, 0)
    self._write_run = notes.write(status_table.RUN, self._run_id)

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
    self._read_run = status_table.StatusTable().read(status_table.RUN)

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
        raise errors.UserError(
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
