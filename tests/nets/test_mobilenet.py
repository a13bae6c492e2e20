"""MobileNet v2, v3 and EdgeTPU: what their contracts leave open."""

import functools

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets.mobilenet import mobilenet as lib
from nets.mobilenet import mobilenet_v2, mobilenet_v3
from tf_slim_compat import slim

quarter = functools.partial(
  mobilenet_v2.mobilenet,
  depth_multiplier=0.25,
  finegrain_classification_mode=False,
)
beginning = functools.partial(quarter, final_endpoint='layer_4')


def images_of(*shape):
  return tf.placeholder(tf.float32, shape)


def build(function, images, is_training=False, **kwargs):
  with slim.arg_scope(lib.training_scope(is_training=is_training)):
    return function(images, **kwargs)


def operations(kind):
  graph = tf.get_default_graph()
  return [o for o in graph.get_operations() if o.type == kind]


@pytest.mark.parametrize(
  'kwargs',
  [
    {'output_stride': 0},
    {'output_stride': 3},
    {'depth_multiplier': 0},
    {'multiplier': 1.0},
    {'final_endpoint': 'layer_20'},
  ],
)
def test_what_cannot_be(kwargs):
  with pytest.raises(ValueError):  # noqa: PT011
    build(mobilenet_v2.mobilenet, images_of(1, 32, 32, 3), **kwargs)


def test_images_of_wrong_rank():
  with pytest.raises(ValueError, match='rank 3'):
    build(mobilenet_v2.mobilenet, images_of(32, 32, 3))


@pytest.mark.parametrize(
  ('function', 'kwargs', 'widths'),
  [
    (mobilenet_v2.mobilenet_v2_050, {}, {1: 16, 2: 8, 18: 160, 19: 1280}),
    (quarter, {}, {1: 8, 2: 8, 18: 80, 19: 320}),
    (
      quarter,
      {'min_depth': 32, 'final_endpoint': 'layer_3'},
      {1: 32, 2: 32, 3: 32},
    ),
    (
      quarter,
      {'divisible_by': 1, 'min_depth': 1, 'final_endpoint': 'layer_3'},
      {1: 8, 2: 4, 3: 6},
    ),
    (
      quarter,
      {'finegrain_classification_mode': True},
      {1: 8, 18: 80, 19: 1280},
    ),
    (
      mobilenet_v3.small,
      {'depth_multiplier': 2, 'finegrain_classification_mode': True},
      {1: 32, 13: 1152, 15: 1024},
    ),
  ],
)
def test_widths(function, kwargs, widths):
  _, ends = build(function, images_of(1, 32, 32, 3), base_only=True, **kwargs)
  assert {i: int(ends[f'layer_{i}'].shape[3]) for i in widths} == widths


def widths_of(conv_defs):
  return [layer.params.get('num_outputs') for layer in conv_defs['spec']]


@pytest.mark.parametrize(
  ('conv_defs', 'last'),
  [
    (mobilenet_v3.V3_LARGE, [112, 160, 160, 160, 960, None, 1280]),
    (mobilenet_v3.V3_LARGE_DETECTION, [112, 80, 80, 80, 480, None, 1280]),
    (mobilenet_v3.V3_SMALL, [48, 96, 96, 96, 576, None, 1024]),
    (mobilenet_v3.V3_SMALL_DETECTION, [48, 48, 48, 48, 288, None, 1024]),
  ],
)
def test_detection_halves_the_last_stage(conv_defs, last):
  assert widths_of(conv_defs)[-7:] == last


def test_tables_are_left_as_they_are():
  widths = widths_of(mobilenet_v2.V2_DEF)
  build(
    mobilenet_v2.mobilenet_v2_035,
    images_of(1, 32, 32, 3),
    activation_fn=tf.nn.elu,
    use_explicit_padding=True,
    base_only=True,
  )
  assert widths_of(mobilenet_v2.V2_DEF) == widths
  assert not operations('Relu6')
  tf.reset_default_graph()
  build(
    quarter, images_of(1, 32, 32, 3), final_endpoint='layer_2', base_only=True
  )
  assert not operations('Elu')


def test_another_table():
  conv_defs = {
    'defaults': {(slim.conv2d,): {'activation_fn': tf.nn.relu}},
    'overrides': {(slim.conv2d,): {'activation_fn': tf.nn.elu}},
    'spec': [
      lib.op(slim.conv2d, num_outputs=16, kernel_size=3, stride=2),
      lib.op(slim.max_pool2d, kernel_size=[2, 2], stride=2),
    ],
  }
  _, ends = build(
    mobilenet_v2.mobilenet,
    images_of(1, 32, 32, 3),
    conv_defs=conv_defs,
    num_classes=5,
  )
  assert ends['layer_1'].op.type == 'Elu'
  assert ends['layer_2'].shape.as_list() == [1, 8, 8, 16]
  assert ends['Logits'].shape.as_list() == [1, 5]


def test_final_endpoint_and_base_only():
  net, ends = build(
    mobilenet_v2.mobilenet_base,
    images_of(1, 64, 64, 3),
    final_endpoint='layer_7',
  )
  assert net is ends['layer_7']
  assert 'layer_7/depthwise_output' in ends
  assert 'layer_8' not in ends
  assert 'global_pool' not in ends


@pytest.mark.parametrize('classes', [None, 0])
def test_features_without_a_classifier(classes):
  net, ends = build(beginning, images_of(1, 64, 64, 3), num_classes=classes)
  assert net is ends['global_pool']
  assert net.shape.as_list() == [1, 1, 1, 8]
  assert 'Logits' not in ends


