"""A replica among others while it trains: when to end, and for whom it waits.

A step may wait inside TensorFlow for another process, and Python runs no
signal handler meanwhile: see `watch`.
"""

import contextlib
import time

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.cluster import peers, status_table, sync_replicas, watchdog
from slim_support import errors

_READ_MS = 5000


@contextlib.contextmanager
def taking_part(replica, sync=None):
  """Gives the hooks of a replica; at the end tells the others that it left.

  Args:
    replica: the replica.Replica.
    sync: the SyncReplicasOptimizer, None where replicas are asynchronous.

  Yields:
    A list of session hooks.

  Raises:
    UserError: if training could not go on because of another process.
  """
  sync_hooks = [sync_replicas.Hook(sync, replica)] if sync else []
  if not replica.shared:
    yield sync_hooks
    return
  member = Member(replica, sync_hooks[0].free if sync else None)
  over = None
  try:
    with member, contextlib.suppress(peers.Interrupted):
      yield [*sync_hooks, member]
    member.check()
    over = None if replica.interrupted() else status_table.FINISHED
  except errors.UserError:
    over = status_table.FAILED
    raise
  finally:
    replica.leave(over)


class Member(tf.train.SessionRunHook):
  """Tells the others that this replica is here; ends when training is over.

  Use it as a context around the session.

  Args:
    replica: the replica.Replica.
    free: lets replicas that wait for a synchronous step go on, or None.

  Attributes:
    over: FINISHED or FAILED once the chief has ended for good, else 0.
    failure: why training cannot go on, None as long as it can.
  """

  def __init__(self, replica, free=None):
    self.over = 0
    self.failure = None
    self._replica = replica
    self._free = free
    self._session = None
    self._beat = time.monotonic()
    self._watch = watchdog.Watchdog(self)

  def __enter__(self):
    self._watch.start()
    return self

  def __exit__(self, *exception):
    self._watch.stop()

  def begin(self):
    """Adds the notes to the graph."""
    boards = self._replica.boards()
    own = status_table.worker(self._replica.config.task)
    self._hello = [each.write(own, status_table.HERE) for each in boards]
    if self._replica.is_chief:
      self._hello += [each.write(status_table.OVER, 0) for each in boards]
    self._read_over = boards[0].read(status_table.OVER)

  def after_create_session(self, session, coord):
    """Says hello; asks for the end at once if training is over."""
    session.run(self._hello)
    self._session = session
    self._take(session.run(self._read_over))
    if self.over:
      coord.request_stop()

  def before_run(self, run_context):
    """Fetches whether training is over."""
    del run_context
    return tf.train.SessionRunArgs(self._read_over)

  def after_run(self, run_context, run_values):
    """Notes that a step was made; ends if there is a reason."""
    self._beat = time.monotonic()
    self._take(run_values.results)
    if self.over or self.failure or self._replica.interrupted():
      self._watch.stop()
      run_context.request_stop()

  def end(self, session):
    """Ends the watch: what follows may take its time."""
    del session
    self._watch.stop()

  def check(self):
    """Raises UserError if training could not go on."""
    if self.failure:
      raise errors.UserError(self.failure)
    if self.over == status_table.FAILED and not self._replica.is_chief:
      raise errors.UserError('The chief failed: its own log says why.')

  def _take(self, note):
    self.over = int(note)

  def still_secs(self) -> float:
    """Returns for how long no step has been made."""
    return time.monotonic() - self._beat

  def look(self):
    """Reads whether training is over, besides the step that waits."""
    session = self._session
    if session is None:
      return
    try:
      options = tf.RunOptions(timeout_in_ms=_READ_MS)
      self._take(session.run(self._read_over, options=options))
    except (tf.errors.OpError, RuntimeError) as error:
      logging.debug('The board cannot be read: %s', error)

  def free(self):
    """Lets a step that waits for other replicas go on."""
    if self._free:
      self._free()

  @property
  def replica(self):
    """The replica.Replica."""
    return self._replica
