"""Session hooks that end the training: a signal, the last step, no progress."""

from collections.abc import Callable

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

from slim_support import signals


class StopOnSignal(tf.train.SessionRunHook):
  """Ends the training loop once a signal asked for it."""

  def __init__(self, stopper: signals.Stopper):
    self._stopper = stopper

  def after_run(
    self,
    run_context: tf.train.SessionRunContext,
    run_values: tf.train.SessionRunValues,
  ) -> None:
    """Ask for the end after the step that was running."""
    del run_values
    if self._stopper.signal is not None:
      run_context.request_stop()


class StopIfDone(tf.train.SessionRunHook):
  """Stops before the first step if the last step was already reached."""

  def __init__(self, last_step: int):
    self._last_step = last_step

  def after_create_session(
    self, session: tf.Session, coord: tf.train.Coordinator
  ) -> None:
    """Ask for the end if there is nothing left to do."""
    step = session.run(tf.train.get_global_step(session.graph))
    if step >= self._last_step:
      logging.warning(
        'Step %d is already reached: there is nothing to train. To continue, '
        'use a larger --max_number_of_steps.',
        step,
      )
      coord.request_stop()


class EarlyStopping(tf.train.SessionRunHook):
  """Ends training when the evaluated accuracy has stopped rising.

  Args:
    read_accuracies: returns the accuracies evaluated so far, oldest first.
    patience: number of evaluations without a new best that ends the run.
    every_secs: seconds between two checks.
  """

  def __init__(
    self,
    read_accuracies: Callable[[], list[float]],
    patience: int,
    every_secs: float = 5,
  ):
    self._read_accuracies = read_accuracies
    self._patience = patience
    self._timer = tf.train.SecondOrStepTimer(every_secs=every_secs)
    self._runs = 0

  def after_run(
    self,
    run_context: tf.train.SessionRunContext,
    run_values: tf.train.SessionRunValues,
  ) -> None:
    """Check the evaluations from time to time."""
    del run_values
    self._runs += 1
    if not self._timer.should_trigger_for_step(self._runs):
      return
    self._timer.update_last_triggered_step(self._runs)
    accuracies = self._read_accuracies()
    if not accuracies:
      return
    since_best = len(accuracies) - 1 - int(np.argmax(accuracies))
    if since_best >= self._patience:
      logging.warning(
        'Early stopping: there were %d evaluations since the best accuracy, '
        '%.4f.',
        since_best,
        max(accuracies),
      )
      run_context.request_stop()
