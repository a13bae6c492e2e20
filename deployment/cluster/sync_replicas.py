"""Synchronous training: replicas whose gradients are averaged for each step.

The engine is tf.train.SyncReplicasOptimizer: accumulators on the parameter
servers collect gradients, the chief applies their mean, and every replica
waits for a token before it begins the next step. Chen et al., "Revisiting
Distributed Synchronous SGD" (arXiv:1604.00981, 2016).
"""

import threading

import tensorflow.compat.v1 as tf
from absl import logging

_SHUTDOWN = (
  tf.errors.CancelledError,
  tf.errors.AbortedError,
  tf.errors.UnavailableError,
)


def optimizer(base, config, averages=None):
  """Returns the optimizer that waits for the other replicas.

  Args:
    base: the tf.train.Optimizer that applies the mean gradients.
    config: a TrainConfig.
    averages: a tf.train.ExponentialMovingAverage of the model variables, moved
      once a step, or None.
  """
  number = config.replicas_to_aggregate
  if number == 1 and config.worker_replicas > 1:
    logging.warning(
      '--sync_replicas averages --replicas_to_aggregate=1 gradients, which is '
      'no average; --replicas_to_aggregate=%d takes all replicas.',
      config.worker_replicas,
    )
  return tf.train.SyncReplicasOptimizer(
    base,
    replicas_to_aggregate=number,
    total_num_replicas=config.worker_replicas,
    variable_averages=averages,
    variables_to_average=tf.model_variables() if averages else None,
  )


class Hook(tf.train.SessionRunHook):
  """Does the chief's part of synchronous training, and a worker's start.

  TensorFlow's own hook hands out tokens at the start, with which a replica
  goes on alone before the others are there, and takes two minutes to end.

  Args:
    optimizer: a SyncReplicasOptimizer whose apply_gradients was called.
    replica: the replica.Replica.
  """

  def __init__(self, optimizer, replica):
    config = replica.config
    self._optimizer = optimizer
    self._replica = replica
    self._replicas = config.worker_replicas
    self._least_tokens = max(0, config.replicas_to_aggregate - self._replicas)
    self._session = None
    self._fresh = True

  def begin(self):
    """Adds what the optimizer offers to the graph."""
    # Sessions have a check of their own; TensorFlow complains of one unused.
    self._optimizer.ready_for_local_init_op.mark_used()
    self._init_op = (
      self._optimizer.chief_init_op
      if self._replica.is_chief
      else self._optimizer.local_step_init_op
    )
    (self._sync_op,) = self._optimizer.get_chief_queue_runner().enqueue_ops
    self._free_op = self._optimizer.get_init_tokens_op(
      max(self._replicas, self._least_tokens)
    )
    self._first_op = tf.no_op()
    if self._least_tokens:
      self._first_op = self._optimizer.get_init_tokens_op(self._least_tokens)

  def after_create_session(self, session, coord):
    """Starts a session's part; the chief's goes on in a thread.

    A chief that comes back frees the replicas that wait for a step which died
    with it. At the beginning nobody waits, and no token may be left over.
    """
    first = self._fresh and not self._replica.resumed
    self._fresh = False
    session.run(self._init_op)
    self._session = session
    if not self._replica.is_chief:
      return
    session.run(self._first_op if first else self._free_op)
    threading.Thread(
      target=self._aggregate, args=(session, coord), daemon=True
    ).start()

  def _aggregate(self, session, coord):
    """Applies mean gradients until the session closes."""
    try:
      while True:
        session.run(self._sync_op)
    except _SHUTDOWN:
      return
    except (tf.errors.OpError, RuntimeError) as error:
      if not coord.should_stop():
        coord.request_stop(error)
        self.free()

  def free(self):
    """Lets replicas that wait for a step go on; callable from any thread."""
    session = self._session
    if session is None:
      return
    try:
      session.run(self._free_op)
    except (tf.errors.OpError, RuntimeError) as error:
      logging.debug('Nobody was freed: %s', error)
