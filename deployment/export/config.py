"""Configuration of an export."""

import dataclasses

from deployment.command_line.data_config import (
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


@dataclasses.dataclass(frozen=True)
class ExportConfig(flag_fields.Config):
  """Everything an export is told."""

  model_name: str = with_default(DataConfig, 'model_name', 'inception_v3')
  preprocessing_name: str = with_default(DataConfig, 'preprocessing_name', None)
  use_grayscale: bool = with_default(DataConfig, 'use_grayscale', False)
  image_size: int = integer(
    None, "Side of the images in pixels; the network's default.", minimum=1
  )
  batch_size: int = integer(
    None, 'Images in a batch; any number by default.', minimum=1
  )
  is_training: bool = boolean(False, 'Export the graph as used in training.')

  dataset_name: str = with_default(DataConfig, 'dataset_name', 'imagenet')
  dataset_dir: str = string(
    '', 'Folder of the TFRecords, for its classes and images.'
  )
  labels_offset: int = with_default(DataConfig, 'labels_offset', 0)

  output_file: str = string(
    '',
    'Where to write the GraphDef; required without --checkpoint_path.',
    group='The graph alone',
  )
  write_text_graphdef: bool = boolean(False, 'Write the GraphDef as text.')

  checkpoint_path: str = string(
    None,
    'Checkpoint (file, folder or --train_dir) with the weights that the files '
    'below are to hold.',
    group='With the weights',
  )
  moving_average_decay: float = float_(
    None, 'Export the moving averages of the weights.', minimum=0, below=1
  )
  frozen_file: str = string(None, 'Where to write the frozen GraphDef.')
  saved_model_dir: str = string(None, 'Where to write the SavedModel.')
  tflite_file: str = string(None, 'Where to write the TensorFlow Lite model.')
  tflite_quantize: str = string(
    'none', 'Numbers in the --tflite_file.', one_of('none', 'float16', 'int8')
  )
  calibration_images: int = integer(
    200, 'Images of the data set that set the ranges of int8.', minimum=1
  )
  onnx_file: str = string(None, 'Where to write the ONNX model.')
  verify: bool = boolean(
    False,
    'Check that everything written computes what the checkpoint does.',
    group='Check',
  )
  verify_images: int = integer(32, 'Images for that check.', minimum=1)
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

  def __post_init__(self):
    super().__post_init__()
    preprocessing_factory.family_name(self.preprocessing)
    check_no_quantized_graph(self.quantize)
    if self.is_video_model:
      raise errors.UserError(
        '--is_video_model: video networks cannot be exported. Leave it out.'
      )
    for name in self.with_weights:
      if not self.checkpoint_path:
        raise errors.UserError(
          f'--{name} needs weights: say --checkpoint_path.'
        )
      if self.is_training:
        raise errors.UserError(
          f'--{name} is for inference: leave out --is_training.'
        )
    if self.tflite_file and self.tflite_quantize == 'int8':
      flag_fields.require(
        self, 'dataset_dir', 'int8 takes its ranges from the images there.'
      )


_WITH_WEIGHTS = (
  'frozen_file',
  'saved_model_dir',
  'tflite_file',
  'onnx_file',
  'verify',
)
