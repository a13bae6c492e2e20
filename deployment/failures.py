"""TensorFlow's failures that have a known cause, said in one sentence."""

import contextlib

import tensorflow.compat.v1 as tf

import slim_errors
from deployment import inputs

_LABEL = 'A label is out of range'


@contextlib.contextmanager
def explained(dataset, folder: str):
  """Turns an OpError with a known cause into a UserError.

  Args:
    dataset: the slim Dataset that is being read.
    folder: where files are being written.
  """
  try:
    yield
  except tf.errors.OpError as error:
    sentence = _sentence(error, dataset, folder)
    if sentence is None:
      raise
    raise slim_errors.UserError(sentence) from error


def _sentence(error, dataset, folder):
  text = error.message
  if 'No space left' in text:
    return (
      f'No space left for {folder}. What was written before is whole; make '
      'room and run the same command again.'
    )
  if _LABEL in text:
    return ' '.join(text[text.index(_LABEL) :].splitlines()[0].split())
  if isinstance(error, tf.errors.ResourceExhaustedError):
    return (
      'Out of memory: say a smaller --batch_size or a smaller image size. '
      f'({text.splitlines()[0]})'
    )
  if isinstance(
    error, tf.errors.DataLossError | tf.errors.InvalidArgumentError
  ):
    return inputs.describe_failure(dataset)
  return None
