"""ONNX: the frozen network for other runtimes, by tf2onnx.

The input stays [batch, height, width, channels], under the name it has here.
"""

import logging

from deployment.export import exported_files
from slim_support import errors

_OPSET = 17
_EXTRA = 'onnx'


def check_installed():
  """Raises UserError unless the packages for ONNX are installed."""
  for module in ('tf2onnx', 'onnx', 'onnxruntime'):
    errors.import_extra(module, _EXTRA)


def write(path: str, frozen, metadata: dict):
  """Writes the ONNX model and its metadata.

  Args:
    path: the file.
    frozen: the network as a GraphDef, see `frozen_graph.freeze`.
    metadata: see `model_metadata.describe`.

  Raises:
    UserError: if tf2onnx is not installed, or the file cannot be written.
  """
  convert = errors.import_extra('tf2onnx.convert', _EXTRA)
  logging.getLogger('tf2onnx').setLevel(logging.ERROR)
  model, _ = convert.from_graph_def(
    frozen,
    name=metadata['model_name'],
    input_names=[f'{metadata["input"]["name"]}:0'],
    output_names=[f'{metadata["output"]["name"]}:0'],
    opset=_OPSET,
  )
  exported_files.write(path, model.SerializeToString(), metadata)
