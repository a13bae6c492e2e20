"""Restoring weights and averages; what is said about a damaged checkpoint."""

import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import fine_tuning, locate, restore
from deployment.training.config import TrainConfig
from nets import nets_factory
from slim_support import errors


def save(prefix, values):
  """Saves a checkpoint of literal values."""
  with tf.Graph().as_default(), tf.Session() as session:
    for name, value in values.items():
      tf.get_variable(name, initializer=np.float32(value))
    session.run(tf.global_variables_initializer())
    tf.train.Saver().save(session, str(prefix), write_meta_graph=False)
  return str(prefix)


def restored(prefix, averaged):
  """Returns what two trained variables and a statistic are restored to."""
  one = tf.get_variable('one', initializer=0.0)
  two = tf.get_variable('two', initializer=0.0)
  mean = tf.get_variable('mean', initializer=0.0, trainable=False)
  with tf.Session() as session:
    restore.restore(session, prefix, averaged)
    return [float(value) for value in session.run([one, two, mean])]


_PLAIN = {'one': 1.0, 'two': 2.0, 'mean': 3.0}
_ALL = {f'{name}/ExponentialMovingAverage': value + 10
        for name, value in _PLAIN.items()}  # fmt: skip


def _averages(*names):
  return {
    name: value for name, value in _ALL.items() if name.split('/')[0] in names
  }


@pytest.mark.parametrize(
  ('present', 'expected', 'warned'),
  [
    (('one', 'two', 'mean'), [11, 12, 13], False),
    (('one', 'two'), [11, 12, 3], False),
    (('one',), [11, 2, 3], True),
  ],
)
def test_averages_where_there_are_any(
  tmp_path, caplog, present, expected, warned
):
  prefix = save(tmp_path / 'a.ckpt', _PLAIN | _averages(*present))
  with caplog.at_level('INFO', logger='absl'):
    assert restored(prefix, averaged=True) == expected
  assert ('no moving averages of 1 trained variables' in caplog.text) == warned


def test_plain_values_by_default(tmp_path):
  prefix = save(tmp_path / 'a.ckpt', _PLAIN | _ALL)
  assert restored(prefix, averaged=False) == [1, 2, 3]


def test_no_averages_at_all(tmp_path):
  prefix = save(tmp_path / 'a.ckpt', _PLAIN)
  with pytest.raises(errors.UserError, match='has no moving averages'):
    restored(prefix, averaged=True)


def _data(prefix):
  return f'{prefix}.data-00000-of-00001'


def _remove_data(prefix):
  os.remove(_data(prefix))


def _cut_data(prefix):
  os.truncate(_data(prefix), os.path.getsize(_data(prefix)) // 2)


def _empty_data(prefix):
  os.truncate(_data(prefix), 0)


def _flip(path):
  with open(path, 'r+b') as file:
    content = bytearray(file.read())
    for place in range(len(content) // 3, len(content), 97):
      content[place] ^= 0x55
    file.seek(0)
    file.write(content)


def _flip_data(prefix):
  _flip(_data(prefix))


def _flip_index(prefix):
  _flip(f'{prefix}.index')


def _cut_index(prefix):
  path = f'{prefix}.index'
  os.truncate(path, os.path.getsize(path) // 2)


def _garbage_index(prefix):
  with open(f'{prefix}.index', 'wb') as file:
    file.write(os.urandom(300))


def _empty_index(prefix):
  os.truncate(f'{prefix}.index', 0)


_DAMAGES = (
  _remove_data, _cut_data, _empty_data, _flip_data, _flip_index, _cut_index,
  _garbage_index, _empty_index,
)  # fmt: skip


@pytest.fixture(scope='module')
def lenet(tmp_path_factory):
  """A checkpoint of an untrained LeNet."""
  folder = tmp_path_factory.mktemp('lenet')
  with tf.Graph().as_default(), tf.Session() as session:
    nets_factory.get_network_fn('lenet', 10)(tf.zeros([1, 28, 28, 1]))
    session.run(tf.global_variables_initializer())
    tf.train.Saver().save(
      session, str(folder / 'a.ckpt'), write_meta_graph=False
    )
  return folder


@pytest.mark.parametrize('damage', _DAMAGES)
@pytest.mark.parametrize('job', ['restore', 'fine-tune'])
def test_damaged_checkpoint_is_one_sentence(lenet, tmp_path, damage, job):
  folder = tmp_path / 'copy'
  shutil.copytree(lenet, folder)
  prefix = str(folder / 'a.ckpt')
  damage(prefix)
  nets_factory.get_network_fn('lenet', 10)(tf.zeros([1, 28, 28, 1]))
  config = TrainConfig(
    dataset_name='digits', model_name='lenet', checkpoint_path=prefix
  )

  def run(session):
    if job == 'restore':
      restore.restore(session, prefix)
    else:
      fine_tuning.init_fn(config, 10)(None, session)

  with (
    tf.Session() as session,
    pytest.raises(errors.UserError, match=r'a\.ckpt cannot be read') as raised,
  ):
    run(session)
  assert '\n' not in str(raised.value)
  assert 'Node:' not in str(raised.value)
  assert 'Original error' not in str(raised.value)


@pytest.mark.parametrize('damage', _DAMAGES[4:])
def test_damaged_index_is_one_sentence(lenet, tmp_path, damage):
  folder = tmp_path / 'copy'
  shutil.copytree(lenet, folder)
  prefix = str(folder / 'a.ckpt')
  damage(prefix)
  with pytest.raises(errors.UserError, match=r'a\.ckpt cannot be read'):
    locate.global_step(prefix)
