"""Layers and blocks of the MobileNets from v2 on."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets.mobilenet import conv_blocks, layers, mobilenet_v3, table
from tf_slim_compat import slim


def evaluate(tensors):
  with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    return sess.run(tensors)


def spread(shape, seed=0):
  return np.random.RandomState(seed).randn(*shape).astype(np.float32)


@pytest.mark.parametrize(
  ('value', 'divisor', 'min_value', 'expected'),
  [
    (24, 8, None, 24),
    (12, 8, None, 16),
    (3, 8, None, 8),
    (35, 8, None, 32),
    (10, 8, None, 16),  # 8 would take off more than a tenth
    (44.8, 8, None, 48),
    (11.2, 8, None, 16),
    (7, 1, None, 7),
    (3, 8, 16, 16),
  ],
)
def test_make_divisible(value, divisor, min_value, expected):
  result = layers.make_divisible(value, divisor, min_value)
  assert (result, type(result)) == (expected, int)


def test_fixed_padding_grows_with_the_rate():
  padded = layers.fixed_padding(tf.ones([1, 4, 4, 1]), (3, 5), rate=2)
  assert padded.shape.as_list() == [1, 8, 12, 1]


def test_split_conv_groups_do_not_see_each_other():
  images = tf.constant(spread([1, 2, 2, 32]))
  net = layers.split_conv(
    images, 24, 3, 'expand', biases_initializer=None, activation_fn=None
  )
  shapes = {v.op.name: v.shape.as_list() for v in tf.global_variables()}
  assert shapes == {
    'expand_part_0/weights': [1, 1, 16, 8],
    'expand_part_1/weights': [1, 1, 8, 8],
    'expand_part_2/weights': [1, 1, 8, 8],
  }
  (slope,) = tf.gradients(net[..., :8], images)
  slope = evaluate(slope)
  assert np.all(slope[..., :16] != 0)
  assert np.all(slope[..., 16:] == 0)


def test_split_conv_of_few_channels_is_one_convolution():
  layers.split_conv(tf.ones([1, 2, 2, 16]), 24, 3, 'expand')
  assert tf.global_variables()[0].op.name == 'expand/weights'


def test_split_separable_conv2d_takes_a_prefix_or_makes_a_scope():
  images, ends = tf.ones([1, 5, 5, 8]), {}
  net = layers.split_separable_conv2d(
    images, 16, stride=2, scope='Conv2d_1', endpoints=ends
  )
  layers.split_separable_conv2d(images, 16, use_explicit_padding=True)
  assert net.shape.as_list() == [1, 3, 3, 16]
  assert sorted(ends) == ['Conv2d_1_depthwise', 'Conv2d_1_pointwise']
  names = [v.op.name for v in tf.trainable_variables()]
  assert 'Conv2d_1_depthwise/depthwise_weights' in names
  assert 'separable/pointwise/weights' in names


def test_expanded_conv_adds_its_input_where_it_fits():
  images = tf.constant(spread([1, 4, 4, 16]))
  zeros = tf.zeros_initializer()
  with slim.arg_scope([slim.conv2d], weights_initializer=zeros):
    same = conv_blocks.expanded_conv(images, 16)
    wider = conv_blocks.expanded_conv(images, 24)
    smaller = conv_blocks.expanded_conv(images, 16, stride=2)
    alone = conv_blocks.expanded_conv(images, 16, residual=False)
    doubled = conv_blocks.expanded_conv(
      images,
      16,
      residual=lambda input_tensor, output_tensor: (
        2 * input_tensor + output_tensor
      ),
    )
  same, wider, smaller, alone, doubled, images = evaluate(
    [same, wider, smaller, alone, doubled, images]
  )
  np.testing.assert_array_equal(same, images)
  np.testing.assert_array_equal(doubled, 2 * images)
  assert wider.shape == (1, 4, 4, 24)
  assert smaller.shape == (1, 2, 2, 16)
  assert not np.any(wider)
  assert not np.any(smaller)
  assert not np.any(alone)


@pytest.mark.parametrize(
  ('location', 'depth', 'steps'),
  [
    ('input', 8, ['depthwise', 'expand', 'project']),
    ('expansion', 48, ['expand', 'depthwise', 'project']),
    ('output', 16, ['expand', 'project', 'depthwise']),
    (None, None, ['expand', 'project']),
  ],
)
def test_expanded_conv_places_the_depthwise_convolution(location, depth, steps):
  ends = {}
  conv_blocks.expanded_conv(
    tf.ones([1, 4, 4, 8]), 16, depthwise_location=location, endpoints=ends
  )
  made = [v.op.name.split('/')[1] for v in tf.trainable_variables()]
  assert list(dict.fromkeys(made)) == steps
  assert ends['expansion_output'].shape[3] == 48
  assert ends['projection_output'].shape[3] == 16
  if location:
    assert ends['depthwise_output'].shape[3] == depth


def test_expanded_conv_activations():
  net = tf.ones([1, 4, 4, 8])
  conv_blocks.expanded_conv(
    net,
    16,
    inner_activation_fn=tf.nn.relu6,
    depthwise_activation_fn=tf.nn.elu,
    scope='both',
  )
  conv_blocks.expanded_conv(net, 16, inner_activation_fn=tf.nn.elu, scope='one')
  types = {o.name: o.type for o in tf.get_default_graph().get_operations()}
  assert types['both/expand/Relu6'] == 'Relu6'
  assert types['both/depthwise/Elu'] == 'Elu'
  assert types['one/expand/Elu'] == types['one/depthwise/Elu'] == 'Elu'


def test_expanded_conv_with_splits():
  conv_blocks.expanded_conv(
    tf.ones([1, 4, 4, 16]), 32, split_expansion=2, split_projection=4
  )
  names = {v.op.name for v in tf.trainable_variables()}
  assert 'expanded_conv/expand_part_1/weights' in names
  assert 'expanded_conv/project_part_3/weights' in names


@pytest.mark.parametrize(
  'kwargs',
  [
    {'depthwise_location': 'middle'},
    {'use_explicit_padding': True, 'padding': 'VALID'},
  ],
)
def test_expanded_conv_refuses(kwargs):
  with pytest.raises(TypeError):
    conv_blocks.expanded_conv(tf.ones([1, 4, 4, 8]), 16, **kwargs)


def test_squeeze_excite_is_a_gate_on_each_channel():
  images = spread([2, 3, 5, 16])
  net = conv_blocks.squeeze_excite(
    tf.constant(images), squeeze_factor=4, divisible_by=2
  )
  net, weights = evaluate([net, tf.trainable_variables()])
  squeeze, squeeze_bias, excite, excite_bias = weights
  assert squeeze.shape == (1, 1, 16, 4)
  inner = images.mean((1, 2)) @ squeeze[0, 0] + squeeze_bias
  gates = np.maximum(inner, 0) @ excite[0, 0] + excite_bias
  gates = 1 / (1 + np.exp(-gates))
  np.testing.assert_allclose(net, images * gates[:, None, None], rtol=1e-5)


def test_squeeze_excite_looks_elsewhere_and_through_windows():
  images = tf.ones([2, 6, 6, 8])
  net = conv_blocks.squeeze_excite(
    images, squeeze_input_tensor=tf.ones([2, 6, 6, 24]), pool=(3, 3)
  )
  assert net.shape.as_list() == [2, 6, 6, 8]
  assert tf.trainable_variables()[0].shape.as_list() == [1, 1, 24, 8]
  pools = [
    o for o in tf.get_default_graph().get_operations() if o.type == 'AvgPool'
  ]
  assert list(pools[0].get_attr('ksize')) == [1, 3, 3, 1]
  np.testing.assert_allclose(np.ptp(evaluate(net)[..., 0]), 0, atol=1e-6)


def test_hard_swish():
  x = np.array([-4, -3, -1.5, 0, 1.5, 3, 4], np.float32)
  expected = [0, 0, -0.375, 0, 1.125, 3, 4]
  result = evaluate(mobilenet_v3.hard_swish(tf.constant(x)))
  np.testing.assert_allclose(result, expected, rtol=1e-6)


@pytest.mark.parametrize(
  ('shape', 'size'), [((10, 10), 1), ((None, None), None), ((9, 8), None)]
)
def test_reduce_to_1x1(shape, size):
  images = tf.placeholder(tf.float32, [2, *shape, 4])
  net = mobilenet_v3.reduce_to_1x1(images, default_size=7, stride=1, rate=2)
  if size:
    assert net.shape.as_list() == [2, 1, 1, 4]
  else:
    assert list(net.op.get_attr('ksize')) == [1, 7, 7, 1]


def test_strides_turn_into_rates():
  strides = [2, 1, 2, 2, 1, 2, 1]
  every = list(table.strides_and_rates(strides, None))
  assert every == [(stride, 1) for stride in strides]
  assert list(table.strides_and_rates(strides, 4)) == [
    (2, 1),
    (1, 1),
    (2, 1),
    (1, 1),
    (1, 2),
    (1, 2),
    (1, 4),
  ]
