"""I3D and S3D-G, which classify videos."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import i3d, inception_v1, s3dg
from slim_support import errors
from tf_slim_compat import slim


def _shapes(end_points):
  return {name: net.shape.as_list()[1:] for name, net in end_points.items()}


def test_i3d_has_the_sizes_of_the_paper():
  with slim.arg_scope(i3d.i3d_arg_scope()):
    logits, end_points = i3d.i3d(
      tf.placeholder(tf.float32, [None, 64, 224, 224, 3]), 400
    )
  assert logits.shape.as_list() == [None, 400]
  shapes = _shapes(end_points)
  assert shapes['Conv2d_1a_7x7'] == [32, 112, 112, 64]
  assert shapes['MaxPool_2a_3x3'] == [32, 56, 56, 64]
  assert shapes['MaxPool_3a_3x3'] == [32, 28, 28, 192]
  assert shapes['Mixed_3c'] == [32, 28, 28, 480]
  assert shapes['Mixed_4f'] == [16, 14, 14, 832]
  assert shapes['Mixed_5c'] == [8, 7, 7, 1024]
  assert shapes['AvgPool_0a_7x7'] == [7, 1, 1, 1024]
  count = sum(int(np.prod(v.shape)) for v in tf.trainable_variables())
  assert 12e6 < count < 13e6  # the paper: 12 M


def _weights():
  return {
    v.op.name: v.shape.as_list() for v in slim.get_variables_by_name('weights')
  }


def test_i3d_is_inception_v1_inflated():
  i3d.i3d(tf.zeros([1, 16, 64, 64, 3]), 5)
  videos = _weights()
  tf.reset_default_graph()
  inception_v1.inception_v1(tf.zeros([1, 64, 64, 3]), 5)
  assert {name: [shape[0], *shape] for name, shape in _weights().items()} == (
    videos
  )


def test_s3dg_separates_space_and_time_and_gates():
  videos = tf.random.uniform([2, 4, 16, 16, 3], -1, 1)
  with slim.arg_scope(s3dg.s3dg_arg_scope()):
    logits, end_points = s3dg.s3dg(
      videos, 5, depth_multiplier=0.25, is_training=False
    )
  weights = _weights()
  block = 'InceptionV1/Mixed_4c/Branch_1'
  assert weights['InceptionV1/Conv2d_1a_7x7/weights'][:3] == [3, 7, 7]
  assert weights['InceptionV1/Conv2d_2b_1x1/weights'][:3] == [1, 1, 1]
  assert weights[f'{block}/Conv2d_0b_3x3/weights'][:3] == [1, 3, 3]
  assert weights[f'{block}/Conv2d_0b_3x3/temporal/weights'][:3] == [3, 1, 1]
  assert f'{block}/self_gating/transformer_W/weights' in weights
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    found, shares = session.run([logits, end_points['Predictions']])
  assert found.shape == (2, 5)
  np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)


def test_s3dg_starts_time_and_gates_where_it_is_told():
  videos = tf.zeros([1, 8, 32, 32, 3])
  _, end_points = s3dg.s3dg_base(
    videos,
    temporal_conv_startat='Mixed_5b',
    gating_startat=None,
    depth_multiplier=0.1,
  )
  weights = _weights()
  assert [*end_points][-1] == 'Mixed_5c'
  over_time = {name.split('/')[1] for name in weights if 'temporal' in name}
  assert over_time == {'Mixed_5b', 'Mixed_5c'}
  assert not any('gating' in name for name in weights)


def test_without_classes_they_give_features():
  features, _ = i3d.i3d(tf.zeros([1, 16, 32, 32, 3]), None)
  assert features.shape.as_list() == [1, 1, 1, 1, 1024]


def test_what_they_refuse():
  videos = tf.zeros([1, 8, 32, 32, 3])
  with pytest.raises(errors.UserError, match='Did you mean Mixed_5c'):
    i3d.i3d_base(videos, final_endpoint='Mixed_5x')
  with pytest.raises(errors.UserError, match='1, 3, 5 or 7'):
    s3dg.s3dg_base(videos, first_temporal_kernel_size=2)
  with pytest.raises(errors.UserError, match='Did you mean Mixed_4'):
    s3dg.s3dg_base(videos, gating_startat='Mixed_4')
  with pytest.raises(errors.UserError, match='NDHWC'):
    s3dg.s3dg_base(videos, data_format='NCDHW')
