"""What training, evaluation and export are told: one configuration each."""

import dataclasses
import json
import os
import tempfile
from typing import Any

import slim_errors
from datasets import dataset_factory
from deployment import cluster, flag_fields
from deployment.flag_fields import (
  boolean,
  integer,
  one_of,
  other_default,
  real,
  text,
  texts,
)
from nets import nets_factory
from preprocessing import preprocessing_factory

OPTIMIZERS = (
  'adadelta',
  'adagrad',
  'adam',
  'ftrl',
  'momentum',
  'sgd',
  'rmsprop',
)
SCHEDULES = ('fixed', 'exponential', 'polynomial', 'cosine')


@dataclasses.dataclass(frozen=True)
class DataConfig(flag_fields.Config):
  """Which images go into which network; training and evaluation share it."""

  dataset_name: str = text(
    'imagenet',
    'Name of the data set.',
    lambda: dataset_factory.dataset_names(),
    group='Data',
  )
  dataset_split_name: str = text('train', 'Which split of the data set.')
  dataset_dir: str = text(None, 'Folder of the TFRecords (required).')
  labels_offset: int = integer(
    0,
    'Subtracted from every label: 1 drops the background class of ImageNet '
    'for networks with 1000 classes (VGG, ResNet V1).',
  )
  model_name: str = text(
    'inception_v3',
    'Name of the network.',
    lambda: nets_factory.networks(),
    group='Network and images',
  )
  preprocessing_name: str = text(
    None,
    'Preprocessing, by network or family; that of --model_name by default.',
    lambda: preprocessing_factory.families,
  )
  use_grayscale: bool = boolean(False, 'Feed images with one channel.')
  batch_size: int = integer(
    32, 'Images in a batch, per clone.', least=1, group='Input and session'
  )
  num_preprocessing_threads: int = integer(
    4, 'Images preprocessed at once; 0 takes one for each core.', least=0
  )
  master: str = text('', 'TensorFlow server to run on; empty runs here.')

  @property
  def preprocessing(self) -> str:
    """The preprocessing in force."""
    return self.preprocessing_name or self.model_name


