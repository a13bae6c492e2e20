"""What scripts/label_image.py is told."""

import dataclasses

from datasets import dataset_factory
from deployment.command_line import data_config
from nets import nets_factory
from slim_support import errors, flag_fields
from slim_support.flag_fields import boolean, float_, integer, string


@dataclasses.dataclass(frozen=True)
class LabelConfig(flag_fields.Config):
  """Which images, which network, and what goes in between.

  What is None here is taken from the metadata beside an exported network, or
  from the run.json beside a checkpoint.
  """

  image: str = string(
    None,
    'Image files, folders or patterns, separated by commas (required).',
    group='Images and answers',
  )
  top_k: int = integer(5, 'How many classes to print.', minimum=1)
  json: bool = boolean(
    False, 'Print a JSON object for each image, a line each.'
  )
  batch_size: int = integer(32, 'Images to run at once.', minimum=1)

  graph: str = string(
    None,
    'The exported network: a frozen GraphDef, the folder of a SavedModel, a '
    '.tflite or an .onnx file.',
    group='An exported network',
  )
  labels: str = string(
    None, 'File of class names, one a line or numbered like 0:daisy.'
  )
  labels_offset: int = integer(
    None, 'How many names at the head of --labels the network leaves out.', 0
  )
  input_layer: str = string(None, "Name of the graph's input node.")
  output_layer: str = string(None, "Name of the graph's output node.")
  input_width: int = integer(None, "Image width; the graph's by default.", 1)
  input_height: int = integer(None, "Image height; the graph's by default.", 1)
  input_mean: float = float_(
    None, 'Scale plainly, not as in evaluation: subtract this from 0..255.'
  )
  input_std: float = float_(None, 'Scale plainly: then divide by this.')

  checkpoint_path: str = string(
    None,
    'Instead of --graph: a checkpoint (file, folder or --train_dir).',
    group='A checkpoint instead of a graph',
  )
  model_name: str = string(None, 'Name of the network.', nets_factory.networks)
  image_size: int = integer(None, 'Side of the images for --checkpoint_path.')
  moving_average_decay: float = float_(
    None, 'Use the moving averages of the weights in the checkpoint.', 0, 1
  )
  preprocessing_name: str = flag_fields.with_default(
    data_config.DataConfig, 'preprocessing_name', None
  )
  use_grayscale: bool = flag_fields.with_default(
    data_config.DataConfig, 'use_grayscale', False
  )
  dataset_name: str = string(
    'imagenet',
    'The data set whose classes these are.',
    dataset_factory.dataset_names,
  )
  dataset_dir: str = string('', 'Folder of the data set, for its class names.')

  def __post_init__(self):
    super().__post_init__()
    if bool(self.graph) == bool(self.checkpoint_path):
      raise errors.UserError(
        'Say either --graph, an exported network, or --checkpoint_path.'
      )
    if self.checkpoint_path and not self.model_name:
      raise errors.UserError(
        '--model_name is missing: there is no run.json beside '
        f'{self.checkpoint_path} to say which network it belongs to.'
      )
    if self.input_std == 0:
      raise errors.UserError('--input_std=0: nothing is divided by 0.')
