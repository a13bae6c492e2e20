"""Values of the training flags: bounds, contradictions, old flags."""

import pytest

from deployment.evaluation.config import EvalConfig
from deployment.export.config import ExportConfig
from deployment.training.config import TrainConfig
from slim_support import errors

_ALLOWED = {
  'save_interval_secs': 0,
  'save_summaries_secs': 0,
  'log_every_n_steps': 0,
  'warmup_epochs': 0.0,
  'quantize_delay': -1,
  'ftrl_learning_rate_power': -0.5,
  'ftrl_l1': 0.0,
  'adam_beta1': 0.0,
  'momentum': 0.0,
  'label_smoothing': 0.0,
  'moving_average_decay': 0.0,
  'random_seed': 2**31 - 1,
  'profile_steps': ('1', '1'),
}
_REFUSED = [
  ('labels_offset', -1, 'at least 0'),
  ('random_seed', 2**31, 'at most'),
  ('random_seed', -1, 'at least'),
  ('batch_size', 10**9, 'at most'),
  ('num_preprocessing_threads', 100_000_000, 'at most'),
  ('num_readers', 100_000_000, 'at most'),
  ('num_clones', 100_000, 'at most'),
  ('adam_beta1', 1.0, 'less than 1'),
  ('adam_beta2', -0.1, 'at least 0'),
  ('adagrad_initial_accumulator_value', 0.0, 'greater than 0'),
  ('ftrl_learning_rate_power', 0.5, 'at most 0'),
  ('ftrl_initial_accumulator_value', -1.0, 'at least 0'),
  ('ftrl_l1', -1.0, 'at least 0'),
  ('ftrl_l2', -1.0, 'at least 0'),
  ('adadelta_rho', 1.5, 'at most 1'),
  ('rmsprop_decay', -0.5, 'at least 0'),
  ('momentum', 1.0, 'less than 1'),
  ('rmsprop_momentum', 1.0, 'less than 1'),
  ('opt_epsilon', 0.0, 'greater than 0'),
  ('learning_rate_decay_factor', -0.5, 'at least 0'),
  ('label_smoothing', 1.0, 'less than 1'),
  ('moving_average_decay', 1.0, 'less than 1'),
  ('batch_norm_decay', 1.0, 'less than 1'),
  ('max_epochs', 0.0, 'greater than 0'),
  ('max_epochs', float('nan'), 'finite'),
  ('clip_gradient_norm', float('inf'), 'finite'),
  ('profile_steps', ('²', '3'), 'counted from 1'),
  ('profile_steps', ('3', '2'), 'counted from 1'),
  ('profile_steps', ('0', '2'), 'counted from 1'),
  ('profile_steps', ('1', '9' * 30), 'counted from 1'),
  ('trainable_scopes', ('LeNet/fc4', ''), 'empty entry'),
  ('quantize_delay', 1000, 'tflite_quantize=int8'),
]


@pytest.mark.parametrize('name', sorted(_ALLOWED))
def test_value_at_the_bound(name):
  assert getattr(TrainConfig(**{name: _ALLOWED[name]}), name) == _ALLOWED[name]


@pytest.mark.parametrize(('name', 'value', 'message'), _REFUSED)
def test_value_that_cannot_work(name, value, message):
  with pytest.raises(errors.UserError, match=f'--{name}=.*{message}'):
    TrainConfig(**{name: value})


@pytest.mark.parametrize(
  'values',
  [
    {'max_epochs': 1.0, 'max_number_of_steps': 10},
    {'warmup_epochs': 1.0, 'warmup_steps': 10},
  ],
)
def test_flags_that_contradict_each_other(values):
  with pytest.raises(errors.UserError, match='not both'):
    TrainConfig(**values)


@pytest.mark.parametrize(
  ('config', 'values'),
  [
    (EvalConfig, {'quantize': True}),
    (ExportConfig, {'quantize': True}),
    (ExportConfig, {'is_video_model': True}),
  ],
)
def test_old_flags_that_ask_for_what_is_gone(config, values):
  config(**dict.fromkeys(values, False))
  with pytest.raises(errors.UserError, match='Leave it out'):
    config(**values)


def test_old_flags_that_ask_for_nothing():
  EvalConfig(max_num_batches=0)
  ExportConfig(num_frames=16)
