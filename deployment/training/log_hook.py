"""Session hook that logs the progress of training, as lines and as curves."""

import time

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

from deployment.training import finite

# Between two points of the curves where no lines are logged.
_STEPS_WITHOUT_LOG = 100


class ProgressLog(tf.train.SessionRunHook):
  """Logs a line every few steps; stops at a NaN or infinite loss.

  A line has the loss of its step, and the means of the accuracy and of the
  speed since the line before. The curves have a point for every line.

  Args:
    tensors: 'loss', 'step', 'learning_rate' and 'accuracy', scalars.
    images_per_step: images that one step takes, over all clones and replicas.
    every_n_steps: steps between two lines; 0 writes none.
    last_step: where training will end, or None.
    events: writer of the curves, or None.
  """

  def __init__(
    self,
    tensors: dict[str, tf.Tensor],
    images_per_step: int,
    every_n_steps: int,
    last_step: int | None = None,
    events: tf.summary.FileWriter | None = None,
  ):
    self._tensors = tensors
    self._images_per_step = images_per_step
    self._writes_lines = every_n_steps > 0
    self._every_n_steps = every_n_steps or _STEPS_WITHOUT_LOG
    self._last_step = last_step
    self._events = events
    self._started = None
    self._step = None
    # Step and time from which the speed is measured.
    self._mark = None
    self._accuracies = []

  def before_run(
    self, run_context: tf.train.SessionRunContext
  ) -> tf.train.SessionRunArgs:
    """Fetch the tensors with every step."""
    del run_context
    if self._started is None:
      self._started = time.perf_counter()
    return tf.train.SessionRunArgs(self._tensors)

  def after_run(
    self,
    run_context: tf.train.SessionRunContext,
    run_values: tf.train.SessionRunValues,
  ) -> None:
    """Check the loss; log it every few steps."""
    del run_context
    values = run_values.results
    step, now = int(values['step']), time.perf_counter()
    if not np.isfinite(values['loss']):
      raise finite.error(f'The loss at step {step}')
    self._accuracies.append(values['accuracy'])
    is_due = self._is_due(step)
    self._step = step
    if is_due:
      start, since = self._mark or (step - 1, self._started)
      self._report(values, step, max(now - since, 1e-9) / max(step - start, 1))
    # The first step is slow, so it counts only if it is a line of its own.
    if is_due or self._mark is None:
      self._mark = (step, now)

  def _is_due(self, step):
    """Return whether the step is the next round one, or the last one."""
    before = step - 1 if self._step is None else self._step
    every = self._every_n_steps
    return step // every > before // every or step == self._last_step

  def _report(self, values, step, step_secs):
    """Log a line and add a point to the curves."""
    accuracy = float(np.mean(self._accuracies))
    self._accuracies.clear()
    images_per_sec = self._images_per_step / step_secs
    if self._writes_lines:
      left = ''
      if self._last_step:
        left = f', {duration((self._last_step - step) * step_secs)} left'
      logging.info(
        'global step %d: loss = %.4f (%.3f sec/step), learning rate %.3g, '
        'accuracy %.3f, %.1f images/s%s',
        step,
        values['loss'],
        step_secs,
        values['learning_rate'],
        accuracy,
        images_per_sec,
        left,
      )
    if self._events:
      curves = {
        'total_loss_1': values['loss'],
        'learning_rate': values['learning_rate'],
        'global_step/sec': 1 / step_secs,
        'accuracy/train': accuracy,
        'progress/images_per_second': images_per_sec,
      }
      points = [
        tf.Summary.Value(tag=tag, simple_value=value)
        for tag, value in curves.items()
      ]
      self._events.add_summary(tf.Summary(value=points), step)


def duration(seconds: float) -> str:
  """Return seconds as h:mm:ss."""
  seconds = max(0, round(seconds))
  return f'{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}'
