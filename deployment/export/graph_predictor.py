"""Run a network that is a TensorFlow graph: a GraphDef or a SavedModel."""

from collections.abc import Sequence

import numpy as np
import tensorflow.compat.v1 as tf
from google.protobuf import text_format
from google.protobuf.message import DecodeError
from tensorflow.python.util import deprecation

from deployment.checkpoints import restore
from deployment.export import graph_summary, saved_model
from deployment.export.inference_graph import InferenceGraph
from slim_support import errors, files

_TEXT_SUFFIXES = ('.pbtxt', '.txt')
# What TensorFlow raises for graphs that it cannot load.
_LOAD_ERRORS = (
  OSError,
  RuntimeError,
  ValueError,
  TypeError,
  KeyError,
  AttributeError,
  DecodeError,
  tf.errors.OpError,
)


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

  def __init__(self, session: tf.Session, images: tf.Tensor, scores: tf.Tensor):
    self.session = session
    self.image_shape = _dims(images, 4)[1:]
    self.num_classes = _dims(scores, 2)[1]
    self._batch_size = images.shape.as_list()[0] if images.shape.rank else None
    self._run = session.make_callable(scores, [images])

  def __call__(self, images: np.ndarray | Sequence[bytes]) -> np.ndarray:
    """Return scores, [batch, classes].

    Args:
      images: [batch, height, width, channels]; the bytes of each image file
        where the signature takes image files.
    """
    size = self._batch_size
    if size is None or size == len(images):
      return self._run(images)
    starts = range(0, len(images), size)
    return np.concatenate([self._part(images[i : i + size]) for i in starts])

  def _part(self, images):
    """Run a batch of fixed size, filled up with the last image."""
    fill = [images[-1]] * (self._batch_size - len(images))
    return self._run([*images, *fill])[: len(images)]


def _dims(tensor, rank):
  return tensor.shape.as_list() if tensor.shape.rank == rank else [None] * rank


def from_network(
  network: InferenceGraph, prefix: str, averaged: bool
) -> GraphPredictor:
  """Return the predictor of the network itself, restored from a checkpoint.

  Args:
    network: the network.
    prefix: the checkpoint.
    averaged: whether to take the moving averages of the weights.

  Raises:
    UserError: if the checkpoint does not fit.
  """
  session = tf.Session(graph=network.graph)
  restore.restore(session, prefix, averaged)
  return GraphPredictor(session, network.images, network.probabilities)


def from_saved_model(
  folder: str, signature: str = saved_model.PREPARED
) -> GraphPredictor:
  """Return the predictor of a SavedModel.

  Args:
    folder: the SavedModel.
    signature: which of its signatures; it must have one input.

  Raises:
    UserError: if the folder holds no SavedModel with that signature.
  """
  _check_graph_file(folder)
  session = tf.Session(graph=tf.Graph())
  tags = [tf.saved_model.tag_constants.SERVING]
  try:
    with session.graph.as_default(), deprecation.silence():
      model = tf.saved_model.loader.load(session, tags, folder)
  except _LOAD_ERRORS as error:
    raise errors.UserError(
      f'{folder} cannot be loaded as a SavedModel: {_summary(error)}'
    ) from error
  if signature not in model.signature_def:
    raise errors.unknown_name(
      f'signature of {folder}', signature, model.signature_def
    )
  found = model.signature_def[signature]
  inputs, outputs = [*found.inputs.values()], [*found.outputs.values()]
  if len(inputs) != 1 or not outputs:
    raise errors.UserError(
      f'{folder}: the signature {signature} must have one input and an output, '
      f'but has {len(inputs)} inputs and {len(outputs)} outputs.'
    )
  scores = found.outputs.get('probabilities', outputs[0])
  try:
    tensors = [
      session.graph.get_tensor_by_name(info.name)
      for info in (inputs[0], scores)
    ]
  except (KeyError, ValueError) as error:
    raise errors.UserError(
      f'{folder}: the signature {signature} names a tensor that the graph does '
      f'not have: {_summary(error)}'
    ) from error
  return GraphPredictor(session, *tensors)


def _check_graph_file(folder):
  """Raise UserError for a pipe or a device in place of the graph's file.

  A missing file is left to the loader.
  """
  for name in ('saved_model.pb', 'saved_model.pbtxt'):
    try:
      files.check_regular(files.join(folder, name))
    except FileNotFoundError:
      continue
    except OSError as error:
      raise errors.UserError(
        f'{folder} cannot be loaded as a SavedModel: {name}: '
        f'{error.strerror or error}.'
      ) from error


def read_graph_def(path: str, as_text: bool | None = None) -> tf.GraphDef:
  """Return the GraphDef that a file holds.

  Args:
    path: the file.
    as_text: whether it is text; None stands for yes if it ends in .pbtxt or
      .txt.

  Raises:
    UserError: if the file holds none.
  """
  if as_text is None:
    as_text = path.endswith(_TEXT_SUFFIXES)
  graph_def = tf.GraphDef()
  try:
    data = files.read_bytes(path)
    if as_text:
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


def from_graph_def(
  graph_def: tf.GraphDef,
  input_name: str | None = None,
  output_name: str | None = None,
  path: str = 'The graph',
) -> GraphPredictor:
  """Return the predictor of a frozen GraphDef.

  Args:
    graph_def: the graph.
    input_name: name of its input node; its only placeholder by default.
    output_name: name of its output node; the only node without a consumer by
      default.
    path: where it was read from, for messages.

  Raises:
    UserError: if it cannot be loaded or has no such nodes.
  """
  session = tf.Session(graph=tf.Graph())
  with session.graph.as_default():
    try:
      tf.import_graph_def(graph_def, name='')
    except _LOAD_ERRORS as error:
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
  """Return the tensor of a node, found by name or as the only candidate."""
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