@dataclasses.dataclass(frozen=True)
class TrainConfig(DataConfig):
  """Everything a training run is told."""

  train_dir: str = text(
    '/tmp/tfmodel/', 'Folder of checkpoints and events.', group='Run'
  )
  max_number_of_steps: int = integer(None, 'Last step; none by default.', 1)
  max_epochs: float = real(
    None, 'Last epoch; an alternative to --max_number_of_steps.', least=0
  )
  random_seed: int = integer(
    None, 'Makes a run repeatable: same seed, same batches and weights.'
  )

  train_image_size: int = integer(
    None,
    "Side of the images in pixels; the network's default.",
    least=1,
    group='Network and images',
  )
  num_readers: int = integer(
    4,
    'TFRecord files read at once; 0 reads all, up to 16.',
    least=0,
    group='Input and session',
  )
  cache_dataset: str = text(
    'auto',
    'Keeps the data set, as it is stored, in memory, or copies it to the disk '
    'of this machine, for data sets on slow or remote file systems. Small '
    'images (MNIST, CIFAR) are kept decoded; auto does only that, up to '
    '256 MB.',
    one_of('auto', 'memory', 'disk', 'none'),
  )
  cache_dir: str = text(
    os.path.join(tempfile.gettempdir(), 'slim-cache'),
    'Folder of the copies of --cache_dataset=disk.',
  )

  weight_decay: float = real(
    0.00004, 'Weight of the L2 loss.', least=0, group='Loss and gradients'
  )
  batch_norm_decay: float = real(
    None,
    "Decay of batch norm's moving averages; the network's default. Runs of "
    'a few thousand steps need less, say 0.99.',
    least=0,
    most=1,
  )
  label_smoothing: float = real(0.0, 'Amount of label smoothing.', 0, 1)
  class_weights: str = text(
    None,
    'Weights of the classes in the loss: balanced, or a file with a line '
    'LABEL:WEIGHT for each.',
  )
  moving_average_decay: float = real(
    None, 'Keeps moving averages of the weights with this decay.', 0, 1
  )
  clip_gradient_norm: float = real(
    0.0, 'Scales the gradients down to this global norm; 0 does not.', 0
  )

  optimizer: str = text(
    'rmsprop', 'The optimizer.', one_of(*OPTIMIZERS), group='Optimizer'
  )
  adadelta_rho: float = real(0.95, 'Decay rate of adadelta.')
  adagrad_initial_accumulator_value: float = real(
    0.1, 'Where the accumulators of adagrad start.'
  )
  adam_beta1: float = real(0.9, 'Decay of the first moment of adam.')
  adam_beta2: float = real(0.999, 'Decay of the second moment of adam.')
  opt_epsilon: float = real(1.0, 'Epsilon of adadelta, adam and rmsprop.')
  ftrl_learning_rate_power: float = real(-0.5, 'Learning rate power of ftrl.')
  ftrl_initial_accumulator_value: float = real(
    0.1, 'Where the accumulators of ftrl start.'
  )
  ftrl_l1: float = real(0.0, 'L1 strength of ftrl.')
  ftrl_l2: float = real(0.0, 'L2 strength of ftrl.')
  momentum: float = real(0.9, 'Momentum of the momentum optimizer.')
  rmsprop_momentum: float = real(0.9, 'Momentum of rmsprop.')
  rmsprop_decay: float = real(0.9, 'Decay of rmsprop.')

  learning_rate_decay_type: str = text(
    'exponential',
    'How the learning rate falls.',
    one_of(*SCHEDULES),
    group='Learning rate',
  )
  learning_rate: float = real(0.01, 'Learning rate to start with.', least=0)
  end_learning_rate: float = real(
    0.0001, 'Where the polynomial and cosine decays end.', least=0
  )
  learning_rate_decay_factor: float = real(
    0.94, 'Factor of the exponential decay.'
  )
  num_epochs_per_decay: float = real(
    2.0, 'Epochs between two decays; length of the polynomial and cosine.', 0
  )
  decay_by_effective_batch: bool = boolean(
    False,
    'Count the images of all clones in an epoch of --num_epochs_per_decay, so '
    'that N clones decay after 1/N of the steps.',
  )
  warmup_steps: int = integer(
    0, 'Steps over which the learning rate rises linearly from 0.', least=0
  )

  checkpoint_path: str = text(
    None,
    'Checkpoint (file or folder) to start from in an empty --train_dir.',
    group='Fine-tuning',
  )
  checkpoint_exclude_scopes: tuple = texts(
    'Scopes, separated by commas, that are not restored from it.'
  )
  trainable_scopes: tuple = texts(
    'Scopes, separated by commas, to train; everything by default.'
  )
  ignore_missing_vars: bool = boolean(
    False, 'Leave variables that the checkpoint lacks at their initial value.'
  )
  freeze_batch_norm: bool = boolean(
    False,
    'Run the network on the stored batch-norm statistics and leave them '
    'alone, for fine-tuning with small batches; switches dropout off too.',
  )

  log_every_n_steps: int = integer(
    10, 'Steps between two log lines.', 1, group='Logs and checkpoints'
  )
  save_summaries_secs: int = integer(
    600, 'Seconds between two summaries; 0 writes none.', least=0
  )
  save_summaries_steps: int = integer(
    None, 'Steps between two summaries, instead of seconds.', least=1
  )
  save_interval_secs: int = integer(
    600, 'Seconds between two checkpoints.', least=1
  )
  save_interval_steps: int = integer(
    None, 'Steps between two checkpoints, instead of seconds.', least=1
  )
  max_checkpoints_to_keep: int = integer(
    5, 'How many checkpoints to keep; 0 keeps all.', least=0
  )
  keep_checkpoint_every_n_hours: float = real(
    10000.0, 'Keeps one checkpoint for good every so many hours.', least=0
  )

  num_clones: int = integer(
    1,
    'Copies of the network on this machine.',
    1,
    group='GPUs and machines',
  )
  xla: bool = boolean(
    False, 'Compile the network with XLA, for GPUs; not verified on any.'
  )
  mixed_precision: str = text(
    None,
    'Compute in 16 bits where it is safe: float16 on GPUs (not verified on '
    'any), bfloat16 on CPUs.',
    one_of('float16', 'bfloat16'),
  )
  clone_on_cpu: bool = boolean(False, 'Put the clones on the CPU.')
  worker_replicas: int = integer(1, 'Number of worker replicas.', least=1)
  num_ps_tasks: int = integer(0, 'Number of parameter servers.', least=0)
  task: int = integer(0, 'Number of this process within its job.', 0)
  ps_hosts: tuple = texts('host:port of every parameter server.')
  worker_hosts: tuple = texts('host:port of every worker, the chief first.')
  job_name: str = text(
    None,
    'What this process is in the cluster of --ps_hosts and --worker_hosts.',
    one_of(*cluster.JOBS),
  )
  cluster_timeout_secs: int = integer(
    600, 'How long to wait for another process of the cluster.', least=1
  )
  evaluator_split_name: str = text(
    'test', 'Which split an evaluator of the cluster measures.'
  )
  sync_replicas: bool = boolean(False, 'Synchronise the replicas.')
  replicas_to_aggregate: int = integer(
    1, 'Gradients to average before the variables are updated.', least=1
  )
  early_stopping_patience: int = integer(
    None,
    'Evaluations without a better accuracy that end the run; needs an '
    'evaluation that follows it (--eval_interval_secs).',
    least=1,
    group='Early stopping',
  )
  early_stopping_dir: str = text(
    None, 'The --eval_dir of that evaluation; --train_dir/eval by default.'
  )
  profile_steps: tuple = texts(
    'FIRST,LAST: steps of this run to trace for TensorBoard.',
    group='Logs and checkpoints',
  )

  gpu_memory_growth: bool = boolean(
    False,
    'Take GPU memory as it is needed, instead of all at once.',
    group='GPUs and machines',
  )

  def __post_init__(self):
    super().__post_init__()
    steps = self.profile_steps
    if steps and not (
      len(steps) == 2
      and all(step.isdigit() for step in steps)
      and 1 <= int(steps[0]) <= int(steps[1])
    ):
      raise slim_errors.UserError(
        f'--profile_steps={",".join(steps)}: say the first and the last step '
        'to trace, counted from 1, for instance 10,20.'
      )

  @property
  def effective_batch(self) -> int:
    """Images that one update of the variables averages over."""
    return self.batch_size * self.num_clones * self.gradients_per_step

  @property
  def gradients_per_step(self) -> int:
    """Gradients, one a replica, that one update averages."""
    return self.replicas_to_aggregate if self.sync_replicas else 1


