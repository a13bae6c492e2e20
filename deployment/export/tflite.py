"""TensorFlow Lite: the frozen network as a .tflite file.

float16 halves the file and computes in float32. int8 quarters it and computes
in integers throughout, input and output included: real = scale (integer -
zero_point), with both numbers in the file (B. Jacob et al., "Quantization and
Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
2017, arXiv:1712.05877).
"""

import contextlib

import tensorflow.compat.v1 as tf
from tensorflow.lite.python import convert_phase

from deployment.export import exported_files
from slim_support import errors, output


def write(
  path: str,
  frozen: tf.GraphDef,
  metadata: dict,
  *,
  quantize: str = 'none',
  calibration=(),
):
  """Writes the .tflite file and its metadata.

  Args:
    path: the file.
    frozen: the network, see `frozen_graph.freeze`.
    metadata: see `model_metadata.describe`.
    quantize: 'none', 'float16' or 'int8'.
    calibration: prepared images, float32 [size, size, channels], from which
      int8 takes the range of every activation.

  Raises:
    UserError: if the network cannot be converted or the file not be written.
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
  try:
    return converter.convert()
  except convert_phase.ConverterError as error:
    raise errors.UserError(
      f'{metadata["model_name"]} cannot be converted to TensorFlow Lite: '
      f'{errors.error_summary(error)}'
    ) from error


def _leave(converter, calibration):
  """Keeps float32."""


def _to_float16(converter, calibration):
  del calibration
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  converter.target_spec.supported_types = [tf.float16]


def _to_int8(converter, calibration):
  converter.optimizations = [tf.lite.Optimize.DEFAULT]
  converter.representative_dataset = lambda: ([x[None]] for x in calibration)
  converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
  converter.inference_input_type = tf.int8
  converter.inference_output_type = tf.int8


_QUANTIZE = {'none': _leave, 'float16': _to_float16, 'int8': _to_int8}


@contextlib.contextmanager
def _silence():
  """Keeps the converter's progress reports, hundreds of lines, off stderr."""
  verbosity = tf.logging.get_verbosity()
  tf.logging.set_verbosity(tf.logging.ERROR)
  try:
    with output.silent_stderr():
      yield
  finally:
    tf.logging.set_verbosity(verbosity)
