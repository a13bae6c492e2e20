"""MobileNet V1 beyond its contract."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import mobilenet_v1
from nets.mobilenet_v1 import Conv, DepthSepConv
from tf_slim_compat import slim

_TINY = [
  Conv([3, 3], 2, 8),
  DepthSepConv([3, 3], 1, 8),
  DepthSepConv([3, 3], 2, 16),
  DepthSepConv([3, 3], 2, 16),
  DepthSepConv([3, 3], 2, 24),
  DepthSepConv([3, 3], 1, 24),
]
_LAST = 'Conv2d_5_pointwise'


def _base(images, final_endpoint=_LAST, conv_defs=_TINY, **kwargs):
  with (
    slim.arg_scope(mobilenet_v1.mobilenet_v1_arg_scope(stddev=0.5)),
    slim.arg_scope([slim.batch_norm], is_training=False),
  ):
    return mobilenet_v1.mobilenet_v1_base(
      images, final_endpoint, conv_defs=conv_defs, scope='net', **kwargs
    )


def _whole(images, num_classes=3, **kwargs):
  kwargs = {'is_training': False, 'depth_multiplier': 0.25, **kwargs}
  with slim.arg_scope(mobilenet_v1.mobilenet_v1_arg_scope(None)):
    return mobilenet_v1.mobilenet_v1(images, num_classes, **kwargs)


def _images(*shape):
  return np.random.RandomState(0).uniform(-1, 1, shape).astype(np.float32)


def _run(tensors, feed=None):
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    return session.run(tensors, feed)


@pytest.mark.parametrize(
  ('final_endpoint', 'expected'),
  [
    ('Conv2d_0', ['Conv2d_0']),
    ('Conv2d_1_depthwise', ['Conv2d_0', 'Conv2d_1_depthwise']),
    (
      'Conv2d_1_pointwise',
      ['Conv2d_0', 'Conv2d_1_depthwise', 'Conv2d_1_pointwise'],
    ),
  ],
)
def test_final_endpoint(final_endpoint, expected):
  net, end_points = _base(
    tf.zeros([1, 32, 32, 3]), final_endpoint, conv_defs=None
  )
  assert list(end_points) == expected
  assert net is end_points[final_endpoint]


@pytest.mark.parametrize(
  'arguments',
  [
    {'final_endpoint': 'Conv2d_14_pointwise'},
    {'depth_multiplier': 0},
    {'output_stride': 4},
  ],
)
def test_wrong_arguments(arguments):
  with pytest.raises(ValueError, match=str(next(iter(arguments.values())))):
    _base(tf.zeros([1, 32, 32, 3]), **arguments)


def test_images_need_four_dimensions():
  with pytest.raises(ValueError, match='rank 4'):
    _whole(tf.zeros([32, 32, 3]))


@pytest.mark.parametrize(
  ('output_stride', 'sizes'),
  [
    (None, [32, 32, 16, 8, 4, 4]),
    (8, [32, 32, 16, 8, 8, 8]),
    (16, [32, 32, 16, 8, 4, 4]),
  ],
)
@pytest.mark.parametrize('use_explicit_padding', [False, True])
def test_output_stride(output_stride, sizes, use_explicit_padding):
  _, end_points = _base(
    tf.zeros([1, 64, 64, 3]),
    output_stride=output_stride,
    use_explicit_padding=use_explicit_padding,
  )
  names = ['Conv2d_0', *(f'Conv2d_{i}_pointwise' for i in range(1, 6))]
  assert [end_points[name].shape[1] for name in names] == sizes


# 'SAME' pads alike at every resolution only if each has an odd size.
@pytest.mark.parametrize(
  ('size', 'use_explicit_padding'), [(65, False), (65, True), (64, True)]
)
def test_dense_prediction_equals_the_nominal_network(
  size, use_explicit_padding
):
  images = tf.constant(_images(1, size, size, 3))
  options = {'use_explicit_padding': use_explicit_padding}
  tf.set_random_seed(0)
  nominal, _ = _base(images, **options)
  tf.get_variable_scope().reuse_variables()
  dense, _ = _base(images, output_stride=8, **options)
  expected, actual = _run((nominal, dense))
  assert expected.std() > 0.01
  np.testing.assert_allclose(actual[:, ::2, ::2], expected, atol=1e-5)


def test_depth_multiplier_keeps_the_least_depth():
  _, end_points = _base(
    tf.zeros([1, 32, 32, 3]), depth_multiplier=0.5, min_depth=6
  )
  assert end_points['Conv2d_0'].shape[3] == 6
  assert end_points['Conv2d_2_pointwise'].shape[3] == 8
  assert end_points['Conv2d_5_pointwise'].shape[3] == 12


@pytest.mark.parametrize('num_classes', [None, 0])
def test_features(num_classes):
  net, end_points = _whole(tf.zeros([2, 64, 64, 3]), num_classes)
  assert net is end_points['AvgPool_1a']
  assert net.shape.as_list() == [2, 1, 1, 256]
  assert 'Logits' not in end_points


@pytest.mark.parametrize(('size', 'pooled'), [(32, 1), (224, 1), (288, 2)])
def test_pooling_shrinks_with_the_image_but_does_not_grow(size, pooled):
  net, _ = _whole(tf.zeros([1, size, size, 3]), None)
  assert net.shape.as_list() == [1, pooled, pooled, 256]


def test_images_of_unknown_size():
  images = tf.placeholder(tf.float32, [None, None, None, 3])
  logits, end_points = _whole(images, global_pool=True)
  assert end_points['global_pool'].shape.as_list() == [None, 1, 1, 256]
  assert _run(logits, {images: _images(2, 40, 70, 3)}).shape == (2, 3)


def test_map_of_logits():
  logits, end_points = _whole(
    tf.zeros([1, 288, 288, 3]), spatial_squeeze=False, prediction_fn=None
  )
  assert logits.shape.as_list() == [1, 2, 2, 3]
  assert 'Predictions' not in end_points


def test_training_may_be_a_tensor():
  training = tf.placeholder(tf.bool, [])
  logits, _ = _whole(
    tf.constant(_images(4, 64, 64, 3)),
    is_training=training,
    dropout_keep_prob=0.5,
  )
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    off, again, on = (
      session.run(logits, {training: value}) for value in (False, False, True)
    )
  np.testing.assert_array_equal(off, again)
  assert abs(on - off).max() > 1e-3


def test_arg_scope_may_leave_training_open():
  images = tf.zeros([1, 8, 8, 3])
  scope = mobilenet_v1.mobilenet_v1_arg_scope
  with slim.arg_scope([slim.batch_norm], is_training=False):
    with slim.arg_scope(scope(is_training=None)):
      slim.conv2d(images, 1, 1)
    assert not tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    with slim.arg_scope(scope(batch_norm_updates_collections='mine')):
      slim.conv2d(images, 1, 1)
    assert len(tf.get_collection('mine')) == 2


@pytest.mark.parametrize(('depthwise', 'losses'), [(False, 6), (True, 11)])
def test_l2_losses(depthwise, losses):
  with slim.arg_scope(
    mobilenet_v1.mobilenet_v1_arg_scope(regularize_depthwise=depthwise)
  ):
    mobilenet_v1.mobilenet_v1_base(
      tf.zeros([1, 32, 32, 3]), _LAST, conv_defs=_TINY
    )
  assert len(tf.losses.get_regularization_losses()) == losses


def test_arg_scope_without_batch_norm():
  with slim.arg_scope(mobilenet_v1.mobilenet_v1_arg_scope(normalizer_fn=None)):
    net = slim.conv2d(tf.zeros([1, 2, 2, 1]), 1, 1, scope='conv')
  names = [v.op.name for v in tf.global_variables()]
  assert names == ['conv/weights', 'conv/biases']
  assert net.op.type == 'Relu6'


def test_wrapped_partial_keeps_name_and_attributes():
  def double(value, factor=2):
    return factor * value

  double.default_image_size = 5
  triple = mobilenet_v1.wrapped_partial(double, factor=3)
  assert triple(2) == 6
  assert triple.__name__ == 'double'
  assert triple.default_image_size == 5


def test_a_checkpoint_in_the_first_format_restores(tmp_path):
  images = tf.constant(_images(1, 32, 32, 3))
  logits, _ = _whole(images, scope='MobilenetV1')
  saver = tf.train.Saver(write_version=tf.train.SaverDef.V1)
  path = str(tmp_path / 'mobilenet_v1.ckpt')
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    expected = session.run(logits)
    saver.save(session, path, write_state=False, write_meta_graph=False)
  assert [file.name for file in tmp_path.iterdir()] == ['mobilenet_v1.ckpt']
  with tf.Session() as session:
    tf.train.Saver().restore(session, path)
    np.testing.assert_array_equal(session.run(logits), expected)