@dataclasses.dataclass(frozen=True)
class EvalConfig(DataConfig):
  """Everything an evaluation is told."""

  dataset_split_name: str = other_default(
    DataConfig, 'dataset_split_name', 'test'
  )
  batch_size: int = other_default(DataConfig, 'batch_size', 100)
  eval_image_size: int = integer(
    None,
    "Side of the images in pixels; the network's default.",
    least=1,
    group='Network and images',
  )
  max_num_batches: int = integer(
    None,
    'Evaluate this many batches only; the whole split by default.',
    1,
    group='Evaluation',
  )
  checkpoint_path: str = text(
    '/tmp/tfmodel/',
    'Checkpoint to evaluate: a file, or the newest in a folder.',
  )
  eval_dir: str = text('/tmp/tfmodel/', 'Folder of the results.')
  moving_average_decay: float = real(
    None, 'Evaluate the moving averages of the weights.', 0, 1
  )
  eval_interval_secs: int = integer(
    None,
    'Go on: look for a new checkpoint every so many seconds and evaluate it.',
    least=1,
  )
  eval_timeout_secs: int = integer(
    None,
    'With --eval_interval_secs, end after so many seconds without a new '
    'checkpoint; never by default.',
    least=0,
  )
  all_checkpoints: bool = boolean(
    False, 'Evaluate every checkpoint of the folder, oldest first.'
  )
  predictions_file: str = text(
    None, 'Writes a CSV row per image: index, label, prediction, scores.'
  )


