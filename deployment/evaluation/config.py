"""Configuration of an evaluation."""

import dataclasses

from deployment.command_line.data_config import (
  DataConfig,
  check_no_quantized_graph,
)
from slim_support.flag_fields import (
  boolean,
  float_,
  integer,
  string,
  with_default,
)


@dataclasses.dataclass(frozen=True)
class EvalConfig(DataConfig):
  """Everything an evaluation is told."""

  dataset_split_name: str = with_default(
    DataConfig, 'dataset_split_name', 'test'
  )
  batch_size: int = with_default(DataConfig, 'batch_size', 100)
  eval_image_size: int = integer(
    None,
    "Side of the images in pixels; the network's default.",
    minimum=1,
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
    'Checkpoint to evaluate: a file, or the newest in a folder.',
  )
  eval_dir: str = string('/tmp/tfmodel/', 'Folder of the results.')
  moving_average_decay: float = float_(
    None, 'Evaluate the moving averages of the weights.', minimum=0, below=1
  )
  eval_interval_secs: int = integer(
    None,
    'Go on: look for a new checkpoint every so many seconds and evaluate it.',
    minimum=1,
  )
  eval_timeout_secs: int = integer(
    None,
    'With --eval_interval_secs, end after so many seconds without a new '
    'checkpoint; never by default.',
    minimum=0,
  )
  all_checkpoints: bool = boolean(
    False, 'Evaluate every checkpoint of the folder, oldest first.'
  )
  predictions_file: str = string(
    None, 'Writes a CSV row per image: index, label, prediction, scores.'
  )
  quantize: bool = boolean(
    False,
    'Accepted for old commands; only False works.',
    group='Accepted for old commands',
  )

  def __post_init__(self):
    super().__post_init__()
    check_no_quantized_graph(self.quantize)
