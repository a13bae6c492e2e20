"""Check that what was exported computes the same as the checkpoint."""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.tools import freeze_graph
from tensorflow.python.util import deprecation

from deployment.export import (
  graph_predictor,
  inference_graph,
  onnx_predictor,
  sample_images,
  saved_model,
  tflite_predictor,
)
from deployment.export.config import ExportConfig
from slim_support import errors
from slim_support.progress import Progress

# The largest difference between probabilities that rounding explains. Numbers
# of fewer bits have no bound: only the agreement is reported.
TOLERANCE = {
  'GraphDef + freeze_graph': 1e-5,
  'frozen': 1e-5,
  'SavedModel': 1e-5,
  'SavedModel, image files': 1e-5,
  'TensorFlow Lite': 1e-4,
  'TensorFlow Lite float16': math.inf,
  'TensorFlow Lite int8': math.inf,
  'ONNX': 1e-4,
}
_BATCH = 16


class _Export(NamedTuple):
  """An exported network.

  Attributes:
    name: one of TOLERANCE.
    run: maps a batch to scores [batch, classes].
    takes_files: whether it takes the bytes of image files, not images.
  """

  name: str
  run: Callable[[Any], np.ndarray]
  takes_files: bool = False


def verify(
  options: ExportConfig, metadata: dict[str, Any]
) -> list[dict[str, Any]]:
  """Compare everything that was exported with the checkpoint's network.

  Args:
    options: the configuration.
    metadata: see `model_metadata.describe`.

  Returns:
    For each export 'name', 'images' (how many were compared), 'difference'
    (the largest between probabilities) and 'agreement' (the share of images
    with the same most probable class).

  Raises:
    UserError: if a network gives scores that are NaN or infinite.
  """
  reference = graph_predictor.from_network(
    inference_graph.build(
      options, metadata['num_classes'], metadata['channels']
    ),
    metadata['checkpoint'],
    bool(options.moving_average_decay),
  )
  exports = [*_exports(options, metadata)]
  rows = {
    export.name: {'images': 0, 'difference': 0.0, 'agreement': 0}
    for export in exports
  }
  image_files = sample_images.encoded(options, metadata)
  with Progress('Verifying', options.verify_images) as progress:
    while batch := [*itertools.islice(image_files, _BATCH)]:
      images = sample_images.prepare(batch, metadata)
      expected = _scores('The checkpoint', reference, images)
      for name, run, takes_files in exports:
        scores = _scores(name, run, batch if takes_files else images)
        _compare(rows[name], scores, expected)
      progress.add(len(batch))
  return [
    {'name': name} | row | {'agreement': row['agreement'] / row['images']}
    for name, row in rows.items()
  ]


def _scores(name, run, batch):
  """Return the scores of a batch.

  Raises:
    UserError: if they are NaN or infinite, or the network does not run.
  """
  try:
    scores = np.asarray(run(batch))
  except (RuntimeError, ValueError, tf.errors.OpError) as error:
    if isinstance(error, errors.UserError):
      raise
    raise errors.UserError(
      f'{name} does not run: {errors.error_summary(error)}'
    ) from error
  if not np.isfinite(scores).all():
    raise errors.UserError(f'{name} gives scores that are NaN or infinite.')
  return scores


def _compare(row, scores, expected):
  """Add a batch to the row of an export."""
  row['images'] += len(expected)
  row['difference'] = max(
    row['difference'], float(np.abs(scores - expected).max())
  )
  row['agreement'] += int(np.sum(scores.argmax(1) == expected.argmax(1)))


def check(rows: list[dict[str, Any]]) -> None:
  """Raise UserError if an export differs by more than rounding.

  Args:
    rows: what `verify` returned.
  """
  # Written so that a difference that is NaN does not pass.
  wrong = [
    row for row in rows if not row['difference'] <= TOLERANCE[row['name']]
  ]
  if wrong:
    raise errors.UserError(
      '; '.join(
        f'{row["name"]} differs from the checkpoint by {row["difference"]:.2g}'
        for row in wrong
      )
      + '.'
    )


def format_table(rows: list[dict[str, Any]]) -> str:
  """Return what `verify` found as a table."""
  title = f'Verified on {rows[0]["images"]} images'
  lines = [f'{title:32}difference  top-1']
  lines += [
    f'  {row["name"]:30}{row["difference"]:10.2e}  {row["agreement"]:.4f}'
    for row in rows
  ]
  return '\n'.join(lines)


def _exports(
  options: ExportConfig, metadata: dict[str, Any]
) -> Iterator[_Export]:
  """Yield everything that was exported, whatever its suffix."""
  if options.output_file and not options.moving_average_decay:
    yield _Export('GraphDef + freeze_graph', _frozen_by_tool(options, metadata))
  if options.frozen_file:
    path = options.frozen_file
    graph_def = graph_predictor.read_graph_def(path, as_text=False)
    names = (metadata[node]['name'] for node in ('input', 'output'))
    predictor = graph_predictor.from_graph_def(graph_def, *names, path)
    yield _Export('frozen', predictor)
  if options.saved_model_dir:
    load = graph_predictor.from_saved_model
    folder = options.saved_model_dir
    yield _Export('SavedModel', load(folder))
    by_file = load(folder, saved_model.ENCODED)
    yield _Export('SavedModel, image files', by_file, takes_files=True)
  if options.tflite_file:
    number_format = {'none': ''}.get(
      options.tflite_quantize, options.tflite_quantize
    )
    name = f'TensorFlow Lite {number_format}'.strip()
    predictor = tflite_predictor.TFLitePredictor(options.tflite_file)
    yield _Export(name, predictor)
  if options.onnx_file:
    yield _Export('ONNX', onnx_predictor.OnnxPredictor(options.onnx_file))


def _frozen_by_tool(options, metadata):
  """Return the predictor of the GraphDef, frozen by TensorFlow's own tool."""
  path = options.output_file
  read = graph_predictor.read_graph_def
  graph_def = read(path, as_text=options.write_text_graphdef)
  output = metadata['output']['name']
  with tf.Graph().as_default(), deprecation.silence():
    frozen = freeze_graph.freeze_graph_with_def_protos(
      graph_def,
      None,
      metadata['checkpoint'],
      output,
      'save/restore_all',
      'save/Const:0',
      '',
      True,
      '',
    )
  return graph_predictor.from_graph_def(
    frozen, metadata['input']['name'], output, path
  )
