"""Configuration of an evaluation."""

import dataclasses

from deployment.command_line.data_config import (
  LARGEST_IMAGE,
  LONGEST_SECS,
  DataConfig,
  check_no_quantized_graph,
)
from slim_support import errors
from slim_support.flag_fields import (
  boolean,
  float_,
  integer,
  string,
  with_default,
)


@dataclasses.dataclass(frozen=True)
class EvalConfig(DataConfig):
  """The configuration of an evaluation."""

  dataset_split_name: str = with_default(
    DataConfig, 'dataset_split_name', 'test'
  )
  batch_size: int = with_default(DataConfig, 'batch_size', 100)
  eval_image_size: int = integer(
    None,
    "Side of the images in pixels; the network's default.",
    minimum=1,
    maximum=LARGEST_IMAGE,
    group='Network and images',
  )
  max_num_batches: int = integer(
    None,
    'Evaluate only this many batches; 0, the default, is the whole split.',
    minimum=0,
    group='Evaluation',
  )
  checkpoint_path: str = string(
    '/tmp/tfmodel/',
    'Checkpoint to evaluate; of a folder, its newest.',
  )
  eval_dir: str = string('/tmp/tfmodel/', 'Folder for the results.')
  moving_average_decay: float = float_(
    None, 'Evaluate the moving averages of the weights.', minimum=0, below=1
  )
  eval_interval_secs: int = integer(
    None,
    'Keep running: check for a new checkpoint every N seconds and evaluate it.',
    minimum=1,
    maximum=LONGEST_SECS,
  )
  eval_timeout_secs: int = integer(
    None,
    'With --eval_interval_secs: stop after N seconds without a new '
    'checkpoint; never by default.',
    minimum=0,
    maximum=LONGEST_SECS,
  )
  all_checkpoints: bool = boolean(
    False, 'Evaluate every checkpoint of the folder, oldest first.'
  )
  predictions_file: str = string(
    None,
    'File to write a CSV row per image to: index, label, prediction, scores.',
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

  def __post_init__(self):
    super().__post_init__()
    check_no_quantized_graph(self.quantize)
    if self.all_checkpoints and self.eval_interval_secs:
      raise errors.UserError(
        '--all_checkpoints evaluates what is there, --eval_interval_secs waits '
        'for new checkpoints. Use one of them.'
      )
    if self.eval_timeout_secs is not None and not self.eval_interval_secs:
      raise errors.UserError(
        '--eval_timeout_secs has no effect without --eval_interval_secs. Use '
        'both or neither.'
      )
    if self.eval_dir == '':
      raise errors.UserError('--eval_dir is missing. Name a folder.')
