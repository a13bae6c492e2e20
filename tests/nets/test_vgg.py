"""VGG, AlexNet and OverFeat beyond their contracts.

Graphs only: their fully connected layers take half a gigabyte each. What those
compute is tried on a small `convolutional_classifier`.
"""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import alexnet, convolutional_classifier, overfeat, vgg
from tf_slim_compat import slim

_NETWORKS = {
  'alexnet_v2': (alexnet.alexnet_v2, alexnet.alexnet_v2_arg_scope),
  'overfeat': (overfeat.overfeat, overfeat.overfeat_arg_scope),
  'vgg_a': (vgg.vgg_a, vgg.vgg_arg_scope),
}
_each = pytest.mark.parametrize('name', _NETWORKS)


def _build(name, images, num_classes=7, **kwargs):
  network, arg_scope = _NETWORKS[name]
  with slim.arg_scope(arg_scope()):
    return network(images, num_classes, **{'is_training': False, **kwargs})


def _placeholder(name):
  size = _NETWORKS[name][0].default_image_size
  return tf.placeholder(tf.float32, [None, size, size, 3])


def _draws():
  """Returns the random ops other than initial values."""
  return [
    op
    for op in tf.get_default_graph().get_operations()
    if op.type == 'RandomUniform' and 'Initializer' not in op.name
  ]


def test_names_of_the_paper():
  assert vgg.vgg_d is vgg.vgg_16
  assert vgg.vgg_e is vgg.vgg_19
  assert vgg.vgg_19.__name__ == 'vgg_19'


@pytest.mark.parametrize(
  ('name', 'size', 'expected'),
  [('alexnet_v2', 300, 4), ('overfeat', 281, 2), ('vgg_a', 256, 2)],
)
def test_larger_images_give_a_map_of_logits(name, size, expected):
  logits, end_points = _build(
    name, tf.zeros([1, size, size, 3]), spatial_squeeze=False
  )
  assert logits.shape.as_list() == [1, expected, expected, 7]
  assert end_points[f'{name}/fc8'] is logits


@_each
def test_global_pool_takes_images_of_unknown_size(name):
  images = tf.placeholder(tf.float32, [None, None, None, 3])
  logits, end_points = _build(name, images, global_pool=True)
  assert logits.shape.as_list() == [None, 7]
  assert end_points['global_pool'].shape.as_list() == [None, 1, 1, 4096]


@_each
@pytest.mark.parametrize('num_classes', [None, 0])
def test_features(name, num_classes):
  images = tf.zeros([1, 231, 231, 3])
  net, end_points = _build(name, images, num_classes)
  assert net is end_points[f'{name}/fc7']
  assert not slim.get_variables(f'{name}/fc8')


@_each
def test_only_training_drops_anything_out(name):
  images = _placeholder(name)
  _build(name, images)
  assert not _draws()
  with tf.variable_scope(tf.get_variable_scope(), reuse=True):
    _build(name, images, is_training=True)
  assert len(_draws()) == 2


def test_vgg_with_padded_fc6_takes_small_images():
  images = tf.zeros([2, 32, 32, 3])
  logits, end_points = _build('vgg_a', images, fc_conv_padding='SAME')
  assert end_points['vgg_a/fc6'].shape.as_list() == [2, 1, 1, 4096]
  assert logits.shape.as_list() == [2, 7]
  with pytest.raises(ValueError, match='fc6|Negative|negative'):
    _build('vgg_a', images, scope='unpadded')


def test_vgg_shares_variables():
  images = tf.zeros([1, 224, 224, 3])
  _build('vgg_a', images)
  variables = tf.global_variables()
  _build('vgg_a', images, reuse=True)
  assert tf.global_variables() == variables


@pytest.mark.parametrize(
  ('name', 'layer', 'value'),
  [
    ('alexnet_v2', 'conv1', 0.1),
    ('alexnet_v2', 'fc6', 0.1),
    ('alexnet_v2', 'fc8', 0.0),
    ('overfeat', 'conv1', 0.0),
    ('overfeat', 'fc6', 0.1),
    ('overfeat', 'fc8', 0.0),
    ('vgg_a', 'fc6', 0.0),
  ],
)
def test_initial_biases(name, layer, value):
  _build(name, _placeholder(name))
  (biases,) = slim.get_variables_by_suffix(f'{layer}/biases')
  with tf.Session() as session:
    session.run(biases.initializer)
    assert set(session.run(biases)) == {np.float32(value)}


def _classify(images, **kwargs):
  arguments = {
    'num_classes': 3,
    'depths': (4, 5),
    'kernel': [3, 3],
    'is_training': False,
    'dropout_keep_prob': 0.5,
    'spatial_squeeze': False,
    'global_pool': False,
    'scope': 'net',
    'collection': 'outputs',
  }
  with tf.variable_scope('net', reuse=tf.AUTO_REUSE):
    return convolutional_classifier.classify(images, **{**arguments, **kwargs})


def test_a_map_of_logits_holds_those_of_its_windows():
  features = tf.constant(np.random.RandomState(0).randn(1, 4, 5, 2), tf.float32)
  whole, _ = _classify(features)
  windows = [
    _classify(features[:, y : y + 3, x : x + 3], spatial_squeeze=True)[0]
    for y in (0, 1)
    for x in (0, 1, 2)
  ]
  pooled, _ = _classify(features, global_pool=True, spatial_squeeze=True)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    whole, windows, pooled = session.run((whole, windows, pooled))
  assert whole.shape == (1, 2, 3, 3)
  np.testing.assert_allclose(
    whole.reshape(6, 3), np.concatenate(windows), rtol=1e-5, atol=1e-6
  )
  # fc8 is linear, so the mean may be taken before or after it.
  np.testing.assert_allclose(
    pooled, whole.mean(axis=(1, 2)), rtol=1e-5, atol=1e-6
  )


def test_dropout_may_follow_a_tensor():
  training = tf.placeholder(tf.bool, [])
  features = tf.ones([1, 3, 3, 2])
  logits, _ = _classify(
    features, is_training=training, depths=(64, 64), dropout_keep_prob=0.2
  )
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    off, again, on = (
      session.run(logits, {training: value}) for value in (False, False, True)
    )
  np.testing.assert_array_equal(off, again)
  assert abs(on - off).max() > 1e-3
