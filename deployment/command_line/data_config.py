"""What training, evaluation and export are told: one configuration each."""

import dataclasses

from datasets import dataset_factory
from nets import nets_factory
from preprocessing import preprocessing_factory
from slim_support import flag_fields
from slim_support.flag_fields import (
  boolean,
  integer,
  string,
)


@dataclasses.dataclass(frozen=True)
class DataConfig(flag_fields.Config):
  """Which images go into which network; training and evaluation share it."""

  dataset_name: str = string(
    'imagenet',
    'Name of the data set.',
    lambda: dataset_factory.dataset_names(),
    group='Data',
  )
  dataset_split_name: str = string('train', 'Which split of the data set.')
  dataset_dir: str = string(None, 'Folder of the TFRecords (required).')
  labels_offset: int = integer(
    0,
    'Subtracted from every label: 1 drops the background class of ImageNet '
    'for networks with 1000 classes (VGG, ResNet V1).',
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
    lambda: preprocessing_factory.families,
  )
  use_grayscale: bool = boolean(False, 'Feed images with one channel.')
  batch_size: int = integer(
    32, 'Images in a batch, per clone.', minimum=1, group='Input and session'
  )
  num_preprocessing_threads: int = integer(
    4, 'Images preprocessed at once; 0 takes one for each core.', minimum=0
  )
  master: str = string('', 'TensorFlow server to run on; empty runs here.')

  @property
  def preprocessing(self) -> str:
    """The preprocessing in force."""
    return self.preprocessing_name or self.model_name
