"""Write the frozen network as an ONNX file, with tf2onnx.

The input stays [batch, height, width, channels], under the name it has here.
"""

import logging
from typing import Any

from deployment.export import exported_files
from slim_support import errors

_OPSET = 17
_EXTRA = 'onnx'


def check_installed() -> None:
  """Raise UserError unless the packages for ONNX are installed."""
  for module in ('tf2onnx', 'onnx', 'onnxruntime'):
    errors.import_extra(module, _EXTRA)


def write(path: str, frozen: Any, metadata: dict[str, Any]) -> None:
  """Write the ONNX model and its metadata.

  Args:
    path: the file.
    frozen: the network as a GraphDef, see `frozen_graph.freeze`.
    metadata: see `model_metadata.describe`.

  Raises:
    UserError: if tf2onnx is not installed, the network cannot be converted,
      or the file cannot be written.
  """
  convert = errors.import_extra('tf2onnx.convert', _EXTRA)
  logging.getLogger('tf2onnx').setLevel(logging.ERROR)
  try:
    model, _ = convert.from_graph_def(
      frozen,
      name=metadata['model_name'],
      input_names=[f'{metadata["input"]["name"]}:0'],
      output_names=[f'{metadata["output"]["name"]}:0'],
      opset=_OPSET,
    )
  except (ValueError, RuntimeError, KeyError, AssertionError) as error:
    raise errors.UserError(
      f'{metadata["model_name"]} cannot be converted to ONNX: '
      f'{errors.error_summary(error)}'
    ) from error
  exported_files.write(path, model.SerializeToString(), metadata)
