"""Log lines and TensorBoard: what users' tools look for."""

import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.evaluation import event_files
from deployment.training import log_hook, train
from deployment.training.config import TrainConfig
from slim_support import errors

_LINE = re.compile(
  r'global step (\d+): loss = (\d+\.\d{4}) \((\d+\.\d+) sec/step\), '
  r'learning rate \S+, accuracy ([01]\.\d{3}), [\d.]+ images/s'
)


def options(digits_dir, train_dir, **changes):
  values = {
    'dataset_name': 'digits',
    'dataset_dir': digits_dir,
    'train_dir': str(train_dir),
    'model_name': 'lenet',
    'batch_size': 8,
    'learning_rate': 0.01,
    'optimizer': 'sgd',
    'log_every_n_steps': 2,
    'max_number_of_steps': 5,
    'save_summaries_steps': 2,
    'weight_decay': 0.001,
    'random_seed': 7,
  }
  return TrainConfig(**(values | changes))


def lines(caplog):
  found = [_LINE.match(record.getMessage()) for record in caplog.records]
  return [match for match in found if match]


def tags(folder):
  """Returns the tags of all summaries in a folder."""
  return {
    value.tag
    for path in folder.glob('*.tfevents.*')
    for event in tf.train.summary_iterator(str(path))
    for value in event.summary.value
  }


@pytest.mark.parametrize('clones', [1, 2])
def test_lines_and_tags(digits_dir, tmp_path, caplog, clones):
  config = options(digits_dir, tmp_path, num_clones=clones)
  with caplog.at_level('INFO', logger='absl'):
    train.train(config)
  found = lines(caplog)
  assert [int(match[1]) for match in found] == [2, 4, 5]
  shown = tags(tmp_path)
  suffixes = [''] if clones == 1 else ['_0', '_1']
  expected = {
    *(f'Losses/clone_loss{suffix}' for suffix in suffixes),
    'Losses/regularization_loss', 'total_loss_1', 'global_step/sec',
    'learning_rate', 'accuracy/train', 'progress/images_per_second',
    'activations/Logits', 'sparsity/Logits',
  }  # fmt: skip
  assert expected <= shown
  for variable in ('LeNet/conv1/weights', 'LeNet/fc4/biases'):
    assert any(tag.startswith(variable) for tag in shown)
  assert not [tag for tag in shown if tag.startswith('progress/loss')]
  curves = event_files.read_scalars(str(tmp_path))
  assert {step for step, _ in curves['accuracy/train']} == {2, 4, 5}
  losses = dict(curves['total_loss_1'])
  assert {2, 4, 5} <= losses.keys()
  for match in found:
    assert float(match[2]) == pytest.approx(losses[int(match[1])], abs=1e-4)
  parts = [dict(curves[f'Losses/clone_loss{suffix}']) for suffix in suffixes]
  for step in parts[0]:
    total = sum(part[step] for part in parts)
    total += dict(curves['Losses/regularization_loss'])[step]
    assert total == pytest.approx(losses[step], rel=1e-5)


def test_zero_writes_no_lines(digits_dir, tmp_path, caplog):
  with caplog.at_level('INFO', logger='absl'):
    train.train(options(digits_dir, tmp_path, log_every_n_steps=0))
  assert not lines(caplog)
  assert 'global_step/sec' in tags(tmp_path)


def test_zero_saves_at_the_ends_only(digits_dir, tmp_path):
  train.train(options(digits_dir, tmp_path, save_interval_secs=0))
  saved = sorted(path.name for path in tmp_path.glob('*.index'))
  assert saved == ['model.ckpt-0.index', 'model.ckpt-5.index']


def test_diverging_at_a_summary_is_the_same_sentence(digits_dir, tmp_path):
  config = options(
    digits_dir, tmp_path, learning_rate=1e30, save_summaries_steps=1,
    max_number_of_steps=50,
  )  # fmt: skip
  with pytest.raises(errors.UserError, match=r'NaN or infinite.*learning_rate'):
    train.train(config)


class _Run:
  """Feeds a hook with values of steps."""

  def __init__(self, hook):
    self._hook = hook

  def __call__(self, step, accuracy):
    values = {
      'step': step, 'loss': 1.0, 'learning_rate': 0.1, 'accuracy': accuracy,
    }  # fmt: skip
    self._hook.before_run(None)
    results = tf.train.SessionRunValues(values, None, None)
    self._hook.after_run(None, results)


def test_accuracy_is_the_mean_since_the_last_line(caplog):
  run = _Run(log_hook.ProgressLog({}, 8, 2))
  with caplog.at_level('INFO', logger='absl'):
    for step, accuracy in enumerate([0.0, 1.0, 0.5, 0.75], 1):
      run(step, accuracy)
  assert [float(match[4]) for match in lines(caplog)] == [0.5, 0.625]


@pytest.mark.parametrize(
  ('steps', 'logged'),
  [
    (range(1, 32), [10, 20, 30]),
    (range(7, 22), [10, 20]),
    # Other workers of a cluster make the steps between.
    (range(3, 40, 4), [11, 23, 31]),
  ],
)
def test_round_steps(caplog, steps, logged):
  run = _Run(log_hook.ProgressLog({}, 8, 10))
  with caplog.at_level('INFO', logger='absl'):
    for step in steps:
      run(step, np.float32(1))
  assert [int(match[1]) for match in lines(caplog)] == logged


def test_pictures_of_the_distortion(digits_dir, tmp_path):
  config = options(
    digits_dir, tmp_path, model_name='mobilenet_v1_025', train_image_size=32,
    max_number_of_steps=2,
  )  # fmt: skip
  train.train(config)
  shown = tags(tmp_path)
  for name in ('image_with_bounding_boxes', 'final_distorted_image'):
    assert any(tag.startswith(f'distort_image/{name}') for tag in shown), shown
