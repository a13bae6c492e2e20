"""Options of Inception v2, and of v1 and v3 where they have the same."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.core.protobuf import rewriter_config_pb2

from nets import inception
from nets.inception_v1 import trunc_normal
from tf_slim_compat import slim


def shapes(end_points):
  return {name: net.shape.as_list() for name, net in end_points.items()}


def variable_shapes():
  return {v.op.name: v.shape.as_list() for v in tf.global_variables()}


def v2_base(images, final='Mixed_5c', **options):
  with slim.arg_scope(inception.inception_v2_arg_scope()):
    return inception.inception_v2_base(images, final, **options)


def initial_stddev(name):
  """Returns the deviation of a new variable; cutting it off costs 12 %."""
  (variable,) = [
    v for v in tf.global_variables() if v.op.name.endswith(f'/{name}')
  ]
  with tf.Session() as session:
    session.run(variable.initializer)
    return session.run(variable).std() / 0.88


@pytest.mark.parametrize(
  ('base', 'side', 'final'),
  [
    (inception.inception_v2_base, 64, 'Mixed_5c'),
    (inception.inception_v3_base, 139, 'Mixed_7c'),
  ],
)
def test_depth_multiplier_scales_every_end_point(base, side, final):
  images = tf.zeros([2, side, side, 3])
  depths = {}
  for multiplier in (0.5, 1.0, 2.0):
    _, end_points = base(
      images, final, depth_multiplier=multiplier, scope=f'x{multiplier}'
    )
    depths[multiplier] = np.array([s[3] for s in shapes(end_points).values()])
  assert (depths[0.5] * 2 == depths[1.0]).all()
  assert (depths[2.0] == 2 * depths[1.0]).all()


def test_min_depth_bounds_thin_networks():
  logits, end_points = inception.inception_v2(
    tf.zeros([2, 32, 32, 3]), 10, min_depth=8, depth_multiplier=0.01
  )
  depths = {s[3] for s in shapes(end_points).values() if len(s) == 4}
  # One convolution, four branches, two and the 32 that a reduction pools.
  assert depths == {8, 32, 48}
  assert logits.shape.as_list() == [2, 10]


@pytest.mark.parametrize('multiplier', [0, -0.5])
@pytest.mark.parametrize(
  'build',
  [
    inception.inception_v2,
    inception.inception_v2_base,
    inception.inception_v3,
    inception.inception_v3_base,
  ],
)
def test_depth_multiplier_must_be_positive(build, multiplier):
  with pytest.raises(ValueError, match='depth_multiplier must be greater'):
    build(tf.zeros([2, 299, 299, 3]), depth_multiplier=multiplier)


def test_aux_head_is_as_thin_as_the_network():
  inception.inception_v3(tf.zeros([2, 139, 139, 3]), 10, depth_multiplier=0.5)
  known = variable_shapes()
  prefix = 'InceptionV3/AuxLogits/Conv2d'
  assert known[f'{prefix}_1b_1x1/weights'] == [1, 1, 384, 64]
  assert [v for k, v in known.items() if k.startswith(f'{prefix}_2a')][0][
    2:
  ] == [64, 384]


def test_separable_stem_has_a_bias_and_no_batch_norm():
  net, _ = v2_base(tf.zeros([2, 64, 64, 3]), 'Conv2d_1a_7x7')
  assert variable_shapes() == {
    'InceptionV2/Conv2d_1a_7x7/depthwise_weights': [7, 7, 3, 8],
    'InceptionV2/Conv2d_1a_7x7/pointwise_weights': [1, 1, 24, 64],
    'InceptionV2/Conv2d_1a_7x7/biases': [64],
  }
  assert net.op.type == 'Relu'
  assert not tf.losses.get_regularization_losses()


def test_separable_stem_of_a_thin_network():
  v2_base(
    tf.zeros([2, 64, 64, 3]),
    'Conv2d_1a_7x7',
    depth_multiplier=0.1,
    min_depth=15,
  )
  depthwise = 'InceptionV2/Conv2d_1a_7x7/depthwise_weights'
  assert variable_shapes()[depthwise] == [7, 7, 3, 5]


def test_plain_stem_is_like_every_convolution():
  net, _ = v2_base(
    tf.zeros([2, 64, 64, 3]), 'Conv2d_1a_7x7', use_separable_conv=False
  )
  assert net.shape.as_list() == [2, 32, 32, 64]
  known = variable_shapes()
  assert known.pop('InceptionV2/Conv2d_1a_7x7/weights') == [7, 7, 3, 64]
  assert {name.split('/')[-2] for name in known} == {'BatchNorm'}
  assert len(tf.losses.get_regularization_losses()) == 1


def test_channels_first_gives_the_same_numbers():
  values = np.random.RandomState(0).uniform(-1, 1, [2, 3, 64, 64])
  images = tf.constant(values, tf.float32)
  options = {'use_separable_conv': False, 'scope': 'net'}
  first, first_points = v2_base(
    images, 'Mixed_4b', data_format='NCHW', **options
  )
  variables = tf.global_variables()
  with tf.variable_scope(tf.get_variable_scope(), reuse=True):
    last, last_points = v2_base(
      tf.transpose(images, [0, 2, 3, 1]), 'Mixed_4b', **options
    )
  assert tf.global_variables() == variables
  assert [*first_points] == [*last_points]
  for name, (batch, height, width, depth) in shapes(last_points).items():
    assert shapes(first_points)[name] == [batch, depth, height, width]

  config = tf.ConfigProto()  # the CPU has no channels-first convolutions
  config.graph_options.rewrite_options.cpu_layout_conversion = (
    rewriter_config_pb2.RewriterConfig.NCHW_TO_NHWC
  )
  with tf.Session(config=config) as session:
    session.run(tf.global_variables_initializer())
    first, last = session.run([tf.transpose(first, [0, 2, 3, 1]), last])
  assert np.ptp(first) > 0
  np.testing.assert_allclose(first, last, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'data_format': 'NCWH'}, "data_format 'NCWH'.*NHWC"),
    ({'data_format': 'NCHW'}, 'use_separable_conv=False'),
  ],
)
def test_data_formats_that_cannot_be_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    v2_base(tf.zeros([2, 64, 64, 3]), **options)


@pytest.mark.parametrize(
  'base', [inception.inception_v1_base, inception.inception_v2_base]
)
def test_without_root_block_inputs_are_features(base):
  features = tf.zeros([2, 28, 28, 192])
  net, end_points = base(features, 'Mixed_3c', include_root_block=False)
  assert [*end_points] == ['Mixed_3b', 'Mixed_3c']
  assert net.shape.as_list()[:3] == [2, 28, 28]
  blocks = {name.split('/')[1] for name in variable_shapes()}
  assert blocks == {'Mixed_3b', 'Mixed_3c'}
  with pytest.raises(ValueError, match='Conv2d_2c_3x3'):
    base(features, 'Conv2d_2c_3x3', include_root_block=False)


def test_initial_weights_of_v1():
  images = tf.zeros([2, 64, 64, 3])
  with slim.arg_scope(inception.inception_v1_arg_scope()):
    inception.inception_v1_base(images, 'Mixed_3b')
  for name in ('Conv2d_1a_7x7', 'Mixed_3b/Branch_3/Conv2d_0b_1x1'):
    assert initial_stddev(f'{name}/weights') == pytest.approx(0.01, rel=0.05)


def test_initial_weights_of_v2():
  v2_base(tf.zeros([2, 64, 64, 3]), 'Mixed_4a')
  expected = {
    'Conv2d_1a_7x7/depthwise_weights': 1.0,
    'Conv2d_1a_7x7/pointwise_weights': 1.0,
    'Conv2d_2b_1x1/weights': 0.1,
    # Scaled by the arg scope to the variance 2 / depth, the cut included.
    'Mixed_3b/Branch_0/Conv2d_0a_1x1/weights': (2 / 192) ** 0.5 / 0.88,
    'Mixed_3b/Branch_1/Conv2d_0a_1x1/weights': 0.09,
    'Mixed_3b/Branch_2/Conv2d_0a_1x1/weights': 0.09,
    'Mixed_3b/Branch_3/Conv2d_0b_1x1/weights': 0.1,
    'Mixed_4a/Branch_0/Conv2d_0a_1x1/weights': 0.09,
    'Mixed_4a/Branch_1/Conv2d_0a_1x1/weights': 0.09,
  }
  for name, stddev in expected.items():
    assert initial_stddev(name) == pytest.approx(stddev, rel=0.07), name


def test_initial_weights_of_the_aux_head_of_v3():
  inception.inception_v3(tf.zeros([2, 139, 139, 3]), 1000)
  for name, stddev in (('2a_1x1', 0.01), ('2b_1x1', 0.001)):
    name = f'AuxLogits/Conv2d_{name}/weights'
    assert initial_stddev(name) == pytest.approx(stddev, rel=0.05)


def test_trunc_normal_cuts_off_at_two_deviations():
  values = trunc_normal(0.5)([10000], dtype=tf.float32)
  with tf.Session() as session:
    values = session.run(values)
  assert 0.95 < np.abs(values).max() <= 1.0
  assert abs(values.mean()) < 0.02


@pytest.mark.parametrize(
  ('options', 'leaves'),
  [
    ({}, {'beta', 'moving_mean', 'moving_variance', 'weights'}),
    (
      {'batch_norm_scale': True},
      {'beta', 'gamma', 'moving_mean', 'moving_variance', 'weights'},
    ),
    ({'use_batch_norm': False}, {'biases', 'weights'}),
  ],
)
def test_arg_scope_decides_on_batch_norm(options, leaves):
  with slim.arg_scope(inception.inception_v1_arg_scope(**options)):
    net, _ = inception.inception_v1_base(
      tf.zeros([2, 64, 64, 3]), 'Conv2d_1a_7x7'
    )
  assert {name.split('/')[-1] for name in variable_shapes()} == leaves
  assert net.op.type == 'Relu'
