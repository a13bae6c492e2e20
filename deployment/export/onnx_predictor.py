"""Run an ONNX file with onnxruntime."""

import numpy as np

from slim_support import errors


class OnnxPredictor:
  """An ONNX file; a `predictors.Predictor`.

  Args:
    path: the file.

  Raises:
    UserError: if it cannot be loaded or is not an image classifier.
  """

  def __init__(self, path: str):
    runtime = errors.import_extra('onnxruntime', 'onnx')
    try:
      self._session = runtime.InferenceSession(
        path, providers=['CPUExecutionProvider']
      )
    except Exception as error:  # Its errors have no common class.
      reason = errors.error_summary(error).rstrip('.')
      raise errors.UserError(
        f'{path} cannot be loaded as an ONNX model: {reason}.'
      ) from error
    inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
    shapes = [len(tensor.shape) for tensor in (*inputs, *outputs)]
    if len(inputs) != 1 or len(outputs) != 1 or shapes != [4, 2]:
      raise errors.UserError(
        f'{path} does not classify images: it must have one input [batch, '
        'height, width, channels] and one output [batch, classes].'
      )
    self._input_name = inputs[0].name
    dims = inputs[0].shape[1:]
    self.image_shape = [n if isinstance(n, int) else None for n in dims]
    classes = outputs[0].shape[1]
    self.num_classes = classes if isinstance(classes, int) else None

  def __call__(self, images: np.ndarray) -> np.ndarray:
    """Return scores [batch, classes] for images [batch, h, w, channels].

    Raises:
      UserError: if the model does not run on such images.
    """
    try:
      (scores,) = self._session.run(None, {self._input_name: images})
    except Exception as error:  # Its errors have no common class.
      reason = errors.error_summary(error).rstrip('.')
      raise errors.UserError(
        f'The ONNX model does not run: {reason}.'
      ) from error
    return scores
