"""Training through `training.train`: resume, stop, faults, fine-tuning."""

import json
import logging
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import locate, repair, run_folder
from deployment.training import stop_hooks, train
from deployment.training.config import OPTIMIZERS, TrainConfig
from slim_support import errors

_CALM = {'optimizer': 'sgd', 'learning_rate_decay_type': 'fixed'}


def options(digits_dir, train_dir, **changes):
  values = {
    'dataset_name': 'digits',
    'dataset_dir': digits_dir,
    'train_dir': str(train_dir),
    'model_name': 'lenet',
    'batch_size': 16,
    'learning_rate': 0.02,
    'max_number_of_steps': 4,
    'log_every_n_steps': 2,
    'save_summaries_secs': 0,
    'random_seed': 7,
    **_CALM,
    **changes,
  }
  return TrainConfig(**values)


def weights(train_dir):
  reader = locate.reader(locate.resolve(str(train_dir)))
  return {
    name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
  }


@pytest.fixture
def logged_losses():
  """Returns a dict of step to loss, filled from the log of a run."""
  found = {}

  class Handler(logging.Handler):
    def emit(self, record):
      match = re.match(
        r'global step (\d+): loss = ([\d.]+) \(\d+\.\d+ sec/step\)',
        record.getMessage(),
      )
      if match:
        found[int(match[1])] = float(match[2])

  handler = Handler()
  logger = logging.getLogger('absl')
  level = logger.level
  logger.addHandler(handler)
  logger.setLevel(logging.INFO)
  yield found
  logger.removeHandler(handler)
  logger.setLevel(level)


@pytest.mark.parametrize('optimizer', OPTIMIZERS)
def test_loss_falls_with_every_optimizer(
  digits_dir, tmp_path, optimizer, logged_losses
):
  rates = {'adadelta': 50.0, 'adagrad': 0.02, 'adam': 0.05, 'ftrl': 0.02,
           'momentum': 0.02, 'sgd': 0.02, 'rmsprop': 0.003}  # fmt: skip
  train.train(
    options(
      digits_dir,
      tmp_path,
      optimizer=optimizer,
      learning_rate=rates[optimizer],
      max_number_of_steps=60,
      log_every_n_steps=1,
    )
  )
  curve = [logged_losses[step] for step in sorted(logged_losses)]
  first, last = np.mean(curve[:5]), np.mean(curve[-5:])
  assert last < 0.9 * first


def test_resumed_run_equals_an_uninterrupted_one(digits_dir, tmp_path):
  # Dropout draws from a state that a checkpoint does not hold, so it is off.
  common = {'freeze_batch_norm': True, 'max_number_of_steps': 12}
  train.train(options(digits_dir, tmp_path / 'whole', **common))
  half = options(
    digits_dir, tmp_path / 'parts', freeze_batch_norm=True,
    max_number_of_steps=None, save_interval_steps=1000,
  )  # fmt: skip
  _stop_after(half, steps=5)
  stopped_at = locate.step_of(locate.resolve(half.train_dir))
  assert 0 < stopped_at < 12
  train.train(options(digits_dir, tmp_path / 'parts', **common))
  whole, parts = weights(tmp_path / 'whole'), weights(tmp_path / 'parts')
  assert whole.keys() == parts.keys()
  for name in whole:
    np.testing.assert_array_equal(whole[name], parts[name], err_msg=name)


def _stop_after(config, steps):
  """Trains and sends SIGTERM once the run has taken some steps."""
  status = []

  def stop():
    while not _reached(config.train_dir):
      time.sleep(0.02)
    time.sleep(0.02 * steps)
    os.kill(os.getpid(), signal.SIGTERM)

  thread = threading.Thread(target=stop)
  thread.start()
  status.append(train.train(config))
  thread.join()
  assert status == [128 + signal.SIGTERM]


def _reached(train_dir):
  return os.path.isdir(train_dir) and any(
    name.endswith('ckpt-0.index') for name in os.listdir(train_dir)
  )


def test_not_finite_loss_keeps_the_last_good_checkpoint(digits_dir, tmp_path):
  train.train(options(digits_dir, tmp_path))
  good = weights(tmp_path)
  bad = options(
    digits_dir,
    tmp_path,
    learning_rate=1e30,
    max_number_of_steps=50,
    save_interval_steps=1,
  )
  with pytest.raises(errors.UserError, match=r'NaN or infinite.*learning_rate'):
    train.train(bad)
  newest = weights(tmp_path)
  assert all(np.isfinite(value).all() for value in newest.values())
  assert newest['global_step'] >= good['global_step']


