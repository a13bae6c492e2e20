"""Synchronous training: the gradients of all workers are averaged each step.

It uses tf.train.SyncReplicasOptimizer: accumulators on the parameter servers
collect gradients, the chief applies their mean, and every worker waits for a
token before it starts the next step. Chen et al., "Revisiting
Distributed Synchronous SGD" (arXiv:1604.00981, 2016).
"""

import threading
from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.cluster import replica

_SHUTDOWN = (
  tf.errors.CancelledError,
  tf.errors.AbortedError,
  tf.errors.UnavailableError,
)


def optimizer(
  base: tf.train.Optimizer,
  config: Any,
  averages: tf.train.ExponentialMovingAverage | None = None,
) -> tf.train.SyncReplicasOptimizer:
  """Return the optimizer that waits for the other workers.

  Args:
    base: applies the mean gradients.
    config: the TrainConfig.
    averages: moving averages of the model variables, updated once a step, or
      None.
  """
  number = config.replicas_to_aggregate
  if number == 1 and config.worker_replicas > 1:
    logging.warning(
      '--replicas_to_aggregate=1 applies the gradients of each worker by '
      'themselves. Use --replicas_to_aggregate=%d to average all workers.',
      config.worker_replicas,
    )
  return tf.train.SyncReplicasOptimizer(
    base,
    replicas_to_aggregate=number,
    total_num_replicas=config.worker_replicas,
    variable_averages=averages,
    variables_to_average=tf.model_variables() if averages else None,
  )


class SyncHook(tf.train.SessionRunHook):
  """Starts a worker, and runs the aggregation of gradients on the chief.

  TensorFlow's own hook hands out tokens at the start, so that a worker trains
  alone until the others have started, and takes two minutes to end.

  Args:
    optimizer: its apply_gradients must have been called.
    worker: this process.
  """

  def __init__(
    self, optimizer: tf.train.SyncReplicasOptimizer, worker: replica.Replica
  ):
    config = worker.config
    self._optimizer = optimizer
    self._worker = worker
    self._num_workers = config.worker_replicas
    self._first_tokens = max(
      0, config.replicas_to_aggregate - self._num_workers
    )
    self._session = None
    self._fresh = True

  def begin(self) -> None:
    """Add the optimizer's start-up ops to the graph."""
    # Our sessions have a check of their own; TensorFlow warns if this is
    # unused.
    self._optimizer.ready_for_local_init_op.mark_used()
    self._init_op = (
      self._optimizer.chief_init_op
      if self._worker.is_chief
      else self._optimizer.local_step_init_op
    )
    (self._sync_op,) = self._optimizer.get_chief_queue_runner().enqueue_ops
    self._release_op = self._optimizer.get_init_tokens_op(
      max(self._num_workers, self._first_tokens)
    )
    self._first_op = tf.no_op()
    if self._first_tokens:
      self._first_op = self._optimizer.get_init_tokens_op(self._first_tokens)

  def after_create_session(
    self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    """Initialize a worker; on the chief, start the thread that aggregates.

    A restarted chief releases the workers that wait for the step that died
    with it. At the start nobody waits, so that no token may be left over.
    """
    first = self._fresh and not self._worker.resumed
    self._fresh = False
    session.run(self._init_op)
    self._session = session
    if not self._worker.is_chief:
      return
    session.run(self._first_op if first else self._release_op)
    threading.Thread(
      target=self._aggregate, args=(session, coord), daemon=True
    ).start()

  def _aggregate(self, session, coord):
    """Apply mean gradients until the session is closed."""
    try:
      while True:
        session.run(self._sync_op)
    except _SHUTDOWN:
      return
    except (tf.errors.OpError, RuntimeError) as error:
      if not coord.should_stop():
        coord.request_stop(error)
        self.release()

  def release(self) -> None:
    """Unblock workers that wait for a step; callable from any thread."""
    session = self._session
    if session is None:
      return
    try:
      session.run(self._release_op)
    except (tf.errors.OpError, RuntimeError) as error:
      logging.debug('Could not release the workers: %s', error)
