import subprocess
import sys

import pytest
import tensorflow.compat.v1 as tf

from nets import nets_factory
from nets.pretrained import CHECKPOINTS
from preprocessing import preprocessing_factory
from slim_support import errors
from tf_slim_compat import slim


def _python(*arguments):
  return subprocess.run(
    [sys.executable, *arguments], capture_output=True, text=True, check=True
  ).stdout


def test_names_are_known_without_tensorflow():
  code = (
    'import sys; from nets import nets_factory; '
    'print(len(nets_factory.NETWORKS), "tensorflow" in sys.modules)'
  )
  assert _python('-c', code) == '38 False\n'


def test_the_module_prints_the_pretrained_models():
  lines = _python('-m', 'nets.nets_factory').splitlines()
  assert lines == nets_factory.markdown_table().splitlines()
  assert len(lines) == 2 + sum(map(len, CHECKPOINTS.values()))
  assert {line.count('|') for line in lines} == {11}
  vgg = next(line for line in lines if line.startswith('| `vgg_16` |'))
  assert vgg.endswith('| 224 | vgg | 1000 | 1 | 138.36 | 15470 | 71.5 | 89.8 |')


def test_resnet_v2_checkpoints_are_not_like_the_networks_defaults():
  row = nets_factory.network('resnet_v2_50')
  assert (row.preprocessing, row.image_size) == ('vgg', 224)
  (checkpoint,) = row.checkpoints
  assert checkpoint.preprocessing == 'inception'
  assert checkpoint.image_size == 299
  assert checkpoint.archive == 'resnet_v2_50_2017_04_14.tar.gz'


def test_every_checkpoint_belongs_to_a_network():
  assert CHECKPOINTS.keys() <= set(nets_factory.NETWORKS)


@pytest.mark.parametrize(
  ('name', 'offset'),
  [('vgg_16', 1), ('resnet_v1_50', 1), ('resnet_v2_50', 0), ('lenet', 0)],
)
def test_labels_offset(name, offset):
  assert nets_factory.network(name).labels_offset == offset


def test_unknown_network():
  with pytest.raises(errors.UserError) as error:
    nets_factory.get_network_fn('resnet_v1_5O', 10)
  assert "Unknown network 'resnet_v1_5O'." in str(error.value)
  assert 'Did you mean resnet_v1_50' in str(error.value)


def test_maps_have_every_network():
  assert set(nets_factory.networks_map) == set(nets_factory.NETWORKS)
  assert set(nets_factory.arg_scopes_map) == set(nets_factory.NETWORKS)


@pytest.mark.parametrize('name', ['mobilenet_v1_025', 'mobilenet_v2_035'])
def test_batch_norm_decay_goes_by_one_name(name):
  network_fn = nets_factory.get_network_fn(
    name, 2, is_training=True, batch_norm_decay=0.75
  )
  network_fn(tf.zeros([2, 32, 32, 3]))
  update = tf.get_collection(tf.GraphKeys.UPDATE_OPS)[1]
  variance = slim.get_variables_by_name('moving_variance')[0]
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(update)
    # It started at 1, and black images do not vary.
    assert session.run(variance) == pytest.approx(0.75)


def test_networks_without_batch_norm_ignore_its_decay():
  network_fn = nets_factory.get_network_fn('lenet', 10, batch_norm_decay=0.9)
  logits, _ = network_fn(tf.zeros([1, 28, 28, 1]))
  assert logits.shape.as_list() == [1, 10]


def test_arg_scope_arguments_reach_the_arg_scope():
  network_fn = nets_factory.get_network_fn(
    'resnet_v1_50', 10, use_batch_norm=False, batch_norm_decay=None
  )
  network_fn(tf.zeros([1, 33, 33, 3]))
  assert not slim.get_variables_by_name('gamma')
  assert slim.get_variables_by_suffix(
    'block1/unit_1/bottleneck_v1/conv1/biases'
  )


def test_weight_decay_weighs_the_l2_losses():
  network_fn = nets_factory.get_network_fn('lenet', 10, weight_decay=0.5)
  network_fn(tf.zeros([1, 28, 28, 1]))
  weights = slim.get_variables_by_name('weights')
  losses = tf.losses.get_regularization_losses()
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    expected = session.run([0.5 * tf.nn.l2_loss(w) for w in weights])
    assert session.run(losses) == pytest.approx(expected)


def test_arguments_go_through_to_the_network():
  network_fn = nets_factory.get_network_fn('mobilenet_v1_025', None)
  net, end_points = network_fn(
    tf.zeros([1, 64, 64, 3]), global_pool=True, scope='Mine'
  )
  assert net is end_points['global_pool']
  assert {v.op.name.split('/')[0] for v in tf.global_variables()} == {'Mine'}


def test_preprocessing_is_what_goes_by_the_networks_name():
  rows = {n: nets_factory.network(n) for n in nets_factory.networks()}
  assert {n: row.preprocessing for n, row in rows.items()} == {
    n: preprocessing_factory.family_name(n) for n in rows
  }
