"""Heads of Inception: windows, squeezing, weights at the start."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import inception, inception_heads
from tf_slim_compat import slim

# name -> (large side, side of the map left there, end point of the pool)
WINDOWED = {
  'inception_v1': (256, 8, 'AvgPool_0a_7x7'),
  'inception_v2': (256, 8, 'AvgPool_1a'),
  'inception_v3': (350, 9, 'AvgPool_1a'),
}


def build(name, side, **options):
  return getattr(inception, name)(tf.zeros([2, side, side, 3]), 10, **options)


@pytest.mark.parametrize('name', WINDOWED)
def test_large_images_need_global_pool_or_all_positions(name):
  side, _, pooled = WINDOWED[name]
  with pytest.raises(ValueError, match='2 x 2 positions .*global_pool=True'):
    build(name, side)
  tf.reset_default_graph()
  logits, end_points = build(name, side, spatial_squeeze=False)
  assert logits.shape.as_list() == [2, 2, 2, 10]
  assert end_points['Predictions'].shape.as_list() == [2, 2, 2, 10]
  assert 'global_pool' not in end_points
  assert end_points[pooled].shape.as_list()[1:3] == [2, 2]


@pytest.mark.parametrize('name', WINDOWED)
def test_global_pool_averages_the_whole_map(name):
  side, left, pooled = WINDOWED[name]
  logits, end_points = build(name, side + 64, global_pool=True)
  assert logits.shape.as_list() == [2, 10]
  pool = end_points['global_pool']
  assert pool.shape.as_list()[:3] == [2, 1, 1]
  assert pool.op.type == 'Mean'
  assert pool.op.inputs[0].shape.as_list()[1:3] == [left + 2] * 2
  assert pooled not in end_points
  if name == 'inception_v3':
    assert end_points['AuxLogits'].shape.as_list() == [2, 10]


@pytest.mark.parametrize('name', WINDOWED)
def test_windows_shrink_to_small_maps(name):
  logits, end_points = build(name, 128, spatial_squeeze=False)
  assert logits.shape.as_list() == [2, 1, 1, 10]
  pool = end_points[WINDOWED[name][2]]
  before = pool.op.inputs[0].shape.as_list()
  assert pool.shape.as_list() == [2, 1, 1, before[3]]
  assert pool.op.get_attr('ksize') == [1, *before[1:3], 1]
  if name == 'inception_v3':
    assert end_points['AuxLogits'].shape.as_list() == [2, 1, 1, 10]


def test_fitted_kernel_takes_unknown_sides_for_large():
  net = tf.placeholder(tf.float32, [None, 3, None, 8])
  assert inception_heads.fitted_kernel(net, 5) == (3, 5)
  assert inception_heads.fitted_kernel(tf.zeros([1, 9, 4, 8]), 5) == (5, 4)


def test_aux_dense_head_averages_what_an_unknown_size_leaves():
  values = np.random.RandomState(0).uniform(-1, 1, [2, 23, 23, 6])
  images = tf.placeholder(tf.float32, [None, None, None, 6])
  end_points = {}
  inception_heads.aux_dense_head(images, end_points, 4, conv='C', logits='L')
  logits = end_points['AuxLogits']
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    small, large = (
      session.run(logits, {images: values[:, :side, :side]})
      for side in (17, 23)
    )
  assert small.shape == large.shape == (2, 4)
  assert np.abs(small - large).max() > 0


def test_predictions_are_made_by_prediction_fn():
  _, end_points = inception.inception_v1(
    tf.zeros([2, 32, 32, 3]), 10, prediction_fn=tf_sigmoid
  )
  assert end_points['Predictions'].op.type == 'Sigmoid'
  assert end_points['Predictions'].op.name.endswith('Logits/Predictions')


def tf_sigmoid(logits, scope):
  return tf.sigmoid(logits, name=scope)


def test_dropout_keeps_the_share_it_is_told():
  net = tf.ones([4, 1, 1, 1024])
  end_points = {}
  head = inception_heads.Head(7, 1, 'pooled', 'features')
  inception_heads.conv_head(
    net,
    end_points,
    10,
    head,
    keep_prob=0.25,
    global_pool=False,
    spatial_squeeze=True,
  )
  with tf.Session() as session:
    features = session.run(end_points['features'])
  assert 0.2 < np.mean(features > 0) < 0.3


def test_is_training_may_be_a_tensor():
  is_training = tf.placeholder(tf.bool, [])
  images = tf.placeholder(tf.float32, [4, 32, 32, 3])
  with slim.arg_scope(inception.inception_v1_arg_scope()):
    logits, _ = inception.inception_v1(images, 10, is_training=is_training)
  mean = tf.global_variables('.*/Conv2d_1a_7x7/BatchNorm/moving_mean')[0]
  updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
  assert len(updates) == 114
  values = np.random.RandomState(0).uniform(-1, 1, [4, 32, 32, 3])
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for flag in (False, True):
      feed = {images: values, is_training: flag}
      session.run(updates, feed)
      assert session.run(mean).any() == flag
      twice = [session.run(logits, feed) for _ in range(2)]
      assert np.ptp(twice[0]) > 0
      assert np.array_equal(*twice) == (not flag)
