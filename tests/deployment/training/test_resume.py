"""Resuming with other flags: what is refused, what starts fresh."""

import json
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import locate, resume
from deployment.training import train
from deployment.training.config import TrainConfig
from slim_support import errors


def options(digits_dir, train_dir, **changes):
  values = {
    'dataset_name': 'digits',
    'dataset_dir': digits_dir,
    'train_dir': str(train_dir),
    'model_name': 'lenet',
    'batch_size': 8,
    'learning_rate': 0.02,
    'learning_rate_decay_type': 'fixed',
    'optimizer': 'momentum',
    'max_number_of_steps': 3,
    'log_every_n_steps': 1,
    'save_summaries_secs': 0,
    'random_seed': 7,
  }
  return TrainConfig(**(values | changes))


def tensors(train_dir):
  reader = locate.reader(locate.resolve(str(train_dir)))
  return {
    name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
  }


@pytest.fixture(scope='module')
def trained(digits_dir, tmp_path_factory):
  """Three steps with momentum; tests work on copies."""
  folder = tmp_path_factory.mktemp('momentum')
  train.train(options(digits_dir, folder))
  return folder


@pytest.fixture
def copy(trained, tmp_path):
  return shutil.copytree(trained, tmp_path / 'copy')


_REFUSED = [
  ({'model_name': 'cifarnet'}, 'model_name was lenet and is now cifarnet'),
  ({'labels_offset': 1}, 'labels_offset was 0 and is now 1'),
  ({'preprocessing_name': 'cifarnet'}, 'preprocessing was lenet'),
  ({'train_image_size': 32}, r'fc3/weights is \[4096, 1024\] here'),
]


@pytest.mark.parametrize(('changes', 'message'), _REFUSED)
def test_other_network_or_data(digits_dir, copy, changes, message):
  before = {path.name: path.read_bytes() for path in copy.iterdir()}
  with pytest.raises(errors.UserError, match=message) as raised:
    train.train(options(digits_dir, copy, max_number_of_steps=5, **changes))
  assert 'another --train_dir' in str(raised.value)
  after = {path.name: path.read_bytes() for path in copy.iterdir()}
  after.setdefault('finished.json', before['finished.json'])
  assert after == before


def test_several_differences_are_all_said(digits_dir, copy):
  run = json.loads((copy / 'run.json').read_text())
  run |= {'num_classes': 7, 'channels': 3}
  run['flags']['dataset_name'] = 'mnist'
  (copy / 'run.json').write_text(json.dumps(run))
  message = 'mnist and is now digits; .*classes was 7.*; .*channels was 3'
  with pytest.raises(errors.UserError, match=message):
    train.train(options(digits_dir, copy))


def test_classes_in_another_order(digits_dir, copy):
  run = json.loads((copy / 'run.json').read_text())
  names = run['class_names']
  names['0'], names['1'] = names['1'], names['0']
  (copy / 'run.json').write_text(json.dumps(run))
  with pytest.raises(errors.UserError, match=r"'\w+' had the label 0 and now"):
    train.train(options(digits_dir, copy))


def test_class_with_a_corrected_name(digits_dir, copy):
  run = json.loads((copy / 'run.json').read_text())
  run['class_names']['0'] = 'zeroo'
  (copy / 'run.json').write_text(json.dumps(run))
  train.train(options(digits_dir, copy, max_number_of_steps=4))
  assert tensors(copy)['global_step'] == 4


@pytest.mark.parametrize(
  'changes', [c for c, _ in _REFUSED if len(c) == 1][::3]
)
def test_without_a_record_the_checkpoint_is_checked(digits_dir, copy, changes):
  (copy / 'run.json').unlink()
  with pytest.raises(errors.UserError, match=r'does not fit (lenet|cifarnet)'):
    train.train(options(digits_dir, copy, max_number_of_steps=5, **changes))
  assert not (copy / 'run.json').exists()


_CHANGES = {
  'optimizer': {'optimizer': 'adam', 'opt_epsilon': 1e-8},
  'averages': {'moving_average_decay': 0.5},
  'scopes': {'trainable_scopes': ('LeNet/fc',)},
}


@pytest.mark.parametrize('change', sorted(_CHANGES))
def test_training_settings_may_change(digits_dir, copy, caplog, change):
  before = tensors(copy)
  config = options(
    digits_dir, copy, learning_rate=0.0, max_number_of_steps=4,
    freeze_batch_norm=True, weight_decay=0.0, **_CHANGES[change],
  )  # fmt: skip
  with caplog.at_level('INFO', logger='absl'):
    train.train(config)
  after = tensors(copy)
  assert after['global_step'] == 4
  for name, value in before.items():
    if name.startswith('LeNet') and name.count('/') == 2:
      np.testing.assert_array_equal(after[name], value, err_msg=name)
  flag = next(iter(_CHANGES[change]))
  assert f'--{flag}=' in caplog.text
  assert 'The variables of this run and of' in caplog.text
  if change == 'averages':
    name = 'LeNet/fc3/weights'
    average = after[f'{name}/ExponentialMovingAverage']
    np.testing.assert_allclose(average, before[name], rtol=1e-6)
    assert 'start fresh' in caplog.text
  if change == 'scopes':
    assert 'LeNet/conv1/weights/Momentum' not in after
    assert 'are not used' in caplog.text


def test_first_the_head_then_everything(digits_dir, tmp_path):
  head = options(digits_dir, tmp_path, trainable_scopes=('LeNet/fc4',))
  train.train(head)
  first = tensors(tmp_path)
  assert 'LeNet/conv1/weights/Momentum' not in first
  train.train(options(digits_dir, tmp_path, max_number_of_steps=6))
  second = tensors(tmp_path)
  assert 'LeNet/conv1/weights/Momentum' in second
  changed = first['LeNet/conv1/weights'] != second['LeNet/conv1/weights']
  assert changed.any()


def test_a_checkpoint_without_global_step(digits_dir, copy):
  (copy / 'run.json').unlink()
  values = tensors(copy)
  del values['global_step']
  with tf.Graph().as_default(), tf.Session() as session:
    for name, value in values.items():
      tf.get_variable(name, initializer=value)
    session.run(tf.global_variables_initializer())
    tf.train.Saver().save(session, str(copy / 'model.ckpt'), global_step=9)
  with pytest.raises(errors.UserError, match='has no global step'):
    train.train(options(digits_dir, copy, max_number_of_steps=20))


def test_after_the_first_save_all_is_restored(tmp_path):
  """A session that is recovered must not lose the fresh variables again."""
  weights = tf.get_variable('weights', initializer=1.0)
  with tf.Session() as session:
    session.run(weights.initializer)
    prefix = tf.train.Saver().save(session, str(tmp_path / 'a.ckpt'))
  slot = tf.get_variable('slot', initializer=5.0)
  saver = resume.ResumingSaver([slot])
  with tf.Session() as session:
    saver.restore(session, prefix)
    assert session.run([weights, slot]) == [1.0, 5.0]
    session.run(slot.assign(7.0))
    saver.save(session, prefix)
  with tf.Session() as session:
    saver.restore(session, prefix)
    assert session.run([weights, slot]) == [1.0, 7.0]
