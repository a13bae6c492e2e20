"""Write the frozen network as a TensorFlow Lite file.

float16 halves the file and computes in float32. int8 makes it a quarter as
large and computes in integers only, input and output included: real = scale
(integer - zero_point), with both numbers in the file (B. Jacob et al.,
"Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", 2017, arXiv:1712.05877).
"""

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.lite.python import convert_phase

from deployment.export import exported_files
from slim_support import errors, output, signals


def write(
  path: str,
  frozen: tf.GraphDef,
  metadata: dict[str, Any],
  *,
  quantize: str = 'none',
  calibration: Callable[[], Iterable[np.ndarray]] = tuple,
) -> None:
  """Write the .tflite file and its metadata.

  Args:
    path: the file.
    frozen: the network, see `frozen_graph.freeze`.
    metadata: see `model_metadata.describe`.
    quantize: 'none', 'float16' or 'int8'.
    calibration: returns prepared images, float32 [size, size, channels], from
      which int8 takes the range of every activation.

  Raises:
    UserError: if the network cannot be converted or the file cannot be
      written.
  """
  with tf.Graph().as_default():
    images, probabilities = tf.import_graph_def(
      frozen,
      return_elements=[
        f'{metadata["input"]["name"]}:0',
        f'{metadata["output"]["name"]}:0',
      ],
      name='',
    )
    with _silence():
      converter = tf.lite.TFLiteConverter(frozen, [images], [probabilities])
      _QUANTIZE[quantize](converter, calibration)
      model = _converted(converter, metadata)
  exported_files.write(path, model, metadata | {'quantize': quantize})


def _converted(converter, metadata) -> bytes:
  """Return the model.

  Raises:
    UserError: if the network cannot be converted.
  """
  try:
    return converter.convert()
  except errors.UserError:
    raise
  except (convert_phase.ConverterError, RuntimeError, ValueError) as error:
    # Python code that the converter calls may have been interrupted.
    signals.raise_if_interrupted()
    raise errors.UserError(
      f'{metadata["model_name"]} cannot be converted to TensorFlow Lite: '
      f'{errors.error_summary(error)}'
    ) from error


def _leave(converter, calibration):
  """Keep float32."""


def _to_float16(converter, calibration):
  del calibration
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  converter.target_spec.supported_types = [tf.float16]


def _to_int8(converter, calibration):
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  converter.representative_dataset = lambda: (
    [image[None]] for image in calibration()
  )
  converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
  converter.inference_input_type = tf.int8
  converter.inference_output_type = tf.int8


_QUANTIZE = {'none': _leave, 'float16': _to_float16, 'int8': _to_int8}


@contextlib.contextmanager
def _silence():
  """Discard the converter's hundreds of lines of progress."""
  verbosity = tf.logging.get_verbosity()
  tf.logging.set_verbosity(tf.logging.ERROR)
  try:
    with output.silent_stderr():
      yield
  finally:
    tf.logging.set_verbosity(verbosity)
