"""ResNet V1 and V2 beyond their contracts."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import resnet_utils, resnet_v1, resnet_v2
from tf_slim_compat import slim

_VERSIONS = {
  'v1': (resnet_v1.resnet_v1, resnet_v1.resnet_v1_block),
  'v2': (resnet_v2.resnet_v2, resnet_v2.resnet_v2_block),
}
_both = pytest.mark.parametrize('version', ['v1', 'v2'])


def _small(version, images, num_classes=5, **kwargs):
  """Builds a network of five units that takes 32 off the resolution."""
  network, block = _VERSIONS[version]
  blocks = [
    block('block1', base_depth=1, num_units=2, stride=2),
    block('block2', base_depth=2, num_units=1, stride=2),
    block('block3', base_depth=4, num_units=1, stride=2),
    block('block4', base_depth=8, num_units=1, stride=1),
  ]
  kwargs = {'is_training': False, 'scope': 'resnet', **kwargs}
  with slim.arg_scope(resnet_utils.resnet_arg_scope()):
    return network(images, blocks, num_classes, **kwargs)


def _images(*shape):
  return np.random.RandomState(0).uniform(-1, 1, shape).astype(np.float32)


def _run(tensors, feed=None):
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    return session.run(tensors, feed)


@_both
def test_classification(version):
  logits, end_points = _small(version, tf.zeros([2, 64, 64, 3]))
  assert logits.op.name == 'resnet/SpatialSqueeze'
  sizes = {
    name: tensor.shape.as_list()
    for name, tensor in end_points.items()
    if '/block' not in name
  }
  assert sizes == {
    'resnet/conv1': [2, 32, 32, 64],
    'global_pool': [2, 1, 1, 32],
    'resnet/logits': [2, 1, 1, 5],
    'resnet/spatial_squeeze': [2, 5],
    'predictions': [2, 5],
  }


@_both
@pytest.mark.parametrize('num_classes', [None, 0])
def test_features(version, num_classes):
  net, end_points = _small(version, tf.zeros([2, 64, 64, 3]), num_classes)
  assert net is end_points['global_pool']
  assert 'predictions' not in end_points


@_both
def test_map_of_logits_for_images_of_unknown_size(version):
  images = tf.placeholder(tf.float32, [None, None, None, 3])
  logits, _ = _small(version, images, global_pool=False, spatial_squeeze=False)
  assert logits.shape.as_list() == [None, None, None, 5]
  assert _run(logits, {images: _images(1, 33, 65, 3)}).shape == (1, 2, 3, 5)


@_both
def test_global_pool_takes_images_of_unknown_size(version):
  images = tf.placeholder(tf.float32, [None, None, None, 3])
  _, end_points = _small(version, images)
  predictions = _run(end_points['predictions'], {images: _images(2, 40, 70, 3)})
  assert predictions.shape == (2, 5)
  np.testing.assert_allclose(predictions.sum(axis=1), 1, rtol=1e-5)


@_both
@pytest.mark.parametrize(
  ('output_stride', 'blocks'),
  [(4, (17, 17, 17, 17)), (8, (9, 9, 9, 9)), (16, (9, 5, 5, 5))],
)
def test_output_stride(version, output_stride, blocks):
  _, end_points = _small(
    version,
    tf.zeros([1, 65, 65, 3]),
    None,
    global_pool=False,
    output_stride=output_stride,
  )
  sizes = [end_points[f'resnet/block{i}'].shape[1] for i in (1, 2, 3, 4)]
  assert sizes == list(blocks)


@_both
def test_dense_prediction_equals_the_nominal_network(version):
  images = tf.constant(_images(1, 65, 65, 3))
  tf.set_random_seed(0)
  nominal, _ = _small(version, images, None, global_pool=False)
  dense, _ = _small(
    version, images, None, global_pool=False, output_stride=8, reuse=True
  )
  expected, actual = _run((nominal, dense))
  assert expected.std() > 0.1
  np.testing.assert_allclose(
    actual[:, ::4, ::4], expected, rtol=1e-4, atol=1e-4
  )


@_both
@pytest.mark.parametrize('output_stride', [2, 6])
def test_output_stride_is_a_multiple_of_four(version, output_stride):
  with pytest.raises(ValueError, match='multiple of 4'):
    _small(version, tf.zeros([1, 65, 65, 3]), output_stride=output_stride)


@_both
def test_without_root_block(version):
  _, end_points = _small(
    version, tf.zeros([1, 32, 32, 3]), include_root_block=False
  )
  assert 'resnet/conv1' not in end_points
  assert end_points['resnet/block1'].shape.as_list() == [1, 16, 16, 4]
  assert end_points['resnet/block4'].shape.as_list() == [1, 4, 4, 32]


@_both
def test_training_may_be_a_tensor(version):
  training = tf.placeholder(tf.bool, [])
  logits, _ = _small(
    version, tf.constant(_images(4, 64, 64, 3)), is_training=training
  )
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    by_batch = session.run(logits, {training: True})
    by_average = session.run(logits, {training: False})
  assert abs(by_batch - by_average).max() > 1e-3


@_both
def test_training_may_be_left_to_the_arg_scope(version):
  images = tf.zeros([2, 64, 64, 3])
  with slim.arg_scope([slim.batch_norm], is_training=False):
    _small(version, images, is_training=None)
  assert not tf.get_collection(tf.GraphKeys.UPDATE_OPS)
  _small(version, images, is_training=None, reuse=True)
  assert tf.get_collection(tf.GraphKeys.UPDATE_OPS)


def test_bounded_activations():
  images = tf.constant(10 * _images(1, 8, 8, 4))
  tf.set_random_seed(0)
  with slim.arg_scope(resnet_utils.resnet_arg_scope(use_batch_norm=False)):
    net = resnet_v1.bottleneck(
      images, 8, 2, stride=1, use_bounded_activations=True
    )
  shortcut = tf.get_default_graph().get_tensor_by_name(
    'bottleneck_v1/shortcut/Relu6:0'
  )
  residual = tf.get_default_graph().get_tensor_by_name(
    'bottleneck_v1/conv3/BiasAdd:0'
  )
  actual, left, right = _run((net, shortcut, residual))
  assert left.max() == 6
  assert abs(right).max() > 6
  np.testing.assert_allclose(
    actual, np.clip(left + np.clip(right, -6, 6), 0, 6)
  )


def test_depth_multiplier_keeps_the_least_depth(monkeypatch):
  monkeypatch.setitem(resnet_utils.UNITS, 50, (1, 1, 1, 1))
  with slim.arg_scope(resnet_utils.resnet_arg_scope()):
    _, end_points = resnet_v1.resnet_v1_50(
      tf.zeros([1, 32, 32, 3]), depth_multiplier=0.25, min_base_depth=24
    )
  depths = [
    end_points[f'resnet_v1_50/block{i}'].shape.as_list()[3]
    for i in (1, 2, 3, 4)
  ]
  assert depths == [96, 128, 256, 512]


@pytest.mark.parametrize('layers', [101, 152])
def test_arguments_by_position(monkeypatch, layers):
  calls = []
  monkeypatch.setattr(
    resnet_v1, 'resnet_v1', lambda *args, **kwargs: calls.append((args, kwargs))
  )
  store_first = layers == 152
  network = getattr(resnet_v1, f'resnet_v1_{layers}')
  network('images', 7, False, False, 16, store_first, not store_first)
  ((args, kwargs),) = calls
  assert args[0] == 'images'
  assert args[2:] == (7, False)
  assert kwargs == {
    'global_pool': False,
    'output_stride': 16,
    'spatial_squeeze': False,
    'store_non_strided_activations': True,
    'reuse': None,
    'scope': f'resnet_v1_{layers}',
  }
