"""TensorFlow's failures that have a known cause, said in one sentence."""

import contextlib

import tensorflow.compat.v1 as tf

from datasets import reading
from slim_support import errors

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
    raise errors.UserError(sentence) from error


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
    return describe_failure(dataset)
  return None


def check_not_empty(dataset):
  """Raises UserError if the data set's files hold nothing at all."""
  files = reading.list_files(dataset)
  if not sum(tf.io.gfile.stat(name).length for name in files):
    raise errors.UserError(
      f'{", ".join(files)}: nothing in it. Convert the data set again.'
    )


def describe_failure(dataset) -> str | None:
  """Returns which record, from 0, of which file cannot be read, or None.

  Reads the data set from the start, so it is for after a failure only.
  """
  with tf.Graph().as_default(), tf.Session() as session:
    record = tf.placeholder(tf.string, [])
    items = dataset.decoder.decode(record, ['image', 'label'])
    for name in reading.list_files(dataset):
      number = 0
      try:
        for content in tf.io.tf_record_iterator(name):
          session.run(items, {record: content})
          number += 1
      except tf.errors.DataLossError:
        return f'{name} is damaged: its record {number} cannot be read.'
      except tf.errors.OpError as error:
        return (
          f'{name}: the image or label of record {number} cannot be decoded '
          f'({error.message.splitlines()[0]}).'
        )
  return None
