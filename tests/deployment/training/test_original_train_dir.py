"""A train_dir of the original library: checkpoints, but no run.json."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import locate
from deployment.evaluation import evaluate
from deployment.evaluation.config import EvalConfig
from deployment.export import export
from deployment.export.config import ExportConfig
from deployment.training import train
from deployment.training.config import OPTIMIZERS, TrainConfig

_SHAPES = {
  'LeNet/conv1/weights': [5, 5, 1, 32],
  'LeNet/conv1/biases': [32],
  'LeNet/conv2/weights': [5, 5, 32, 64],
  'LeNet/conv2/biases': [64],
  'LeNet/fc3/weights': [3136, 1024],
  'LeNet/fc3/biases': [1024],
  'LeNet/fc4/weights': [1024, 10],
  'LeNet/fc4/biases': [10],
}
_SLOTS = {
  'adadelta': ('Adadelta', 'Adadelta_1'),
  'adagrad': ('Adagrad',),
  'adam': ('Adam', 'Adam_1'),
  'ftrl': ('Ftrl', 'Ftrl_1'),
  'momentum': ('Momentum',),
  'rmsprop': ('RMSProp', 'RMSProp_1'),
  'sgd': (),
}
_STEP = 100
_AVERAGE = 'ExponentialMovingAverage'


def write(folder, optimizer, averaged):
  """Writes a checkpoint of literal names and values; returns the values."""
  random = np.random.RandomState(0)
  values = {'global_step': np.int64(_STEP)}
  for name, shape in _SHAPES.items():
    values[name] = random.normal(0, 0.03, shape).astype(np.float32)
    for slot in _SLOTS[optimizer]:
      values[f'{name}/{slot}'] = np.full(shape, 0.1, np.float32)
    if averaged:
      values[f'{name}/{_AVERAGE}'] = values[name] / 2
  if optimizer == 'adam':
    values |= {'beta1_power': np.float32(0.5), 'beta2_power': np.float32(0.9)}
  with tf.Graph().as_default(), tf.Session() as session:
    for name, value in values.items():
      tf.get_variable(name, initializer=value)
    session.run(tf.global_variables_initializer())
    tf.train.Saver().save(
      session, str(folder / 'model.ckpt'), global_step=_STEP
    )
  return values


def read(folder):
  reader = locate.reader(locate.resolve(str(folder)))
  return {
    name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
  }


def resume(digits_dir, folder, optimizer, averaged):
  train.train(
    TrainConfig(
      dataset_name='digits',
      dataset_dir=digits_dir,
      train_dir=str(folder),
      model_name='lenet',
      optimizer=optimizer,
      learning_rate=1e-5,
      batch_size=4,
      max_number_of_steps=_STEP + 1,
      moving_average_decay=0.99 if averaged else None,
      save_summaries_secs=0,
    )
  )


@pytest.mark.parametrize('optimizer', OPTIMIZERS)
def test_trains_on(digits_dir, tmp_path, caplog, optimizer):
  averaged = optimizer != 'sgd'
  before = write(tmp_path, optimizer, averaged)
  with caplog.at_level('INFO', logger='absl'):
    resume(digits_dir, tmp_path, optimizer, averaged)
  assert 'differ' not in caplog.text, 'every variable has its value there'
  after = read(tmp_path)
  assert after.keys() == before.keys()
  assert after['global_step'] == _STEP + 1
  name = 'LeNet/fc3/weights'
  moved = np.abs(after[name] - before[name]).max()
  # Ftrl computes the weights from its slots alone; momentum is 0.1 at first.
  assert 0 < moved < 0.1 or optimizer == 'ftrl'
  if averaged and optimizer != 'ftrl':
    average = after[f'{name}/{_AVERAGE}']
    decay = min(0.99, (1 + _STEP + 1) / (10 + _STEP + 1))
    expected = before[name] / 2 * decay + after[name] * (1 - decay)
    np.testing.assert_allclose(average, expected, rtol=1e-3, atol=1e-6)


def test_averages_may_be_added(digits_dir, tmp_path, caplog):
  before = write(tmp_path, 'momentum', averaged=False)
  with caplog.at_level('INFO', logger='absl'):
    resume(digits_dir, tmp_path, 'momentum', averaged=True)
  assert '8 start fresh' in caplog.text
  average = read(tmp_path)[f'LeNet/fc3/weights/{_AVERAGE}']
  np.testing.assert_allclose(average, before['LeNet/fc3/weights'], atol=1e-3)


@pytest.mark.parametrize('averaged', [False, True])
def test_evaluates_and_exports_with_the_flags_alone(
  digits_dir, tmp_path, averaged
):
  folder = tmp_path / 'train'
  folder.mkdir()
  write(folder, 'rmsprop', averaged=True)
  common = {
    'model_name': 'lenet',
    'dataset_name': 'digits',
    'dataset_dir': digits_dir,
    'checkpoint_path': str(folder),
    'moving_average_decay': 0.99 if averaged else None,
  }
  result = evaluate.evaluate(
    EvalConfig(**common, eval_dir=str(tmp_path / 'eval'), max_num_batches=1)
  )
  assert result['images'] == 100
  metadata = export.export(
    ExportConfig(**common, frozen_file=str(tmp_path / 'frozen.pb'))
  )
  assert metadata['step'] == _STEP
  graph = tf.GraphDef.FromString((tmp_path / 'frozen.pb').read_bytes())
  constants = {
    node.name: tf.make_ndarray(node.attr['value'].tensor)
    for node in graph.node
    if node.op == 'Const' and node.name == 'LeNet/fc3/weights'
  }
  scale = 0.5 if averaged else 1
  expected = np.random.RandomState(0)
  for name, shape in _SHAPES.items():
    value = expected.normal(0, 0.03, shape).astype(np.float32)
    if name in constants:
      np.testing.assert_allclose(constants[name], value * scale, rtol=1e-5)
  assert constants
