"""Configuration of scripts/label_image.py."""

import dataclasses

from datasets import dataset_factory
from deployment.command_line import data_config
from nets import nets_factory
from slim_support import errors, flag_fields
from slim_support.flag_fields import boolean, float_, integer, string

LARGEST_SIDE = 4096
_LARGEST_MEAN, _SMALLEST_STD, _LARGEST_STD = 1e6, 1e-6, 1e6


@dataclasses.dataclass(frozen=True)
class LabelConfig(flag_fields.Config):
  """Which images to label, with which network, and how to prepare them.

  Values that are None come from the metadata beside an exported network, or
  from the run.json beside a checkpoint.
  """

  image: str = string(
    None,
    'Image files, folders or patterns, separated by commas (required).',
    group='Images and output',
  )
  top_k: int = integer(5, 'Number of classes to print.', minimum=1)
  json: bool = boolean(False, 'Print one JSON object per line and image.')
  batch_size: int = integer(32, 'Number of images to run at once.', minimum=1)

  graph: str = string(
    None,
    'The exported network: a frozen GraphDef, the folder of a SavedModel, a '
    '.tflite or an .onnx file.',
    group='An exported network',
  )
  labels: str = string(
    None, 'File of class names, one per line or numbered like 0:daisy.'
  )
  labels_offset: int = integer(
    None,
    'How many of the first names in --labels to leave out, because the '
    'network does not have these classes.',
    minimum=0,
  )
  input_layer: str = string(None, "Name of the graph's input node.")
  output_layer: str = string(None, "Name of the graph's output node.")
  input_width: int = integer(
    None, "Image width; the graph's by default.", 1, LARGEST_SIDE
  )
  input_height: int = integer(
    None, "Image height; the graph's by default.", 1, LARGEST_SIDE
  )
  input_mean: float = float_(
    None,
    'Resize and scale images only, instead of preparing them as in '
    'evaluation: subtract this from the values 0..255.',
    -_LARGEST_MEAN,
    _LARGEST_MEAN,
  )
  input_std: float = float_(
    None,
    'Divide the difference by this.',
    _SMALLEST_STD,
    _LARGEST_STD,
  )

  checkpoint_path: str = string(
    None,
    'A checkpoint (file, folder or --train_dir), instead of --graph.',
    group='A checkpoint instead of a graph',
  )
  model_name: str = string(
    None, 'Name of the network.', lambda: nets_factory.networks()
  )
  image_size: int = integer(
    None,
    'Height and width of the images for --checkpoint_path.',
    1,
    LARGEST_SIDE,
  )
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
    'The data set whose classes the network has.',
    lambda: dataset_factory.dataset_names(),
  )
  dataset_dir: str = string('', 'Folder of the data set, for its class names.')

  def __post_init__(self):
    super().__post_init__()
    if bool(self.graph) == bool(self.checkpoint_path):
      raise errors.UserError(
        'Use either --graph, for an exported network, or --checkpoint_path.'
      )
    if self.checkpoint_path and not self.model_name:
      raise errors.UserError(
        '--model_name is missing: there is no run.json beside '
        f'{self.checkpoint_path} that records which network it belongs to.'
      )
