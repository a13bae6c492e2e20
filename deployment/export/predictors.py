"""Running a network in whatever form it was exported.

A predictor takes images that are ready for the network and gives scores:

    predictor = predictors.load('/tmp/frozen.pb')
    scores = predictor(images)  # [batch, classes]
"""

import importlib
import os

import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.python.util import deprecation

from deployment.checkpoints import restore
from deployment.export import graph_summary, saved_model
from slim_support import errors, files

_TEXT_SUFFIXES = ('.pbtxt', '.txt')


def load(path: str, input_name=None, output_name=None):
  """Returns the predictor of an exported file or folder.

  Args:
    path: a SavedModel's folder, a .tflite or .onnx file, or a frozen GraphDef.
    input_name: name of the GraphDef's input node; its only placeholder by
      default.
    output_name: name of its output node; the only node without a consumer by
      default.

  Raises:
    UserError: if the file cannot be loaded or has no such nodes.
  """
  if os.path.isdir(path):
    return saved_model(path)
  if not os.path.lexists(path):
    raise errors.UserError(f'There is no exported network {path!r}.')
  _check_readable(path)
  if path.endswith('.tflite'):
    return TFLite(path)
  if path.endswith('.onnx'):
    return Onnx(path)
  return from_graph_def(read_graph_def(path), input_name, output_name, path)


def _check_readable(path):
  """Raise UserError for a file that cannot be read, a pipe or a device."""
  try:
    files.read_bytes(path, limit=1)
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be read: {error.strerror or error}.'
    ) from error


class GraphPredictor:
  """A network in a session.

  Attributes:
    image_shape: [height, width, channels], None where it is open.
    num_classes: how many scores there are, None if that is open.

  Args:
    session: the session, with weights.
    images: the tensor to feed.
    scores: the tensor to fetch.
  """

  def __init__(self, session, images, scores):
    self.session = session
    self.image_shape = _dims(images, 4)[1:]
    self.num_classes = _dims(scores, 2)[1]
    self._batch_size = images.shape.as_list()[0] if images.shape.rank else None
    self._run = session.make_callable(scores, [images])

  def __call__(self, images):
    """Returns scores [batch, classes] for images [batch, h, w, channels].

    Where the signature takes image files, images are a list of their bytes.
    """
    size = self._batch_size
    if size is None or size == len(images):
      return self._run(images)
    starts = range(0, len(images), size)
    return np.concatenate([self._part(images[i : i + size]) for i in starts])

  def _part(self, images):
    """Runs a batch of fixed size, filled up with the last image."""
    fill = [images[-1]] * (self._batch_size - len(images))
    return self._run([*images, *fill])[: len(images)]


def _dims(tensor, rank):
  return tensor.shape.as_list() if tensor.shape.rank == rank else [None] * rank


def from_network(network, prefix: str, averaged: bool):
  """Returns the predictor of the network itself, restored from a checkpoint.

  Args:
    network: an `inference_graph.InferenceGraph`.
    prefix: the checkpoint.
    averaged: whether to take the moving averages of the weights.

  Raises:
    UserError: if the checkpoint does not fit.
  """
  session = tf.Session(graph=network.graph)
  restore.restore(session, prefix, averaged)
  return GraphPredictor(session, network.images, network.probabilities)


def saved_model(folder: str, signature: str = saved_model.PREPARED):
  """Returns the predictor of a SavedModel.

  Args:
    folder: the SavedModel.
    signature: which of its signatures; it must have one input.

  Raises:
    UserError: if the folder holds no SavedModel with that signature.
  """
  session = tf.Session(graph=tf.Graph())
  tags = [tf.saved_model.tag_constants.SERVING]
  try:
    with session.graph.as_default(), deprecation.silence():
      model = tf.saved_model.loader.load(session, tags, folder)
  except (OSError, RuntimeError, tf.errors.OpError) as error:
    raise errors.UserError(
      f'{folder} cannot be loaded as a SavedModel: {_summary(error)}'
    ) from error
  if signature not in model.signature_def:
    raise errors.unknown_name(
      f'signature of {folder}', signature, model.signature_def
    )
  found = model.signature_def[signature]
  (images,) = found.inputs.values()
  scores = found.outputs.get('probabilities', [*found.outputs.values()][0])
  graph = session.graph
  return GraphPredictor(
    session,
    graph.get_tensor_by_name(images.name),
    graph.get_tensor_by_name(scores.name),
  )


def read_graph_def(path: str) -> tf.GraphDef:
  """Reads a GraphDef, binary or, by its suffix .pbtxt or .txt, text.

  Raises:
    UserError: if the file holds none.
  """
  graph_def = tf.GraphDef()
  try:
    data = files.read_bytes(path)
    if path.endswith(_TEXT_SUFFIXES):
      text_format.Parse(data, graph_def)
    else:
      graph_def.ParseFromString(data)
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be read: {error.strerror or error}.'
    ) from error
  except (DecodeError, text_format.ParseError, ValueError) as error:
    raise errors.UserError(
      f'{path} is not a GraphDef: {_summary(error)}'
    ) from error
  if not graph_def.node:
    raise errors.UserError(f'{path} is not a GraphDef: it has no nodes.')
  return graph_def


def _summary(error):
  """Return the cause of an error as the end of a sentence."""
  return f'{errors.error_summary(error).rstrip(".")}.'


