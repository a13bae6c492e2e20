"""Sessions of workers that share variables on parameter servers.

With TensorFlow's own session creators a worker checks only every 30 seconds
whether the model is initialized, and a restarted chief restores its last
checkpoint over what the other workers have learned since. These do neither.
"""

import time

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import run_folder
from deployment.cluster import peers, replica, status_table
from slim_support import errors

_POLL_SECS = 1
_LOG_SECS = 10
_NOT_READY = (
  tf.errors.AbortedError,
  tf.errors.FailedPreconditionError,
  tf.errors.UnavailableError,
)


def creator(
  worker: replica.Replica,
  scaffold: tf.train.Scaffold,
  session_config: tf.ConfigProto,
) -> tf.train.SessionCreator:
  """Return the session creator of a training process.

  Args:
    worker: this process.
    scaffold: initializes and saves the model.
    session_config: the session's options.
  """
  if not worker.shared:
    return tf.train.ChiefSessionCreator(
      scaffold,
      master=worker.target,
      config=session_config,
      checkpoint_dir=worker.config.train_dir,
    )
  if worker.is_chief:
    return ResumingChief(worker, scaffold, session_config)
  return FastWorker(worker, scaffold, session_config)


def _is_ready(session, scaffold) -> bool:
  """Initialize the local parts of a session if the model is initialized."""
  try:
    if len(session.run(scaffold.ready_for_local_init_op)):
      return False
    session.run(scaffold.local_init_op)
    return not len(session.run(scaffold.ready_op))
  except _NOT_READY:
    return False


class ResumingChief(tf.train.ChiefSessionCreator):
  """Initializes the model unless the parameter servers hold this run's.

  Args:
    worker: this process.
    scaffold: initializes and saves the model.
    session_config: the session's options.
  """

  def __init__(
    self,
    worker: replica.Replica,
    scaffold: tf.train.Scaffold,
    session_config: tf.ConfigProto,
  ):
    config = worker.with_device_filters(session_config)
    super().__init__(
      scaffold,
      master=worker.target,
      config=config,
      checkpoint_dir=worker.config.train_dir,
    )
    self._worker = worker
    self._parts = (scaffold, config)
    # Variables that another run left on the parameter servers must not be
    # mistaken for this run's.
    self._run_id = run_folder.run_id(worker.config.train_dir)
    table = status_table.StatusTable()
    self._read_run_id = table.read(status_table.RUN_ID)
    self._clear_run_id = table.write(status_table.RUN_ID, 0)
    self._write_run_id = table.write(status_table.RUN_ID, self._run_id)

  def create_session(self) -> tf.Session:
    """Return a session with the model initialized."""
    scaffold, config = self._parts
    self._worker.prepare_session()
    scaffold.finalize()
    session = tf.Session(self._worker.target, config=config)
    same_run = session.run(self._read_run_id) == self._run_id
    if same_run and _is_ready(session, scaffold):
      self._worker.resumed = True
      logging.warning(
        'Resuming with the model that the other workers are training.'
      )
      return session
    session.run(self._clear_run_id)
    session.close()
    session = super().create_session()
    session.run(self._write_run_id)
    return session


class FastWorker(tf.train.SessionCreator):
  """Starts as soon as the chief has initialized the model.

  Args:
    worker: this process.
    scaffold: initializes and saves the model.
    session_config: the session's options.
  """

  def __init__(
    self,
    worker: replica.Replica,
    scaffold: tf.train.Scaffold,
    session_config: tf.ConfigProto,
  ):
    self._worker = worker
    self._scaffold = scaffold
    self._config = worker.with_device_filters(session_config)
    self._read_run_id = status_table.StatusTable().read(status_table.RUN_ID)

  def create_session(self) -> tf.Session:
    """Return a session with the model initialized.

    Raises:
      UserError: if the parameter servers do not respond in time, or if the
        chief does not initialize the model.
      peers.Interrupted: if a signal arrived.
    """
    worker = self._worker
    start = time.monotonic()
    next_log = start + _LOG_SECS
    self._scaffold.finalize()
    worker.prepare_session()
    while True:
      session = self._session_if_ready()
      if session:
        return session
      now = time.monotonic()
      if worker.interrupted():
        raise peers.Interrupted
      if now - start > worker.timeout_secs:
        raise errors.UserError(
          f'{self._chief()} has not initialized the model within '
          f'--cluster_timeout_secs={worker.timeout_secs}.'
        )
      if now > next_log:
        logging.info('Waiting for %s to initialize the model.', self._chief())
        next_log = now + _LOG_SECS
      time.sleep(_POLL_SECS)
      worker.wait_for_ps()

  def _chief(self):
    return self._worker.workers[0] if self._worker.workers else 'the chief'

  def _session_if_ready(self):
    session = tf.Session(self._worker.target, config=self._config)
    try:
      initialized = session.run(self._read_run_id)
    except _NOT_READY:
      initialized = False
    if initialized and _is_ready(session, self._scaffold):
      return session
    session.close()
    return None
