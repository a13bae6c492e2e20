"""Configuration of a training run."""

import dataclasses
import tempfile

from deployment.cluster import members
from deployment.command_line.data_config import LARGEST_IMAGE, DataConfig
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

_LARGEST_INT32 = 2**31 - 1
_MOST_DEVICES = 256
_MOST_PROCESSES = 10_000


@dataclasses.dataclass(frozen=True)
class TrainConfig(DataConfig):
  """All settings of a training run."""

  train_dir: str = string(
    '/tmp/tfmodel/', 'Folder of checkpoints and events.', group='Run'
  )
  job_dir: str = string(
    None,
    'Folder that cloud platforms add to the command; used where no --train_dir '
    'is given.',
    alias='job-dir',
  )
  max_number_of_steps: int = integer(
    None,
    'Stop after this global step; runs until interrupted if not given.',
    minimum=1,
  )
  max_epochs: float = float_(
    None,
    'Stop after this number of epochs, instead of --max_number_of_steps.',
    above=0,
  )
  random_seed: int = integer(
    None,
    'Make a run repeatable: the same seed gives the same batches and weights.',
    minimum=0,
    maximum=_LARGEST_INT32,
  )

  train_image_size: int = integer(
    None,
    "Side of the images in pixels; the network's default.",
    minimum=1,
    maximum=LARGEST_IMAGE,
    group='Network and images',
  )
  num_readers: int = integer(
    4,
    'Number of TFRecord files to read in parallel; 0 reads all, up to 16.',
    minimum=0,
    maximum=4096,
    group='Input and session',
  )
  cache_dataset: str = string(
    'auto',
    'memory keeps the records in memory; disk copies them to a local disk, '
    'for data sets on slow or remote file systems. Small images (MNIST, CIFAR) '
    'are kept decoded; auto does only that, up to 256 MB.',
    one_of('auto', 'memory', 'disk', 'none'),
  )
  cache_dir: str = string(
    tempfile.gettempdir(),
    'Where --cache_dataset=disk makes the folder of its copies, '
    'slim-cache-USER, which is private.',
  )

  weight_decay: float = float_(
    0.00004, 'Weight of the L2 loss.', minimum=0, group='Loss and gradients'
  )
  batch_norm_decay: float = float_(
    None,
    "Decay of batch norm's moving averages; the network's default. Runs of "
    'a few thousand steps need less, for instance 0.99.',
    minimum=0,
    below=1,
  )
  label_smoothing: float = float_(
    0.0, 'Amount of label smoothing.', minimum=0, below=1
  )
  class_weights: str = string(
    None,
    'Weights of the classes in the loss: balanced, or a file with one line '
    'LABEL:WEIGHT per class.',
  )
  moving_average_decay: float = float_(
    None,
    'Keep moving averages of the weights with this decay.',
    minimum=0,
    below=1,
  )
  clip_gradient_norm: float = float_(
    0.0,
    'Clip the gradients to this global norm; 0 does not clip.',
    minimum=0,
  )

  optimizer: str = string(
    'rmsprop', 'The optimizer.', one_of(*OPTIMIZERS), group='Optimizer'
  )
  adadelta_rho: float = float_(0.95, 'Decay rate of adadelta.', 0, 1)
  adagrad_initial_accumulator_value: float = float_(
    0.1, 'Initial value of the accumulators of adagrad.', above=0
  )
  adam_beta1: float = float_(
    0.9, 'Decay of the first moment of adam.', minimum=0, below=1
  )
  adam_beta2: float = float_(
    0.999, 'Decay of the second moment of adam.', minimum=0, below=1
  )
  opt_epsilon: float = float_(
    1.0, 'Epsilon of adadelta, adam and rmsprop.', above=0
  )
  ftrl_learning_rate_power: float = float_(
    -0.5, 'Learning rate power of ftrl.', maximum=0
  )
  ftrl_initial_accumulator_value: float = float_(
    0.1, 'Initial value of the accumulators of ftrl.', minimum=0
  )
  ftrl_l1: float = float_(0.0, 'L1 strength of ftrl.', minimum=0)
  ftrl_l2: float = float_(0.0, 'L2 strength of ftrl.', minimum=0)
  momentum: float = float_(
    0.9, 'Momentum of the momentum optimizer.', minimum=0, below=1
  )
  rmsprop_momentum: float = float_(
    0.9, 'Momentum of rmsprop.', minimum=0, below=1
  )
  rmsprop_decay: float = float_(0.9, 'Decay of rmsprop.', 0, 1)

  learning_rate_decay_type: str = string(
    'exponential',
    'Schedule of the learning rate.',
    one_of(*SCHEDULES),
    group='Learning rate',
  )
  learning_rate: float = float_(0.01, 'Initial learning rate.', minimum=0)
  end_learning_rate: float = float_(
    0.0001, 'Final rate of the polynomial and cosine schedules.', minimum=0
  )
  learning_rate_decay_factor: float = float_(
    0.94, 'Factor of the exponential decay.', minimum=0
  )
  num_epochs_per_decay: float = float_(
    2.0,
    'Epochs between two exponential decays; length of the polynomial and '
    'cosine schedules.',
    minimum=0,
  )
  decay_by_effective_batch: bool = boolean(
    False,
    'Count the images of all clones in an epoch of --num_epochs_per_decay: N '
    'clones then decay after 1/N of the steps.',
  )
  warmup_steps: int = integer(
    0,
    'Steps over which the learning rate rises linearly to its full value.',
    minimum=0,
  )
  warmup_epochs: float = float_(
    0.0,
    'Epochs, as in --num_epochs_per_decay, over which the learning rate rises '
    'linearly from 0 at step 0.',
    minimum=0,
  )

  checkpoint_path: str = string(
    None,
    'Checkpoint (file, folder or archive) to start from; not used where '
    '--train_dir holds a checkpoint already.',
    group='Fine-tuning',
  )
  checkpoint_exclude_scopes: tuple = string_list(
    'Comma-separated variable scopes not to restore from --checkpoint_path.'
  )
  trainable_scopes: tuple = string_list(
    'Comma-separated variable scopes to train, beginnings of names or regular '
    'expressions; everything by default.'
  )
  ignore_missing_vars: bool = boolean(
    False, 'Initialise variables that the checkpoint does not have.'
  )
  freeze_batch_norm: bool = boolean(
    False,
    'Use the stored batch-norm statistics and do not update them, for '
    'fine-tuning with small batches; this turns dropout off too.',
  )

  log_every_n_steps: int = integer(
    10,
    'Steps between two log lines; 0 writes none.',
    minimum=0,
    group='Logs and checkpoints',
  )
  save_summaries_secs: int = integer(
    600, 'Seconds between two summaries; 0 writes none.', minimum=0
  )
  save_summaries_steps: int = integer(
    None, 'Steps between two summaries, instead of seconds.', minimum=1
  )
  save_interval_secs: int = integer(
    600,
    'Seconds between two checkpoints; 0 saves at the beginning and at the end '
    'only.',
    minimum=0,
  )
  save_interval_steps: int = integer(
    None, 'Steps between two checkpoints, instead of seconds.', minimum=1
  )
  max_checkpoints_to_keep: int = integer(
    5,
    'Number of checkpoints to keep; 0 keeps all.',
    minimum=0,
    maximum=_LARGEST_INT32,
  )
  keep_checkpoint_every_n_hours: float = float_(
    10000.0, 'Keep one checkpoint forever every N hours.', minimum=0
  )

  num_clones: int = integer(
    1,
    'Copies of the network on this machine, one per GPU.',
    minimum=1,
    maximum=_MOST_DEVICES,
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
  worker_replicas: int = integer(
    1, 'Number of worker replicas.', minimum=1, maximum=_MOST_PROCESSES
  )
  num_ps_tasks: int = integer(
    0, 'Number of parameter servers.', minimum=0, maximum=_MOST_PROCESSES
  )
  task: int = integer(0, 'Number of this process within its job.', minimum=0)
  ps_hosts: tuple = string_list('host:port of every parameter server.')
  worker_hosts: tuple = string_list(
    'host:port of every worker, the chief first.'
  )
  job_name: str = string(
    None,
    'Role of this process in the cluster of --ps_hosts and --worker_hosts.',
    one_of(*members.JOBS),
  )
  evaluator_split_name: str = string(
    'test', 'Split that an evaluator of the cluster evaluates.'
  )
  sync_replicas: bool = boolean(False, 'Synchronise the replicas.')
  replicas_to_aggregate: int = integer(
    1,
    'Gradients to average before the variables are updated.',
    minimum=1,
    maximum=_MOST_PROCESSES,
  )
  early_stopping_patience: int = integer(
    None,
    'Stop after this many evaluations without a better accuracy; needs an '
    'evaluation that runs beside the training (--eval_interval_secs).',
    minimum=1,
    group='Early stopping',
  )
  early_stopping_dir: str = string(
    None, 'The --eval_dir of that evaluation; TRAIN_DIR/eval by default.'
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
  quantize_delay: int = integer(
    -1,
    'Accepted for old commands; only -1, which does not quantize, works.',
    group='Accepted for old commands',
  )

  def __post_init__(self):
    super().__post_init__()
    _check_profile_steps(self.profile_steps)
    for one, other in _ALTERNATIVES:
      if getattr(self, one) and getattr(self, other):
        raise errors.UserError(f'Use --{one} or --{other}, not both.')
    if self.quantize_delay != -1:
      raise errors.UserError(
        f'--quantize_delay={self.quantize_delay}: TensorFlow 2 has no '
        'quantization-aware training of graphs. Leave it out, and quantize the '
        'trained network with export_inference_graph.py '
        '--tflite_quantize=int8.'
      )

  @property
  def effective_batch(self) -> int:
    """Images that one update of the variables averages over."""
    return self.batch_size * self.num_clones * self.gradients_per_step

  @property
  def gradients_per_step(self) -> int:
    """Gradients, one a replica, that one update averages."""
    return self.replicas_to_aggregate if self.sync_replicas else 1


_ALTERNATIVES = (
  ('max_epochs', 'max_number_of_steps'),
  ('warmup_epochs', 'warmup_steps'),
)


def _check_profile_steps(steps):
  """Raise UserError unless it is the first and the last step to trace."""
  if steps and not (
    len(steps) == 2
    and all(step.isdecimal() and len(step) < 19 for step in steps)
    and 1 <= int(steps[0]) <= int(steps[1])
  ):
    raise errors.UserError(
      f'--profile_steps={",".join(steps)}: must be the first and the last step '
      'to trace, counted from 1, for instance 10,20.'
    )
