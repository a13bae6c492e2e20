"""Configuration of a training run."""

import dataclasses
import os
import tempfile

from deployment.cluster import members
from deployment.command_line.data_config import DataConfig
from slim_support import errors
from slim_support.flag_fields import (
  boolean,
  float_,
  integer,
  one_of,
  string,
  string_list,
)

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
class TrainConfig(DataConfig):
  """Everything a training run is told."""

  train_dir: str = string(
    '/tmp/tfmodel/', 'Folder of checkpoints and events.', group='Run'
  )
  max_number_of_steps: int = integer(None, 'Last step; none by default.', 1)
  max_epochs: float = float_(
    None, 'Last epoch; an alternative to --max_number_of_steps.', minimum=0
  )
  random_seed: int = integer(
    None, 'Makes a run repeatable: same seed, same batches and weights.'
  )

  train_image_size: int = integer(
    None,
    "Side of the images in pixels; the network's default.",
    minimum=1,
    group='Network and images',
  )
  num_readers: int = integer(
    4,
    'TFRecord files read at once; 0 reads all, up to 16.',
    minimum=0,
    group='Input and session',
  )
  cache_dataset: str = string(
    'auto',
    'Keeps the data set, as it is stored, in memory, or copies it to the disk '
    'of this machine, for data sets on slow or remote file systems. Small '
    'images (MNIST, CIFAR) are kept decoded; auto does only that, up to '
    '256 MB.',
    one_of('auto', 'memory', 'disk', 'none'),
  )
  cache_dir: str = string(
    os.path.join(tempfile.gettempdir(), 'slim-cache'),
    'Folder of the copies of --cache_dataset=disk.',
  )

  weight_decay: float = float_(
    0.00004, 'Weight of the L2 loss.', minimum=0, group='Loss and gradients'
  )
  batch_norm_decay: float = float_(
    None,
    "Decay of batch norm's moving averages; the network's default. Runs of "
    'a few thousand steps need less, say 0.99.',
    minimum=0,
    maximum=1,
  )
  label_smoothing: float = float_(0.0, 'Amount of label smoothing.', 0, 1)
  class_weights: str = string(
    None,
    'Weights of the classes in the loss: balanced, or a file with a line '
    'LABEL:WEIGHT for each.',
  )
  moving_average_decay: float = float_(
    None, 'Keeps moving averages of the weights with this decay.', 0, 1
  )
  clip_gradient_norm: float = float_(
    0.0, 'Scales the gradients down to this global norm; 0 does not.', 0
  )

  optimizer: str = string(
    'rmsprop', 'The optimizer.', one_of(*OPTIMIZERS), group='Optimizer'
  )
  adadelta_rho: float = float_(0.95, 'Decay rate of adadelta.')
  adagrad_initial_accumulator_value: float = float_(
    0.1, 'Where the accumulators of adagrad start.'
  )
  adam_beta1: float = float_(0.9, 'Decay of the first moment of adam.')
  adam_beta2: float = float_(0.999, 'Decay of the second moment of adam.')
  opt_epsilon: float = float_(1.0, 'Epsilon of adadelta, adam and rmsprop.')
  ftrl_learning_rate_power: float = float_(-0.5, 'Learning rate power of ftrl.')
  ftrl_initial_accumulator_value: float = float_(
    0.1, 'Where the accumulators of ftrl start.'
  )
  ftrl_l1: float = float_(0.0, 'L1 strength of ftrl.')
  ftrl_l2: float = float_(0.0, 'L2 strength of ftrl.')
  momentum: float = float_(0.9, 'Momentum of the momentum optimizer.')
  rmsprop_momentum: float = float_(0.9, 'Momentum of rmsprop.')
  rmsprop_decay: float = float_(0.9, 'Decay of rmsprop.')

  learning_rate_decay_type: str = string(
    'exponential',
    'How the learning rate falls.',
    one_of(*SCHEDULES),
    group='Learning rate',
  )
  learning_rate: float = float_(0.01, 'Learning rate to start with.', minimum=0)
  end_learning_rate: float = float_(
    0.0001, 'Where the polynomial and cosine decays end.', minimum=0
  )
  learning_rate_decay_factor: float = float_(
    0.94, 'Factor of the exponential decay.'
  )
  num_epochs_per_decay: float = float_(
    2.0, 'Epochs between two decays; length of the polynomial and cosine.', 0
  )
  decay_by_effective_batch: bool = boolean(
    False,
    'Count the images of all clones in an epoch of --num_epochs_per_decay, so '
    'that N clones decay after 1/N of the steps.',
  )
  warmup_steps: int = integer(
    0, 'Steps over which the learning rate rises linearly from 0.', minimum=0
  )

  checkpoint_path: str = string(
    None,
    'Checkpoint (file or folder) to start from in an empty --train_dir.',
    group='Fine-tuning',
  )
  checkpoint_exclude_scopes: tuple = string_list(
    'Scopes, separated by commas, that are not restored from it.'
  )
  trainable_scopes: tuple = string_list(
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
    600, 'Seconds between two summaries; 0 writes none.', minimum=0
  )
  save_summaries_steps: int = integer(
    None, 'Steps between two summaries, instead of seconds.', minimum=1
  )
  save_interval_secs: int = integer(
    600, 'Seconds between two checkpoints.', minimum=1
  )
  save_interval_steps: int = integer(
    None, 'Steps between two checkpoints, instead of seconds.', minimum=1
  )
  max_checkpoints_to_keep: int = integer(
    5, 'How many checkpoints to keep; 0 keeps all.', minimum=0
  )
  keep_checkpoint_every_n_hours: float = float_(
    10000.0, 'Keeps one checkpoint for good every so many hours.', minimum=0
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
  mixed_precision: str = string(
    None,
    'Compute in 16 bits where it is safe: float16 on GPUs (not verified on '
    'any), bfloat16 on CPUs.',
    one_of('float16', 'bfloat16'),
  )
  clone_on_cpu: bool = boolean(False, 'Put the clones on the CPU.')
  worker_replicas: int = integer(1, 'Number of worker replicas.', minimum=1)
  num_ps_tasks: int = integer(0, 'Number of parameter servers.', minimum=0)
  task: int = integer(0, 'Number of this process within its job.', 0)
  ps_hosts: tuple = string_list('host:port of every parameter server.')
  worker_hosts: tuple = string_list(
    'host:port of every worker, the chief first.'
  )
  job_name: str = string(
    None,
    'What this process is in the cluster of --ps_hosts and --worker_hosts.',
    one_of(*members.JOBS),
  )
  cluster_timeout_secs: int = integer(
    600, 'How long to wait for another process of the cluster.', minimum=1
  )
  evaluator_split_name: str = string(
    'test', 'Which split an evaluator of the cluster measures.'
  )
  sync_replicas: bool = boolean(False, 'Synchronise the replicas.')
  replicas_to_aggregate: int = integer(
    1, 'Gradients to average before the variables are updated.', minimum=1
  )
  early_stopping_patience: int = integer(
    None,
    'Evaluations without a better accuracy that end the run; needs an '
    'evaluation that follows it (--eval_interval_secs).',
    minimum=1,
    group='Early stopping',
  )
  early_stopping_dir: str = string(
    None, 'The --eval_dir of that evaluation; --train_dir/eval by default.'
  )
  profile_steps: tuple = string_list(
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
      raise errors.UserError(
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
