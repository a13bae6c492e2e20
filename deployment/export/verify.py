"""The check that what was exported computes what the checkpoint does."""

import math

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.tools import freeze_graph
from tensorflow.python.util import deprecation

from deployment.export import (
  inference_graph,
  predictors,
  sample_images,
  saved_model,
)
from slim_support import errors

# Largest difference between probabilities that rounding explains. Of fewer
# bits nothing is promised: only the agreement is reported.
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


def verify(options, metadata: dict) -> list[dict]:
  """Compares everything that was exported with the checkpoint's network.

  Args:
    options: the ExportConfig.
    metadata: see `model_metadata.describe`.

  Returns:
    For each export 'name', 'difference' (the largest between probabilities)
    and 'agreement' (the share of images with the same most probable class).

  Raises:
    UserError: if one differs by more than rounding.
  """
  encoded = sample_images.encoded(options, metadata)
  images = sample_images.prepare(encoded, metadata)
  reference = predictors.from_network(
    inference_graph.build(
      options, metadata['num_classes'], metadata['channels']
    ),
    metadata['checkpoint'],
    bool(options.moving_average_decay),
  )
  expected = _batches(reference, images)
  rows = []
  for name, predictor, inputs in _exports(options, metadata, encoded, images):
    scores = _batches(predictor, inputs)
    rows.append(
      {
        'name': name,
        'difference': float(np.abs(scores - expected).max()),
        'agreement': float(np.mean(scores.argmax(1) == expected.argmax(1))),
      }
    )
  return rows


def check(rows: list[dict]):
  """Raises UserError if an export differs by more than rounding."""
  wrong = [row for row in rows if row['difference'] > TOLERANCE[row['name']]]
  if wrong:
    raise errors.UserError(
      '; '.join(
        f'{row["name"]} differs from the checkpoint by {row["difference"]:.2g}'
        for row in wrong
      )
      + '.'
    )


def report(rows: list[dict], count: int) -> str:
  """Returns a table of what `verify` found."""
  lines = [f'{"Verified on " + str(count) + " images":32}difference  top-1']
  lines += [
    f'  {row["name"]:30}{row["difference"]:10.2e}  {row["agreement"]:.4f}'
    for row in rows
  ]
  return '\n'.join(lines)


def _exports(options, metadata, encoded, images):
  """Yields (name, predictor, what it takes) for everything that was written."""
  if options.output_file and not options.moving_average_decay:
    yield 'GraphDef + freeze_graph', _frozen_by_tool(options, metadata), images
  if options.frozen_file:
    yield 'frozen', predictors.load(options.frozen_file), images
  if options.saved_model_dir:
    folder = options.saved_model_dir
    yield 'SavedModel', predictors.saved_model(folder), images
    by_file = predictors.saved_model(folder, saved_model.ENCODED)
    yield 'SavedModel, image files', by_file, encoded
  if options.tflite_file:
    kind = {'none': ''}.get(options.tflite_quantize, options.tflite_quantize)
    name = f'TensorFlow Lite {kind}'.strip()
    yield name, predictors.load(options.tflite_file), images
  if options.onnx_file:
    yield 'ONNX', predictors.load(options.onnx_file), images


def _frozen_by_tool(options, metadata):
  """Returns the predictor of the GraphDef, frozen by TensorFlow's own tool."""
  graph_def = predictors.read_graph_def(options.output_file)
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
  return predictors.from_graph_def(frozen, metadata['input']['name'], output)


def _batches(predictor, inputs):
  return np.concatenate(
    [
      predictor(inputs[start : start + _BATCH])
      for start in range(0, len(inputs), _BATCH)
    ]
  )