def from_graph_def(graph_def, input_name=None, output_name=None, path=''):
  """Returns the predictor of a frozen GraphDef; see `load`."""
  session = tf.Session(graph=tf.Graph())
  with session.graph.as_default():
    try:
      tf.import_graph_def(graph_def, name='')
    except (ValueError, TypeError, KeyError, tf.errors.OpError) as error:
      raise errors.UserError(
        f'{path} cannot be loaded: {_summary(error)}'
      ) from error
  unfrozen = graph_summary.variables(session.graph)
  if unfrozen:
    raise errors.UserError(
      f'{path} holds {len(unfrozen)} variables without values. Freeze it '
      'first, with `python -m tensorflow.python.tools.freeze_graph`.'
    )
  images = _node(session.graph, 'input_layer', input_name, graph_summary.inputs)
  scores = _node(
    session.graph, 'output_layer', output_name, graph_summary.outputs
  )
  _check_input(images)
  _check_output(scores, images)
  return GraphPredictor(session, images, scores)


def _check_input(images):
  """Raise UserError if a tensor cannot take images."""
  shown = f'--input_layer={images.op.name}'
  if images.op.type == 'Const':
    raise errors.UserError(
      f'{shown} is a constant. Name the node that takes images.'
    )
  if images.dtype.base_dtype != tf.float32:
    raise errors.UserError(
      f'{shown} takes {images.dtype.base_dtype.name} values; images are float.'
    )
  if images.shape.rank not in (None, 4):
    raise errors.UserError(
      f'{shown} has {images.shape.rank} dimensions; images are [batch, height, '
      'width, channels].'
    )


def _check_output(scores, images):
  """Raise UserError if a tensor does not depend on the images."""
  is_input = scores.op is images.op or scores.op.type == 'Placeholder'
  if is_input or scores.op.type == 'Const':
    raise errors.UserError(
      f'--output_layer={scores.op.name} is '
      f'{"an input" if is_input else "a constant"} of the graph. Name the node '
      'that gives scores.'
    )


def _node(graph, flag, name, candidates):
  """Returns the tensor of a node, found by name or as the only candidate."""
  if name is None:
    names = [op.name for op in candidates(graph)]
    if len(names) != 1:
      raise errors.UserError(
        f'--{flag} is missing: the graph has {len(names)} candidates'
        + (f', {", ".join(names[:5])}.' if names else '.')
      )
    (name,) = names
  try:
    return graph.get_tensor_by_name(name if ':' in name else f'{name}:0')
  except (KeyError, ValueError) as error:
    known = [op.name for op in graph.get_operations()]
    raise errors.UserError(
      f'--{flag}={name}: the graph has no such node.'
      f'{errors.did_you_mean(name, known)}'
    ) from error


class TFLite:
  """A .tflite file; attributes as `GraphPredictor`.

  Args:
    path: the file. Integers in and out are converted from and to floats.
  """

  def __init__(self, path):
    try:
      self._interpreter = _interpreter_class()(
        model_path=path, num_threads=os.cpu_count()
      )
    except ValueError as error:
      raise errors.UserError(
        f'{path} is not a TensorFlow Lite model: {_summary(error)}'
      ) from error
    self._interpreter.allocate_tensors()
    (self._input,) = self._interpreter.get_input_details()
    (self._output,) = self._interpreter.get_output_details()
    self.image_shape = [int(n) for n in self._input['shape'][1:]]
    self.num_classes = int(self._output['shape'][1])

  def __call__(self, images):
    """Returns scores [batch, classes], one image after the other."""
    return np.concatenate([self._one(image) for image in images])

  def _one(self, image):
    value = _quantized(image[None], self._input)
    self._interpreter.set_tensor(self._input['index'], value)
    self._interpreter.invoke()
    value = self._interpreter.get_tensor(self._output['index'])
    scale, zero_point = self._output['quantization']
    return (value.astype(np.float32) - zero_point) * scale if scale else value


def _quantized(value, details):
  """Returns floats as the tensor wants them, integers rounded and clipped."""
  scale, zero_point = details['quantization']
  if not scale:
    return value.astype(details['dtype'])
  limits = np.iinfo(details['dtype'])
  rounded = np.round(value / scale) + zero_point
  return np.clip(rounded, limits.min, limits.max).astype(details['dtype'])


def _interpreter_class():
  """Returns LiteRT's interpreter, where missing the older one of TensorFlow."""
  try:
    return importlib.import_module('ai_edge_litert.interpreter').Interpreter
  except ImportError:
    return tf.lite.Interpreter


class Onnx:
  """An ONNX file; attributes as `GraphPredictor`.

  Args:
    path: the file.
  """

  def __init__(self, path):
    runtime = errors.import_extra('onnxruntime', 'onnx')
    try:
      self._session = runtime.InferenceSession(
        path, providers=['CPUExecutionProvider']
      )
    except Exception as error:  # the runtime's errors have no common class
      raise errors.UserError(
        f'{path} cannot be loaded as an ONNX model: {_summary(error)}'
      ) from error
    (self._input,) = self._session.get_inputs()
    (output,) = self._session.get_outputs()
    dims = self._input.shape[1:]
    self.image_shape = [n if isinstance(n, int) else None for n in dims]
    self.num_classes = output.shape[1]

  def __call__(self, images):
    """Returns scores [batch, classes] for images [batch, h, w, channels]."""
    (scores,) = self._session.run(None, {self._input.name: images})
    return scores