def test_second_trainer_is_refused(digits_dir, tmp_path):
  config = options(digits_dir, tmp_path)

  with (
    run_folder.exclusive(config.train_dir),
    pytest.raises(errors.UserError, match=rf'in use.*{os.getpid()}'),
  ):
    train.train(config)


def test_train_dir_that_is_a_file(digits_dir, tmp_path):
  path = tmp_path / 'file'
  path.write_text('precious')
  with pytest.raises(errors.UserError, match='--train_dir='):
    train.train(options(digits_dir, path))
  assert path.read_text() == 'precious'


def test_damaged_newest_checkpoint_falls_back(digits_dir, tmp_path):
  train.train(
    options(digits_dir, tmp_path, save_interval_steps=2, random_seed=None)
  )
  newest = locate.resolve(str(tmp_path))
  data = newest + '.data-00000-of-00001'
  with open(data, 'r+b') as file:
    file.truncate(os.path.getsize(data) // 2)
  train.train(options(digits_dir, tmp_path, max_number_of_steps=6))
  assert weights(tmp_path)['global_step'] == 6


def test_garbage_in_the_state_file_is_mended(digits_dir, tmp_path):
  train.train(options(digits_dir, tmp_path))
  (tmp_path / 'checkpoint').write_text('garbage')
  train.train(options(digits_dir, tmp_path, max_number_of_steps=6))
  assert weights(tmp_path)['global_step'] == 6


def test_moved_train_dir_is_found(digits_dir, tmp_path):
  train.train(options(digits_dir, tmp_path / 'a'))
  os.rename(tmp_path / 'a', tmp_path / 'b')
  train.train(options(digits_dir, tmp_path / 'b', max_number_of_steps=6))
  assert weights(tmp_path / 'b')['global_step'] == 6
  state = (tmp_path / 'b' / 'checkpoint').read_text()
  assert str(tmp_path) not in state


def test_other_network_in_train_dir_is_refused(digits_dir, tmp_path):
  train.train(options(digits_dir, tmp_path))
  with pytest.raises(errors.UserError, match='--model_name was lenet'):
    train.train(options(digits_dir, tmp_path, model_name='cifarnet'))


def test_corrupt_record_is_named(digits_dir, tmp_path):
  folder = tmp_path / 'data'
  folder.mkdir()
  for name in os.listdir(digits_dir):
    content = pathlib.Path(digits_dir, name).read_bytes()
    if name == 'digits_train.tfrecord':
      middle = len(content) // 2
      content = content[:middle] + b'\xff\x00\xff' + content[middle + 3 :]
    (folder / name).write_bytes(content)
  config = options(str(folder), tmp_path / 'model', max_number_of_steps=500)
  with pytest.raises(errors.UserError, match=r'digits_train.*record \d+'):
    train.train(config)


@pytest.mark.parametrize('offset', [10, 11])
def test_labels_offset_that_leaves_no_class(digits_dir, tmp_path, offset):
  config = options(digits_dir, tmp_path, labels_offset=offset)
  with pytest.raises(errors.UserError, match='10 classes.*less than 10'):
    train.train(config)
  assert not (tmp_path / 'run.json').exists()


def test_label_out_of_range_is_said(digits_dir, tmp_path):
  config = options(digits_dir, tmp_path, labels_offset=1)
  with pytest.raises(errors.UserError, match='label is out of range'):
    train.train(config)


def test_max_epochs(digits_dir, tmp_path):
  train.train(
    options(
      digits_dir,
      tmp_path,
      batch_size=500,
      max_epochs=1,
      max_number_of_steps=None,
    )  # fmt: skip
  )
  assert weights(tmp_path)['global_step'] == 3


def test_batch_larger_than_the_data_set(digits_dir, tmp_path):
  train.train(
    options(
      digits_dir,
      tmp_path,
      batch_size=1600,
      max_number_of_steps=1,
      learning_rate_decay_type='exponential',
    )  # fmt: skip
  )
  assert weights(tmp_path)['global_step'] == 1


def test_run_record_and_clones(digits_dir, tmp_path):
  train.train(options(digits_dir, tmp_path, num_clones=2, batch_size=8))
  run = json.loads((tmp_path / 'run.json').read_text())
  assert run['flags']['model_name'] == 'lenet'
  assert run['num_classes'] == 10
  assert run['versions']['tensorflow'] == tf.__version__


def test_moving_averages_are_saved(digits_dir, tmp_path):
  train.train(options(digits_dir, tmp_path, moving_average_decay=0.9))
  names = weights(tmp_path).keys()
  assert 'LeNet/conv1/weights/ExponentialMovingAverage' in names


def test_clipped_warmed_up_cosine(digits_dir, tmp_path):
  train.train(
    options(
      digits_dir,
      tmp_path,
      clip_gradient_norm=1.0,
      warmup_steps=2,
      learning_rate_decay_type='cosine',
      label_smoothing=0.1,
    )  # fmt: skip
  )
  assert weights(tmp_path)['global_step'] == 4


def test_trace_for_tensorboard(digits_dir, tmp_path):
  train.train(options(digits_dir, tmp_path, profile_steps=('2', '3')))
  traces = list(tmp_path.glob('plugins/profile/*/*.xplane.pb'))
  assert len(traces) == 1


def test_early_stop_follows_the_evaluations(digits_dir, tmp_path, monkeypatch):
  monkeypatch.setattr(
    stop_hooks.EarlyStopping.__init__, '__defaults__', (0.01,)
  )
  history = tmp_path / 'eval' / 'history.jsonl'
  history.parent.mkdir()
  history.write_text(
    ''.join(
      json.dumps({'step': step, 'Accuracy': accuracy}) + '\n'
      for step, accuracy in ((1, 0.5), (2, 0.9), (3, 0.8), (4, 0.7))
    )
  )
  config = options(
    digits_dir, tmp_path, early_stopping_patience=2, max_number_of_steps=500
  )
  assert train.train(config) == 0
  assert weights(tmp_path)['global_step'] < 500


def test_class_weights_change_the_loss(digits_dir, tmp_path, logged_losses):
  path = tmp_path / 'weights.txt'
  path.write_text(''.join(f'{label}:100\n' for label in range(10)))
  common = {'max_number_of_steps': 3, 'log_every_n_steps': 1,
            'learning_rate': 0.0}  # fmt: skip
  train.train(options(digits_dir, tmp_path / 'a', **common))
  plain = dict(logged_losses)
  train.train(
    options(digits_dir, tmp_path / 'b', class_weights=str(path), **common)
  )
  assert logged_losses[3] > 10 * plain[3]


_RUN = [
  'train_image_classifier.py', '--dataset_name=digits', '--model_name=lenet',
  '--batch_size=8', '--save_summaries_secs=0',
]  # fmt: skip


@pytest.mark.slow
def test_sigkill_at_any_moment_loses_nothing(digits_dir, tmp_path):
  """Checkpoints are written all the time, so kills hit the writing too."""
  moments = np.random.RandomState(0).uniform(0.0, 1.5, 20)
  command = [
    sys.executable, *_RUN, f'--dataset_dir={digits_dir}',
    f'--train_dir={tmp_path}', '--save_interval_steps=1',
  ]  # fmt: skip
  before = 0
  for moment in moments:
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    _wait_for_step(tmp_path, before + 1, process)
    time.sleep(moment)
    process.kill()
    process.wait()
    latest = repair.repair(str(tmp_path))
    step = locate.step_of(latest)
    assert repair.is_readable(latest)
    assert step > before
    before = step


def _wait_for_step(train_dir, step, process):
  deadline = time.monotonic() + 60
  while time.monotonic() < deadline and process.poll() is None:
    found = locate.prefixes(str(train_dir))
    if found and locate.step_of(found[-1]) >= step:
      return
    time.sleep(0.05)
  raise AssertionError(f'no step {step} in {os.listdir(train_dir)}')


@pytest.mark.slow
def test_full_disk_keeps_the_checkpoints(digits_dir, tmp_path, run_script):
  folder = tmp_path / 'small'
  folder.mkdir()
  mounted = subprocess.run(
    ['mount', '-t', 'tmpfs', '-o', 'size=40m', 'tmpfs', str(folder)],
    check=False,
    capture_output=True,
  )
  if mounted.returncode:
    pytest.skip('mounting a small file system is not allowed here')
  try:
    result = run_script(
      *_RUN, f'--dataset_dir={digits_dir}', f'--train_dir={folder}',
      '--save_interval_steps=2', '--max_number_of_steps=40',
      '--max_checkpoints_to_keep=0',
    )  # fmt: skip
    assert result.returncode == 1
    assert 'No space left' in result.stderr
    assert 'Traceback' not in result.stderr
    latest = repair.repair(str(folder))
    assert repair.is_readable(latest)
  finally:
    subprocess.run(['umount', str(folder)], check=True)
