"""Read curves from event files, which TensorBoard reads too."""

import math

import tensorflow.compat.v1 as tf
from absl import logging
from google.protobuf.message import DecodeError

from datasets import reading
from slim_support import errors, files


def read_scalars(folder: str) -> dict[str, list[tuple[int, float]]]:
  """Return the curves in all event files of a folder.

  A file that an interruption cut short is read as far as possible, with a
  warning. Values that are NaN or infinite are left out.

  Args:
    folder: the folder.

  Returns:
    Tag -> [(step, value)], by step.
  """
  curves = {}
  for path in files.glob(folder, '*.tfevents.*'):
    for event in _events(path):
      for value in event.summary.value:
        if value.WhichOneof('value') == 'simple_value' and math.isfinite(
          value.simple_value
        ):
          points = curves.setdefault(value.tag, [])
          points.append((event.step, value.simple_value))
  return {tag: sorted(points) for tag, points in curves.items()}


def _events(path):
  """Yield the events of a file up to the first that is damaged."""
  count = 0
  try:
    for record in reading.serialized_records([path]):
      yield tf.Event.FromString(record)
      count += 1
  except (errors.UserError, DecodeError):
    logging.warning(
      '%s is damaged after %d events; the rest is left out.', path, count
    )
