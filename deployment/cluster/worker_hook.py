"""Session hook that announces a worker and stops it when the chief stops.

A step may wait inside TensorFlow for another process, and Python runs no
signal handlers meanwhile: see `watchdog`.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.cluster import (
  peers,
  replica,
  status_table,
  sync_replicas,
  watchdog,
)
from slim_support import errors

_READ_MS = 5000


@contextlib.contextmanager
def worker_hooks(
  worker: replica.Replica,
  sync: tf.train.SyncReplicasOptimizer | None = None,
) -> Iterator[list[tf.train.SessionRunHook]]:
  """Give the session hooks of a worker; announce its exit at the end.

  Args:
    worker: this process.
    sync: the optimizer of synchronous replicas, None for asynchronous ones.

  Yields:
    The session hooks.

  Raises:
    UserError: if training could not continue because of another process.
  """
  sync_hooks = [sync_replicas.SyncHook(sync, worker)] if sync else []
  if not worker.shared:
    yield sync_hooks
    return
  hook = WorkerHook(worker, sync_hooks[0].release if sync else None)
  run_status = None
  try:
    with hook, contextlib.suppress(peers.Interrupted):
      yield [*sync_hooks, hook]
    hook.check()
    run_status = None if worker.interrupted() else status_table.FINISHED
  except errors.UserError:
    run_status = status_table.FAILED
    raise
  finally:
    worker.announce_exit(run_status)


class WorkerHook(tf.train.SessionRunHook):
  """Announces a worker to the cluster and stops it when the chief stops.

  Use it as a context manager around the session: meanwhile a watchdog runs.

  Args:
    worker: this process.
    release: unblocks workers that wait for a synchronous step, or None.

  Attributes:
    run_status: FINISHED or FAILED once the chief has ended for good, else 0.
    failure: why training cannot continue, None as long as it can.
    worker: this process.
  """

  def __init__(
    self, worker: replica.Replica, release: Callable[[], None] | None
  ):
    self.run_status = 0
    self.failure: str | None = None
    self.worker = worker
    self._release = release
    self._session = None
    self._last_step = time.monotonic()
    self._watchdog = watchdog.Watchdog(self)

  def __enter__(self):
    self._watchdog.start()
    return self

  def __exit__(self, *exception):
    self._watchdog.stop()

  def begin(self) -> None:
    """Add the status table to the graph."""
    tables = self.worker.status_tables()
    own = status_table.worker(self.worker.config.task)
    self._announce = [
      table.write(own, status_table.PRESENT) for table in tables
    ]
    if self.worker.is_chief:
      self._announce += [
        table.write(status_table.RUN_STATUS, 0) for table in tables
      ]
    self._read_status = tables[0].read(status_table.RUN_STATUS)

  def after_create_session(
    self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    """Announce the worker; stop at once if the run has ended."""
    session.run(self._announce)
    self._session = session
    self.run_status = int(session.run(self._read_status))
    if self.run_status:
      coord.request_stop()

  def before_run(
    self, run_context: tf.train.SessionRunContext
  ) -> tf.train.SessionRunArgs:
    """Fetch the status of the run with each step."""
    del run_context
    return tf.train.SessionRunArgs(self._read_status)

  def after_run(
    self, run_context: tf.train.SessionRunContext, run_values: Any
  ) -> None:
    """Stop if the run has ended, has failed or was interrupted."""
    self._last_step = time.monotonic()
    self.run_status = int(run_values.results)
    if self.run_status or self.failure or self.worker.interrupted():
      self._watchdog.stop()
      run_context.request_stop()

  def end(self, session: tf.Session) -> None:
    """Stop the watchdog: what follows may take its time."""
    del session
    self._watchdog.stop()

  def check(self) -> None:
    """Check that training ended well.

    Raises:
      UserError: if it could not continue.
    """
    if self.failure:
      raise errors.UserError(self.failure)
    if self.run_status == status_table.FAILED and not self.worker.is_chief:
      raise errors.UserError('The chief failed. See its log for the reason.')

  def idle_secs(self) -> float:
    """Return the seconds since the last step."""
    return time.monotonic() - self._last_step

  def poll_status(self) -> None:
    """Read the status of the run while a step is blocked."""
    session = self._session
    if session is None:
      return
    try:
      options = tf.RunOptions(timeout_in_ms=_READ_MS)
      self.run_status = int(session.run(self._read_status, options=options))
    except (tf.errors.OpError, RuntimeError) as error:
      logging.debug('Could not read the status of the run: %s', error)

  def release(self) -> None:
    """Unblock a step that waits for other workers."""
    if self._release:
      self._release()
