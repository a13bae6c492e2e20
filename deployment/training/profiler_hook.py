"""Session hook that traces steps for TensorBoard's profiler."""

import tensorflow.compat.v1 as tf
from tensorflow import profiler


class Profiler(tf.train.SessionRunHook):
  """Writes a trace of the steps from `first` to `last`.

  Args:
    logdir: the folder of the trace.
    first: the first step to trace, counted from 1 in this process.
    last: the last step to trace.
  """

  def __init__(self, logdir: str, first: int, last: int):
    self._logdir = logdir
    self._first = first
    self._last = last
    self._step = 0
    self._is_on = False

  def before_run(self, run_context: tf.train.SessionRunContext) -> None:
    """Start the profiler before the first step of the range."""
    del run_context
    self._step += 1
    if self._step == self._first:
      profiler.experimental.start(self._logdir)
      self._is_on = True

  def after_run(
    self,
    run_context: tf.train.SessionRunContext,
    run_values: tf.train.SessionRunValues,
  ) -> None:
    """Stop the profiler after the last step."""
    del run_context, run_values
    if self._step == self._last:
      self.end(None)

  def end(self, session: tf.Session | None) -> None:
    """Stop the profiler if the run ends within the range."""
    del session
    if self._is_on:
      profiler.experimental.stop()
      self._is_on = False
