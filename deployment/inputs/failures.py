"""Translate TensorFlow errors with a known cause into UserErrors."""

import contextlib
from collections.abc import Iterator
from typing import Any

import tensorflow.compat.v1 as tf

from deployment.inputs import loaders, record_search
from slim_support import errors


@contextlib.contextmanager
def explained(dataset: Any, folder: str) -> Iterator[None]:
  """Turn a TensorFlow error with a known cause into a UserError.

  Args:
    dataset: the tf-slim Dataset that is being read.
    folder: where files are being written.

  Raises:
    UserError: in place of a tf.errors.OpError with a known cause. The message
      says what failed, and for records which file and which record.
  """
  try:
    yield
  except tf.errors.OpError as error:
    sentence = translate(error, dataset, folder)
    if sentence is None:
      raise
    raise errors.UserError(sentence) from error


def translate(
  error: tf.errors.OpError, dataset: Any, folder: str
) -> str | None:
  """Return the sentence for a TensorFlow error, None if the cause is unknown.

  See `explained` for the arguments.
  """
  summary = errors.error_summary(error)
  sentence = _without_a_search(error, summary, folder)
  if sentence is None and _is_of_input(error):
    sentence = describe_failure(dataset, summary)
  return sentence


def describe_failure(dataset: Any, summary: str) -> str:
  """Return which record of which file the input pipeline failed at, and why.

  Reads the data set from the start, for a limited time.

  Args:
    dataset: the tf-slim Dataset.
    summary: the cause that the pipeline gave, see `errors.error_summary`.
  """
  sentence, searched, complete = record_search.search(
    dataset, _check(dataset, summary)
  )
  if sentence:
    return sentence
  reason = _words_of_label(summary) or summary.rstrip('.')
  extent = 'all' if complete else 'the first'
  return (
    f'A record of {dataset.data_sources} cannot be used: {reason}. It was not '
    f'found again among {extent} {searched} records that were searched.'
  )


def _check(dataset, summary):
  """Return the cheapest check that finds the record, see record_search."""
  if summary.startswith(('corrupted record', 'truncated record')):
    return None
  label = _words_of_label(summary)
  if label:
    value = int(label.rpartition(' ')[2])
    return record_search.has_label(dataset, value, label)
  parsed = record_search.is_parsed(summary)
  if parsed:
    return parsed
  if summary.startswith(('Unknown image file format', 'Input is empty')):
    return record_search.is_encoded(dataset)
  return record_search.is_decodable(dataset)


def _words_of_label(summary):
  """Return what the loader says of a label out of range, or None."""
  start = summary.find(loaders.LABEL_OUT_OF_RANGE)
  return None if start < 0 else summary[start:].rstrip('.')


def _without_a_search(error, summary, folder):
  """Return the sentence for errors that are no record's fault, or None."""
  file_errno = errors.file_errno(summary)
  if file_errno in errors.FULL_DISK:
    return (
      f'No space left for {folder}. What was written before is whole. Free '
      'some space and run the same command again.'
    )
  if isinstance(error, tf.errors.ResourceExhaustedError):
    return (
      'Out of memory. Use a smaller --batch_size or a smaller image size. '
      f'({summary})'
    )
  path, separator, reason = summary.rpartition('; ')
  if file_errno is not None and separator:
    return f'{path} cannot be read or written: {reason}.'
  return None


def _is_of_input(error):
  """Return whether the input pipeline raised an error."""
  kinds = tf.errors.DataLossError | tf.errors.InvalidArgumentError
  return isinstance(error, kinds) and (
    'IteratorGetNext' in error.message or 'Iterator::' in error.message
  )
