"""Run a network in whatever form it was exported.

A predictor takes images that are ready for the network and gives scores:

    predictor = predictors.load('/tmp/frozen.pb')
    scores = predictor(images)  # [batch, classes]
"""

import os
from typing import Protocol

import numpy as np

from deployment.export import (
  graph_predictor,
  onnx_predictor,
  tflite_predictor,
)
from slim_support import errors, files


class Predictor(Protocol):
  """A network that is ready to run.

  Attributes:
    image_shape: [height, width, channels], None where it is not fixed.
    num_classes: number of scores, None if that is not fixed.
  """

  image_shape: list[int | None]
  num_classes: int | None

  def __call__(self, images: np.ndarray) -> np.ndarray:
    """Return scores [batch, classes] for images [batch, h, w, channels]."""


def load(
  path: str, input_name: str | None = None, output_name: str | None = None
) -> Predictor:
  """Return the predictor of an exported file or folder.

  Args:
    path: a SavedModel's folder, a .tflite or .onnx file, or a frozen GraphDef.
    input_name: name of the GraphDef's input node; its only placeholder by
      default.
    output_name: name of its output node; the only node without a consumer by
      default.

  Raises:
    UserError: if the file cannot be loaded or has no such nodes.
  """
  if files.is_folder(path):
    return graph_predictor.from_saved_model(path)
  if not files.is_remote(path) and not os.path.lexists(path):
    raise errors.UserError(f'There is no exported network {path!r}.')
  _check_readable(path)
  if path.endswith('.tflite'):
    return tflite_predictor.TFLitePredictor(path)
  if path.endswith('.onnx'):
    return onnx_predictor.OnnxPredictor(path)
  graph_def = graph_predictor.read_graph_def(path)
  return graph_predictor.from_graph_def(
    graph_def, input_name, output_name, path
  )


def _check_readable(path):
  """Raise UserError for a file that cannot be read, a pipe or a device."""
  try:
    files.read_bytes(path, limit=1)
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be read: {error.strerror or error}.'
    ) from error
