"""What happens between the steps: stopping, logging, guarding checkpoints."""

import time

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging
from tensorflow import profiler

from slim_support import errors, signals


class StopRequested(tf.train.SessionRunHook):
  """Ends the training loop once a Stopper was asked to."""

  def __init__(self, stopper: signals.Stopper):
    self._stopper = stopper

  def after_run(self, run_context, run_values):
    """Asks for the end after the step that was under way."""
    if self._stopper.signal is not None:
      run_context.request_stop()


class StopIfDone(tf.train.SessionRunHook):
  """Makes no step if the last one was made before."""

  def __init__(self, last_step: int):
    self._last_step = last_step

  def after_create_session(self, session, coord):
    """Asks for the end before the first step."""
    step = session.run(tf.train.get_global_step(session.graph))
    if step >= self._last_step:
      logging.warning(
        'Step %d was reached before: nothing to train. Say a larger '
        '--max_number_of_steps to go on.',
        step,
      )
      coord.request_stop()


class Progress(tf.train.SessionRunHook):
  """Logs a line every few steps and stops when the loss is not a number.

  Args:
    tensors: dict of 'loss', 'step' and 'learning_rate' to scalar tensors.
    images_per_step: images that one step takes, over all clones.
    every_n_steps: steps between two lines.
    last_step: where training will end, or None.
    events: a tf.summary.FileWriter for the same figures, or None.
  """

  def __init__(
    self, tensors, images_per_step, every_n_steps, last_step=None, events=None
  ):
    self._tensors = tensors
    self._images_per_step = images_per_step
    self._every_n_steps = every_n_steps
    self._last_step = last_step
    self._events = events
    self._mark = None

  def before_run(self, run_context):
    """Fetches the loss and the step of every step."""
    del run_context
    return tf.train.SessionRunArgs(self._tensors)

  def after_run(self, run_context, run_values):
    """Checks the loss; every few steps, logs it."""
    del run_context
    values = run_values.results
    step = int(values['step'])
    if not np.isfinite(values['loss']):
      raise errors.UserError(not_finite(f'The loss at step {step}'))
    now = time.perf_counter()
    if self._mark is None:
      self._mark = (step, now)
      return
    steps = step - self._mark[0]
    if steps >= self._every_n_steps or step == self._last_step:
      self._report(values, step, steps / max(now - self._mark[1], 1e-9))
      self._mark = (step, now)

  def _report(self, values, step, rate):
    left = ''
    if self._last_step and rate > 0:
      left = f', {duration((self._last_step - step) / rate)} left'
    images = rate * self._images_per_step
    logging.info(
      'step %d: loss %.4f, learning rate %.3g, %.1f steps/s, %.1f images/s%s',
      step,
      values['loss'],
      values['learning_rate'],
      rate,
      images,
      left,
    )
    if self._events:
      logged = {
        'loss': values['loss'],
        'learning_rate': values['learning_rate'],
        'steps_per_second': rate,
        'images_per_second': images,
      }
      self._events.add_summary(
        tf.Summary(
          value=[
            tf.Summary.Value(tag=f'progress/{name}', simple_value=value)
            for name, value in logged.items()
          ]
        ),
        step,
      )


def duration(seconds: float) -> str:
  """Returns seconds as h:mm:ss."""
  seconds = max(0, round(seconds))
  return f'{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}'


def not_finite(what: str) -> str:
  """Returns the sentence for a loss or a variable that is not a number."""
  return (
    f'{what} is not a finite number. The last good checkpoint is kept. Usual '
    'remedies: a smaller --learning_rate, --clip_gradient_norm, '
    '--warmup_steps, and a look at the labels.'
  )


class FiniteOnly(tf.train.CheckpointSaverListener):
  """Lets no checkpoint be written that holds a number that is not finite."""

  def begin(self):
    """Adds the check to the graph, one scalar over all float variables."""
    checks = []
    for variable in tf.global_variables():
      if variable.dtype.is_floating:
        with tf.device(variable.device):
          checks.append(tf.reduce_all(tf.is_finite(variable)))
    self._finite = tf.reduce_all(tf.stack(checks))

  def before_save(self, session, global_step_value):
    """Raises UserError in place of the save."""
    if not session.run(self._finite):
      raise errors.UserError(
        not_finite(f'A variable at step {global_step_value}')
      )

  def after_save(self, session, global_step_value):
    """Logs the save."""
    del session
    logging.info('Saved the checkpoint of step %d.', global_step_value)


class EarlyStop(tf.train.SessionRunHook):
  """Ends training when the evaluated accuracy has stopped rising.

  Args:
    read_accuracies: returns the accuracies evaluated so far, oldest first.
    patience: evaluations without a new best that end the run.
    every_secs: seconds between two looks.
  """

  def __init__(self, read_accuracies, patience: int, every_secs=5):
    self._read_accuracies = read_accuracies
    self._patience = patience
    self._timer = tf.train.SecondOrStepTimer(every_secs=every_secs)
    self._looks = 0

  def after_run(self, run_context, run_values):
    """Looks at the evaluations from time to time."""
    del run_values
    self._looks += 1
    if not self._timer.should_trigger_for_step(self._looks):
      return
    self._timer.update_last_triggered_step(self._looks)
    accuracies = self._read_accuracies()
    if not accuracies:
      return
    since_best = len(accuracies) - 1 - int(np.argmax(accuracies))
    if since_best >= self._patience:
      logging.warning(
        'Early stop: the best accuracy, %.4f, is %d evaluations old.',
        max(accuracies),
        since_best,
      )
      run_context.request_stop()


class Profile(tf.train.SessionRunHook):
  """Writes a TensorBoard trace of the steps from `first` to `last`."""

  def __init__(self, logdir: str, first: int, last: int):
    self._logdir = logdir
    self._first = first
    self._last = last
    self._step = 0
    self._on = False

  def before_run(self, run_context):
    """Starts the profiler before the first step of the range."""
    del run_context
    self._step += 1
    if self._step == self._first:
      profiler.experimental.start(self._logdir)
      self._on = True

  def after_run(self, run_context, run_values):
    """Stops it after the last step."""
    del run_context, run_values
    if self._step == self._last:
      self.end(None)

  def end(self, session):
    """Stops the profiler if the run ends within the range."""
    del session
    if self._on:
      profiler.experimental.stop()
      self._on = False