@dataclasses.dataclass(frozen=True)
class ExportConfig(flag_fields.Config):
  """Everything an export is told."""

  model_name: str = other_default(DataConfig, 'model_name', 'inception_v3')
  preprocessing_name: str = other_default(
    DataConfig, 'preprocessing_name', None
  )
  use_grayscale: bool = other_default(DataConfig, 'use_grayscale', False)
  image_size: int = integer(
    None, "Side of the images in pixels; the network's default.", least=1
  )
  batch_size: int = integer(
    None, 'Images in a batch; any number by default.', least=1
  )
  is_training: bool = boolean(False, 'Export the graph as used in training.')

  dataset_name: str = other_default(DataConfig, 'dataset_name', 'imagenet')
  dataset_dir: str = text(
    '', 'Folder of the TFRecords, for its classes and images.'
  )
  labels_offset: int = other_default(DataConfig, 'labels_offset', 0)

  output_file: str = text(
    '',
    'Where to write the GraphDef; required without --checkpoint_path.',
    group='The graph alone',
  )
  write_text_graphdef: bool = boolean(False, 'Write the GraphDef as text.')

  checkpoint_path: str = text(
    None,
    'Checkpoint (file, folder or --train_dir) with the weights that the files '
    'below are to hold.',
    group='With the weights',
  )
  moving_average_decay: float = real(
    None, 'Export the moving averages of the weights.', 0, 1
  )
  frozen_file: str = text(None, 'Where to write the frozen GraphDef.')
  saved_model_dir: str = text(None, 'Where to write the SavedModel.')
  tflite_file: str = text(None, 'Where to write the TensorFlow Lite model.')
  tflite_quantize: str = text(
    'none', 'Numbers in the --tflite_file.', one_of('none', 'float16', 'int8')
  )
  calibration_images: int = integer(
    200, 'Images of the data set that set the ranges of int8.', least=1
  )
  onnx_file: str = text(None, 'Where to write the ONNX model.')
  verify: bool = boolean(
    False,
    'Check that everything written computes what the checkpoint does.',
    group='Check',
  )
  verify_images: int = integer(32, 'Images for that check.', least=1)

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
    for name in self.with_weights:
      if not self.checkpoint_path:
        raise slim_errors.UserError(
          f'--{name} needs weights: say --checkpoint_path.'
        )
      if self.is_training:
        raise slim_errors.UserError(
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


RUN_FILE = 'run.json'

# What evaluation and export take over from the training run.
_RECORDED = (
  'dataset_name',
  'dataset_dir',
  'labels_offset',
  'model_name',
  'preprocessing_name',
  'use_grayscale',
)


def recorded_run(checkpoint_path: str) -> dict[str, Any]:
  """Returns what the training run beside a checkpoint was told.

  Args:
    checkpoint_path: a checkpoint or a folder of checkpoints.

  Returns:
    Field name to value; the image size under the names that evaluation and
    export give it. Empty where the folder holds no run.json.
  """
  folder = checkpoint_path
  if not os.path.isdir(folder):
    folder = os.path.dirname(folder)
  path = os.path.join(folder, RUN_FILE)
  if not os.path.isfile(path):
    return {}
  with open(path, encoding='utf-8') as file:
    run = json.load(file)['flags']
  recorded = {name: run[name] for name in _RECORDED if name in run}
  size = run.get('train_image_size')
  return recorded | {'eval_image_size': size, 'image_size': size}
