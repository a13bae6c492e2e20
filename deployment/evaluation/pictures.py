"""Pictures of an evaluation: the confusion matrix and the worst mistakes.

They are drawn with matplotlib where it is installed, the extra `plots`.
"""

import io
import math
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from datasets import reading
from slim_support import errors

_COLUMNS = 5
_MOST_NAMED = 40
_MOST_CHARACTERS = 40
_DPI = 100


def _figure_class():
  """Return matplotlib's Figure, which draws to memory; None without it."""
  try:
    return errors.import_extra('matplotlib.figure', 'plots').Figure
  except errors.UserError:
    return None


def can_draw() -> bool:
  """Return whether matplotlib is installed."""
  return _figure_class() is not None


def _png(figure) -> bytes:
  file = io.BytesIO()
  figure.savefig(file, format='png', dpi=_DPI, bbox_inches='tight')
  return file.getvalue()


def _plain(name):
  """Return a name that matplotlib draws as it is: short, no formulas."""
  if len(name) > _MOST_CHARACTERS:
    name = name[: _MOST_CHARACTERS - 1] + '…'
  return name.replace('$', r'\$')


def confusion_matrix(confusion: list[list[int]], classes: list[str]) -> bytes:
  """Return the confusion matrix as a PNG; its rows are the true classes.

  Args:
    confusion: [true][predicted] counts.
    classes: names of the classes; they are drawn if there are at most 40.
  """
  side = min(4 + 0.3 * len(classes), 16)
  figure = _figure_class()(figsize=(side, side))
  axes = figure.add_subplot()
  counts = np.array(confusion)
  shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
  axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
  axes.set_xlabel('predicted')
  axes.set_ylabel('true')
  if len(classes) <= _MOST_NAMED:
    ticks, names = range(len(classes)), [_plain(name) for name in classes]
    axes.set_xticks(ticks, names, rotation=90)
    axes.set_yticks(ticks, names)
    for row, column in np.argwhere(counts):
      color = 'white' if shares[row, column] > 0.5 else 'black'
      axes.text(
        column, row, counts[row, column], ha='center', va='center', color=color
      )
  return _png(figure)


def contact_sheet(dataset: Any, mistakes: list[dict[str, Any]]) -> bytes:
  """Return the misclassified images with both class names as a PNG.

  Args:
    dataset: the tf-slim Dataset; its records are read again.
    mistakes: dicts of 'index', 'label', 'prediction' and 'probability'.

  Raises:
    UserError: if a record cannot be read.
  """
  images = _images(dataset, [mistake['index'] for mistake in mistakes])
  rows = math.ceil(len(mistakes) / _COLUMNS)
  figure = _figure_class()(figsize=(2.2 * _COLUMNS, 2.6 * rows))
  for place, mistake in enumerate(mistakes, 1):
    axes = figure.add_subplot(rows, _COLUMNS, place)
    axes.imshow(images[mistake['index']].squeeze(), cmap='gray')
    axes.set_axis_off()
    axes.set_title(
      f'{_plain(mistake["label"])}, predicted as\n'
      f'{_plain(mistake["prediction"])} ({mistake["probability"]:.2f})',
      fontsize=9,
    )
  return _png(figure)


def _images(dataset, indices):
  """Return index -> uint8 image, for records by their order in the files."""
  wanted, found = {*indices}, {}
  records = reading.serialized_records(reading.list_files(dataset))
  with tf.Graph().as_default(), tf.Session() as session:
    record = tf.placeholder(tf.string, [])
    (image,) = dataset.decoder.decode(record, ['image'])
    for number, content in enumerate(records):
      if number in wanted:
        found[number] = session.run(image, {record: content})
      if len(found) == len(wanted):
        break
  return found


def image_summary(tag: str, png: bytes) -> tf.Summary:
  """Return a picture for TensorBoard.

  Args:
    tag: its name there.
    png: the picture.
  """
  image = tf.Summary.Image(encoded_image_string=png)
  return tf.Summary(value=[tf.Summary.Value(tag=tag, image=image)])
