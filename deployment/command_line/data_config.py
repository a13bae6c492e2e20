"""Configuration that training and evaluation share: data and network."""

import dataclasses
from typing import Any

from datasets import dataset_factory
from nets import nets_factory
from preprocessing import preprocessing_factory
from slim_support import errors, flag_fields
from slim_support.flag_fields import (
  boolean,
  integer,
  string,
)

# More than any machine can use; what is above is a slip of the hand.
LARGEST_BATCH = 1_000_000
LARGEST_IMAGE = 16384
_MOST_THREADS = 4096
LONGEST_SECS = 10**9


@dataclasses.dataclass(frozen=True)
class DataConfig(flag_fields.Config):
  """Which images go into which network."""

  dataset_name: str = string(
    'imagenet',
    'Name of the data set.',
    lambda: dataset_factory.dataset_names(),
    group='Data',
  )
  dataset_split_name: str = string('train', 'Split of the data set.')
  dataset_dir: str = string(None, 'Folder of the TFRecords (required).')
  labels_offset: int = integer(
    0,
    'Number to subtract from every label: 1 removes the background class of '
    'ImageNet for networks with 1000 classes (VGG, ResNet V1).',
    minimum=0,
  )
  model_name: str = string(
    'inception_v3',
    'Name of the network.',
    lambda: nets_factory.networks(),
    group='Network and images',
  )
  preprocessing_name: str = string(
    None,
    'Preprocessing, by network or family; that of --model_name by default.',
    lambda: preprocessing_factory.names(),
  )
  use_grayscale: bool = boolean(False, 'Feed images with one channel.')
  batch_size: int = integer(
    32,
    'Images in a batch, per clone.',
    minimum=1,
    maximum=LARGEST_BATCH,
    group='Input and session',
  )
  num_preprocessing_threads: int = integer(
    4,
    'Number of images to preprocess in parallel; 0 uses one per core.',
    minimum=0,
    maximum=_MOST_THREADS,
  )
  master: str = string(
    '', 'TensorFlow server to run on, grpc://HOST:PORT; empty runs here.'
  )
  cluster_timeout_secs: int = integer(
    600,
    'How long to wait for --master or another process of the cluster.',
    minimum=1,
    maximum=LONGEST_SECS,
  )

  def __post_init__(self):
    super().__post_init__()
    preprocessing_factory.family_name(self.preprocessing)

  @property
  def preprocessing(self) -> str:
    """The preprocessing in force."""
    return self.preprocessing_name or self.model_name


def check_no_quantized_graph(quantize: bool) -> None:
  """Raise UserError for --quantize, which TensorFlow 2 cannot do any more."""
  if quantize:
    raise errors.UserError(
      '--quantize: TensorFlow 2 has no quantized training graphs. Leave it '
      'out, and quantize the trained network with export_inference_graph.py '
      '--tflite_quantize=int8.'
    )


def check_labels_offset(config: Any, num_classes: int) -> None:
  """Raise UserError if --labels_offset leaves no class.

  Args:
    config: a configuration with labels_offset and dataset_name.
    num_classes: classes of the data set.
  """
  if config.labels_offset >= num_classes:
    raise errors.UserError(
      f'--labels_offset={config.labels_offset}: {config.dataset_name} has '
      f'{num_classes} classes, so it must be less than {num_classes}.'
    )
