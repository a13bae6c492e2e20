"""Pictures of an evaluation: the confusion matrix and the worst mistakes.

Drawn with matplotlib where it is installed, the extra `plots`.
"""

import io
import math

import tensorflow.compat.v1 as tf

from datasets import reading
from slim_support import errors

_COLUMNS = 5
_MOST_NAMED = 40
_DPI = 100


def _pyplot():
  """Returns matplotlib's Figure, drawing to memory; None if not installed."""
  try:
    return errors.import_extra('matplotlib.figure', 'plots').Figure
  except errors.UserError:
    return None


def available() -> bool:
  """Returns whether pictures can be drawn."""
  return _pyplot() is not None


def _png(figure) -> bytes:
  file = io.BytesIO()
  figure.savefig(file, format='png', dpi=_DPI, bbox_inches='tight')
  return file.getvalue()


def confusion_matrix(confusion, classes) -> bytes:
  """Returns the matrix as a PNG; rows are the true classes.

  Args:
    confusion: [true][predicted] counts.
    classes: names of the classes; many of them go unnamed.
  """
  side = min(4 + 0.3 * len(classes), 16)
  figure = _pyplot()(figsize=(side, side))
  axes = figure.add_subplot()
  shares = [[n / max(1, sum(row)) for n in row] for row in confusion]
  axes.imshow(shares, cmap='Blues', vmin=0, vmax=1)
  axes.set_xlabel('predicted')
  axes.set_ylabel('true')
  if len(classes) <= _MOST_NAMED:
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=90)
    axes.set_yticks(ticks, classes)
    for row, counts in enumerate(confusion):
      for column, count in enumerate(counts):
        if count:
          color = 'white' if shares[row][column] > 0.5 else 'black'
          axes.text(column, row, count, ha='center', va='center', color=color)
  return _png(figure)


def contact_sheet(dataset, mistakes) -> bytes:
  """Returns the mistaken images with what they are and were taken for, a PNG.

  Args:
    dataset: the slim Dataset; its records are read again.
    mistakes: list of {'index', 'label', 'prediction', 'probability'}.
  """
  images = _images(dataset, [mistake['index'] for mistake in mistakes])
  rows = math.ceil(len(mistakes) / _COLUMNS)
  figure = _pyplot()(figsize=(2.2 * _COLUMNS, 2.6 * rows))
  for place, mistake in enumerate(mistakes, 1):
    axes = figure.add_subplot(rows, _COLUMNS, place)
    axes.imshow(images[mistake['index']].squeeze(), cmap='gray')
    axes.set_axis_off()
    axes.set_title(
      f'{mistake["label"]}, taken for\n{mistake["prediction"]} '
      f'({mistake["probability"]:.2f})',
      fontsize=9,
    )
  return _png(figure)


def _images(dataset, indices):
  """Returns index -> uint8 image, for records by their order in the files."""
  wanted, found, number = set(indices), {}, 0
  with tf.Graph().as_default(), tf.Session() as session:
    record = tf.placeholder(tf.string, [])
    (image,) = dataset.decoder.decode(record, ['image'])
    for name in reading.list_files(dataset):
      for content in tf.io.tf_record_iterator(name):
        if number in wanted:
          found[number] = session.run(image, {record: content})
        number += 1
        if len(found) == len(wanted):
          return found
  return found


def image_summary(tag: str, png: bytes) -> tf.Summary:
  """Returns a picture for TensorBoard."""
  image = tf.Summary.Image(encoded_image_string=png)
  return tf.Summary(value=[tf.Summary.Value(tag=tag, image=image)])
