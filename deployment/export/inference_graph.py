"""Build the inference graph of a network, from `input` to probabilities."""

import dataclasses

import tensorflow.compat.v1 as tf

from deployment.export.config import ExportConfig
from nets import nets_factory
from slim_support import errors

INPUT = 'input'


@dataclasses.dataclass(frozen=True)
class InferenceGraph:
  """A network without weights, ready to be written or restored.

  Attributes:
    graph: the tf.Graph.
    images: its placeholder, float32 [batch, size, size, channels].
    logits: [batch, classes].
    probabilities: [batch, classes], each row adds up to 1.
  """

  graph: tf.Graph
  images: tf.Tensor
  logits: tf.Tensor
  probabilities: tf.Tensor

  @property
  def output(self) -> str:
    """Name of the node with the probabilities."""
    return self.probabilities.op.name


def build(
  options: ExportConfig, num_classes: int, channels: int | None = None
) -> InferenceGraph:
  """Build the network of an ExportConfig in a graph of its own.

  A network that ends in logits gets a softmax named `probabilities`.

  Args:
    options: the configuration.
    num_classes: number of classes.
    channels: channels of its images; None for those of the configuration.

  Raises:
    UserError: if the network cannot be built for images of that size.
  """
  row = nets_factory.network(options.model_name)
  size = options.image_size or row.image_size
  channels = channels or (1 if options.use_grayscale else row.default_channels)
  network_fn = nets_factory.get_network_fn(
    options.model_name, num_classes, is_training=options.is_training
  )
  graph = tf.Graph()
  with graph.as_default():
    images = tf.placeholder(
      tf.float32, [options.batch_size, size, size, channels], name=INPUT
    )
    try:
      logits, end_points = network_fn(images)
    except errors.UserError as error:
      raise errors.UserError(f'--image_size={size}: {error}') from error
    if logits.shape.rank != 2:
      raise errors.UserError(
        f'--image_size={size}: {options.model_name} has logits at several '
        f'places of such images, {logits.shape}. Use --image_size='
        f'{row.image_size}.'
      )
    probabilities = end_points.get('Predictions', end_points.get('predictions'))
    if probabilities is None:
      probabilities = tf.nn.softmax(logits, name='probabilities')
  return InferenceGraph(graph, images, logits, probabilities)


def serialize(network: InferenceGraph, as_text: bool) -> bytes:
  """Return the GraphDef, with variables, as freeze_graph takes it.

  Args:
    network: the network.
    as_text: whether to write protobuf text instead of binary.
  """
  graph_def = network.graph.as_graph_def()
  if as_text:
    return str(graph_def).encode()
  return graph_def.SerializeToString()


def freeze_command(
  graph_file: str, as_text: bool, checkpoint: str | None, output: str
) -> str:
  """Return the freeze_graph command for a GraphDef of this module.

  Args:
    graph_file: the GraphDef.
    as_text: whether it is text.
    checkpoint: the weights; None puts CHECKPOINT in its place.
    output: name of the output node.
  """
  folder, slash, name = graph_file.rpartition('/')
  return ' \\\n  '.join(
    [
      'python -m tensorflow.python.tools.freeze_graph',
      f'--input_graph={graph_file}',
      f'--input_binary={str(not as_text).lower()}',
      f'--input_checkpoint={checkpoint or "CHECKPOINT"}',
      f'--output_graph={folder}{slash}frozen_{name}',
      f'--output_node_names={output}',
    ]
  )
