"""Stop a run at a NaN or infinite number, before a checkpoint can hold it."""

import contextlib
import re
from collections.abc import Iterator

import tensorflow.compat.v1 as tf
from absl import logging

from slim_support import errors, files

_IN_HISTOGRAM = re.compile(
  r'(?:Nan|Infinity) in (?:summary )?histogram for: (\S+)', re.IGNORECASE
)


def error(what: str) -> errors.UserError:
  """Return the error for a loss or a variable that is NaN or infinite.

  Args:
    what: what it is and at which step, for instance 'The loss at step 7'.
  """
  return errors.UserError(
    f'{what} is NaN or infinite. The last good checkpoint is kept. Usual '
    'remedies are a smaller --learning_rate, --clip_gradient_norm, '
    '--warmup_steps and a check of the labels.'
  )


@contextlib.contextmanager
def report_summaries() -> Iterator[None]:
  """Turn the failure of a histogram of NaN or infinite values into a sentence.

  At a step with a summary, TensorFlow refuses the histogram before the loss of
  that step can be looked at.

  Raises:
    UserError: in place of TensorFlow's error.
  """
  try:
    yield
  except tf.errors.InvalidArgumentError as failure:
    found = _IN_HISTOGRAM.search(failure.message)
    if not found:
      raise
    raise error(f'A value of {found[1]} in the summary of this step') from (
      failure
    )


class CheckpointGuard(tf.train.CheckpointSaverListener):
  """Refuses to save NaN or infinite numbers, or into a folder that is gone.

  Args:
    folder: where the checkpoints go. TensorFlow would make it again, without
      all that was in it.
  """

  def __init__(self, folder: str):
    self._folder = folder

  def begin(self) -> None:
    """Add the check to the graph, one scalar over all float variables."""
    checks = []
    for variable in tf.global_variables():
      if variable.dtype.is_floating:
        with tf.device(variable.device):
          checks.append(tf.reduce_all(tf.is_finite(variable)))
    self._finite = tf.reduce_all(tf.stack(checks))

  def before_save(self, session: tf.Session, global_step_value: int) -> None:
    """Raise UserError instead of saving what should not be saved."""
    if not files.is_folder(self._folder):
      raise errors.UserError(
        f'{self._folder} was removed during the training, so nothing more can '
        'be saved. Start the training again.'
      )
    if not session.run(self._finite):
      raise error(f'A variable at step {global_step_value}')

  def after_save(self, session: tf.Session, global_step_value: int) -> None:
    """Log that the checkpoint is saved."""
    del session
    logging.info('Saved the checkpoint of step %d.', global_step_value)