def test_unknown_batch_and_size():
  logits, _ = build(beginning, images_of(None, None, None, 3), num_classes=5)
  assert logits.shape.as_list() == [None, 5]
  feed = {
    tf.get_default_graph().get_operations()[0].outputs[0]: np.ones(
      [3, 40, 56, 3], np.float32
    )
  }
  with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    assert sess.run(logits, feed).shape == (3, 5)


@pytest.mark.parametrize(
  'function',
  [beginning, functools.partial(mobilenet_v3.small, final_endpoint='layer_4')],
)
def test_training_and_evaluation_share_variables(function):
  build(function, images_of(2, 64, 64, 3), is_training=True)
  names = [v.op.name for v in tf.global_variables()]
  updates = len(tf.get_collection(tf.GraphKeys.UPDATE_OPS))
  _, ends = build(function, images_of(2, 64, 64, 3), reuse=True)
  assert [v.op.name for v in tf.global_variables()] == names
  assert updates > 0
  assert len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)) == updates
  assert 'layer_2/depthwise_output' in ends


def test_the_argument_outdoes_the_scope():
  first = functools.partial(quarter, final_endpoint='layer_1', base_only=True)
  with slim.arg_scope(mobilenet_v2.training_scope(is_training=None)):
    first(images_of(2, 32, 32, 3), is_training=True)
  assert tf.get_collection(tf.GraphKeys.UPDATE_OPS)
  tf.reset_default_graph()
  with slim.arg_scope(mobilenet_v2.training_scope(is_training=True)):
    first(images_of(2, 32, 32, 3), is_training=False)
  assert not tf.get_collection(tf.GraphKeys.UPDATE_OPS)


def test_training_scope():
  scope = mobilenet_v2.training_scope(
    weight_decay=0.5, bn_decay=0.9, dropout_keep_prob=0.5, stddev=-1
  )
  with slim.arg_scope(scope) as args:
    assert args[slim.batch_norm._key_op]['decay'] == 0.9
    assert args[slim.dropout._key_op]['keep_prob'] == 0.5
    assert args[slim.separable_conv2d._key_op]['weights_regularizer'] is None
    slim.conv2d(tf.ones([1, 2, 2, 3]), 4, 1)
    slim.separable_conv2d(tf.ones([1, 2, 2, 3]), None, 1, 1)
  assert len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)) == 1


def test_group_norm_knows_no_batch():
  images = tf.random_uniform([2, 32, 32, 3], -1, 1, seed=1)
  net, _ = build(
    mobilenet_v2.mobilenet_base_group_norm,
    images,
    depth_multiplier=0.25,
    groups=4,
    final_endpoint='layer_4',
    is_training=True,
  )
  alone, _ = build(
    mobilenet_v2.mobilenet_base_group_norm,
    images[1:],
    depth_multiplier=0.25,
    groups=4,
    final_endpoint='layer_4',
    is_training=True,
    reuse=True,
  )
  names = [v.op.name for v in tf.global_variables()]
  assert 'MobilenetV2/expanded_conv/depthwise/GroupNorm/gamma' in names
  assert not [name for name in names if 'BatchNorm' in name]
  with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    both, one = sess.run([net, alone])
  assert np.any(one)
  np.testing.assert_allclose(both[1], one[0], rtol=1e-3, atol=1e-5)


def test_group_norm_in_v3():
  build(
    mobilenet_v3.small,
    images_of(1, 64, 64, 3),
    use_groupnorm=True,
    final_endpoint='layer_6',
    base_only=True,
  )
  names = [v.op.name for v in tf.global_variables()]
  assert 'MobilenetV3/expanded_conv_4/expand/GroupNorm/beta' in names
  assert not [name for name in names if 'BatchNorm' in name]


def test_scopes_of_edge_tpu():
  first = {'final_endpoint': 'layer_1', 'base_only': True}
  build(mobilenet_v3.edge_tpu, images_of(1, 32, 32, 3), **first)
  assert tf.global_variables()[0].op.name == 'MobilenetEdgeTPU/Conv/weights'
  tf.reset_default_graph()
  build(mobilenet_v3.edge_tpu, images_of(1, 32, 32, 3), scope='Mine', **first)
  assert tf.global_variables()[0].op.name == 'Mine/Conv/weights'


def test_minimalistic_networks_are_plain():
  build(mobilenet_v3.large_minimalistic, images_of(1, 64, 64, 3))
  assert not operations('Relu6')
  names = [v.op.name for v in tf.global_variables()]
  assert not [name for name in names if 'squeeze_excite' in name]
  kernels = {
    tuple(v.shape.as_list()[:2])
    for v in tf.global_variables()
    if v.op.name.endswith('depthwise_weights')
  }
  assert kernels == {(3, 3)}


def test_pools_give_the_same_mean():
  images = tf.random_uniform([1, 3, 5, 2])
  pooled = lib.global_pool(images)
  mean = lib.global_pool(images, use_reduce_mean_for_pooling=True)
  assert pooled.op.type == 'AvgPool'
  assert mean.op.type == 'Mean'
  with tf.Session() as sess:
    np.testing.assert_allclose(*sess.run([pooled, mean]), rtol=1e-5)


def test_safe_arg_scope_leaves_out_what_is_none():
  with lib.safe_arg_scope([slim.batch_norm], is_training=None) as scope:
    assert scope is None
  with lib.safe_arg_scope([slim.batch_norm], decay=0.5, epsilon=None) as scope:
    assert scope[slim.batch_norm._key_op] == {'decay': 0.5}


def test_apply_activation():
  x = tf.constant([-1.0])
  assert lib.apply_activation(x) is x
  with slim.arg_scope([lib.apply_activation], activation_fn=tf.nn.relu):
    assert lib.apply_activation(x, name='act').op.name == 'act'
