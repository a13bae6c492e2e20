"""Configuration of an export."""

import dataclasses

from deployment.command_line.data_config import (
  LARGEST_BATCH,
  LARGEST_IMAGE,
  DataConfig,
  check_no_quantized_graph,
)
from preprocessing import preprocessing_factory
from slim_support import errors, flag_fields
from slim_support.flag_fields import (
  boolean,
  float_,
  integer,
  one_of,
  string,
  with_default,
)

# As many images as the largest usual test set has.
_MOST_IMAGES = 50_000
_CALIBRATION_IMAGES = 200


@dataclasses.dataclass(frozen=True)
class ExportConfig(flag_fields.Config):
  """The configuration of an export."""

  model_name: str = with_default(DataConfig, 'model_name', 'inception_v3')
  preprocessing_name: str = with_default(DataConfig, 'preprocessing_name', None)
  use_grayscale: bool = with_default(DataConfig, 'use_grayscale', False)
  image_size: int = integer(
    None,
    "Side of the images in pixels; the network's default.",
    minimum=1,
    maximum=LARGEST_IMAGE,
  )
  batch_size: int = integer(
    None,
    'Number of images in a batch; any number by default.',
    minimum=1,
    maximum=LARGEST_BATCH,
  )
  is_training: bool = boolean(False, 'Export the graph as used in training.')

  dataset_name: str = with_default(DataConfig, 'dataset_name', 'imagenet')
  dataset_dir: str = string(
    '', 'Folder of the TFRecords, for its class names and images.'
  )
  labels_offset: int = with_default(DataConfig, 'labels_offset', 0)

  output_file: str = string(
    '',
    'File for the GraphDef; required without --checkpoint_path.',
    group='Graph without weights',
  )
  write_text_graphdef: bool = boolean(False, 'Write the GraphDef as text.')

  checkpoint_path: str = string(
    None,
    'Checkpoint (file, folder or --train_dir) whose weights go into the files '
    'below.',
    group='Files with weights',
  )
  moving_average_decay: float = float_(
    None, 'Export the moving averages of the weights.', minimum=0, below=1
  )
  frozen_file: str = string(None, 'File for the frozen GraphDef.')
  saved_model_dir: str = string(None, 'New folder for the SavedModel.')
  tflite_file: str = string(None, 'File for the TensorFlow Lite model.')
  tflite_quantize: str = string(
    'none',
    'Number format of the --tflite_file.',
    one_of('none', 'float16', 'int8'),
  )
  calibration_images: int = integer(
    _CALIBRATION_IMAGES,
    'Number of images of the data set from which int8 takes its ranges.',
    minimum=1,
    maximum=_MOST_IMAGES,
  )
  onnx_file: str = string(None, 'File for the ONNX model.')
  verify: bool = boolean(
    False,
    'Check that every exported file computes the same as the checkpoint.',
    group='Check',
  )
  verify_images: int = integer(
    32,
    'Number of images for that check.',
    minimum=1,
    maximum=_MOST_IMAGES,
  )
  gpu_memory_growth: bool = boolean(
    False,
    'Allocate GPU memory as needed, for instance to run beside training, '
    'instead of all of it at once.',
  )
  quantize: bool = boolean(
    False,
    'Accepted for old commands; only False works.',
    group='Accepted for old commands',
  )
  is_video_model: bool = boolean(
    False, 'Accepted for old commands; only False works.'
  )
  num_frames: int = integer(
    None, 'Accepted for old commands; used with --is_video_model only.'
  )

  @property
  def preprocessing(self) -> str:
    """The preprocessing in force."""
    return self.preprocessing_name or self.model_name

  @property
  def with_weights(self) -> list[str]:
    """The flags that were given and need weights."""
    return [name for name in _WITH_WEIGHTS if getattr(self, name)]

  @property
  def outputs(self) -> list[tuple[str, str]]:
    """Flag and path of everything that is to be exported."""
    return [
      (name, getattr(self, name)) for name in _OUTPUTS if getattr(self, name)
    ]

  def __post_init__(self):
    super().__post_init__()
    preprocessing_factory.family_name(self.preprocessing)
    check_no_quantized_graph(self.quantize)
    if self.is_video_model:
      raise errors.UserError(
        '--is_video_model: video networks cannot be exported. Leave it out.'
      )
    self._check_weights()
    self._check_no_flag_is_useless()
    if self.tflite_quantize == 'int8':
      flag_fields.require(
        self, 'dataset_dir', 'int8 takes its ranges from the images there.'
      )

  def _check_weights(self):
    """Raise UserError if a flag needs weights and there are none."""
    for name in [*self.with_weights, 'moving_average_decay']:
      if getattr(self, name) and not self.checkpoint_path:
        raise errors.UserError(
          f'--{name} needs weights. Use --checkpoint_path=FILE_OR_FOLDER.'
        )
      if getattr(self, name) and self.is_training:
        raise errors.UserError(
          f'--{name} is for inference. Leave out --is_training.'
        )

  def _check_no_flag_is_useless(self):
    """Raise UserError for a flag that changes nothing."""
    for name, needed in _NEEDS.items():
      changed = (
        getattr(self, name) != type(self).__dataclass_fields__[name].default
      )
      if changed and not getattr(self, needed):
        raise errors.UserError(
          f'--{name} has no effect without --{needed}. Use both or neither.'
        )
    if (
      self.calibration_images != _CALIBRATION_IMAGES
      and self.tflite_quantize != 'int8'
    ):
      raise errors.UserError(
        '--calibration_images has no effect without --tflite_quantize=int8.'
      )
    if self.verify and not self._verifiable:
      raise errors.UserError(
        '--verify: there is nothing to check. Export a file with weights, for '
        'instance --frozen_file=FILE.'
      )

  @property
  def _verifiable(self):
    """Whether --verify has anything to compare with the checkpoint.

    The tool that freezes the --output_file does not know moving averages.
    """
    return any(name in _WITH_WEIGHTS for name, _ in self.outputs) or (
      self.output_file and not self.moving_average_decay
    )


_OUTPUTS = (
  'output_file',
  'frozen_file',
  'saved_model_dir',
  'tflite_file',
  'onnx_file',
)
_WITH_WEIGHTS = (*_OUTPUTS[1:], 'verify')
# Flag -> the flag without which it has no effect.
_NEEDS = {
  'write_text_graphdef': 'output_file',
  'tflite_quantize': 'tflite_file',
  'verify_images': 'verify',
}
