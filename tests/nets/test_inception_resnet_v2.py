"""Strides, alignment and residual blocks of Inception-ResNet-v2."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import inception, inception_resnet_v2
from tf_slim_compat import slim

# Sides at 299 pixels: (output_stride, align_feature_maps) -> end point -> side
SIDES = {
  (16, False): {'MaxPool_3a_3x3': 73, 'MaxPool_5a_3x3': 35, 'Mixed_6a': 17},
  (8, False): {'MaxPool_3a_3x3': 73, 'MaxPool_5a_3x3': 35, 'Mixed_6a': 33},
  (16, True): {'MaxPool_3a_3x3': 75, 'MaxPool_5a_3x3': 38, 'Mixed_6a': 19},
  (8, True): {'MaxPool_3a_3x3': 75, 'MaxPool_5a_3x3': 38, 'Mixed_6a': 38},
}


def base(images, final, **options):
  with (
    slim.arg_scope(inception.inception_resnet_v2_arg_scope()),
    slim.arg_scope([slim.batch_norm], is_training=False),
  ):
    return inception.inception_resnet_v2_base(images, final, **options)


@pytest.mark.parametrize(('output_stride', 'align'), SIDES)
def test_sides_follow_stride_and_alignment(output_stride, align):
  _, end_points = inception.inception_resnet_v2_base(
    tf.zeros([2, 299, 299, 3]),
    'Mixed_6a',
    output_stride=output_stride,
    align_feature_maps=align,
  )
  for name, side in SIDES[output_stride, align].items():
    assert end_points[name].shape.as_list()[1:3] == [side, side], name
  scopes = {v.op.name.rsplit('/', 1)[0] for v in tf.global_variables()}
  reduction = 'InceptionResnetV2/Mixed_6a/Branch_{}/Conv2d_1a_3x3'
  assert {reduction.format(0), reduction.format(1)} <= scopes


@pytest.mark.slow
@pytest.mark.parametrize(('align', 'side'), [(False, 91), (True, 97)])
def test_dilation_computes_between_the_positions_of_stride_16(align, side):
  images = tf.random_uniform([1, side, side, 3], -1, 1, seed=1)
  options = {'align_feature_maps': align, 'scope': 'net'}
  sparse, _ = base(images, 'PreAuxLogits', **options)
  variables = tf.global_variables()
  with tf.variable_scope(tf.get_variable_scope(), reuse=True):
    dense, _ = base(images, 'PreAuxLogits', output_stride=8, **options)
  assert tf.global_variables() == variables
  side = sparse.shape.as_list()[1]
  assert dense.shape.as_list()[1] == 2 * side - 1
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    sparse, dense = session.run([sparse, dense])
  assert np.ptp(sparse) > 0
  np.testing.assert_allclose(sparse, dense[:, ::2, ::2], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
  ('options', 'message'),
  [
    ({'output_stride': 32}, 'must be 8 or 16, not 32'),
    ({'output_stride': 8}, 'no further than PreAuxLogits'),
    ({'output_stride': 8, 'final_endpoint': 'Mixed_7a'}, 'PreAuxLogits'),
  ],
)
def test_strides_that_cannot_be_are_refused(options, message):
  with pytest.raises(ValueError, match=message):
    inception.inception_resnet_v2_base(tf.zeros([2, 299, 299, 3]), **options)


@pytest.mark.parametrize('block', ['block35', 'block17', 'block8'])
def test_blocks_add_a_scaled_update(block):
  build = getattr(inception_resnet_v2, block)
  net = tf.random_uniform([2, 9, 9, 32], -1, 1, seed=1)
  whole = build(net, activation_fn=None, scope='b')
  half = build(net, scale=0.5, activation_fn=None, scope='b', reuse=True)
  active = build(net, scale=0.5, scope='b', reuse=True)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    net, whole, half, active = session.run([net, whole, half, active])
  assert np.abs(whole - net).max() > 1e-3
  np.testing.assert_allclose(half - net, (whole - net) / 2, atol=1e-5)
  np.testing.assert_allclose(active, np.maximum(half, 0), atol=1e-6)


def test_relu6_bounds_the_update_too():
  net = np.ones([1, 9, 9, 32], np.float32)
  net[..., 0] = -3
  ones = slim.arg_scope([slim.conv2d], weights_initializer=tf.ones_initializer)
  with ones:
    out = inception_resnet_v2.block35(
      tf.constant(net), activation_fn=tf.nn.relu6
    )
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    out = session.run(out)
  assert (out[..., 0] == 3).all()  # -3 and an update of 6, cut from thousands
  assert (out[..., 1:] == 6).all()


def test_activation_fn_reaches_the_residual_blocks():
  images = tf.zeros([2, 107, 107, 3])
  base(images, 'Mixed_6a', activation_fn=tf.nn.elu)
  kinds = [
    op.type
    for op in tf.get_default_graph().get_operations()
    if '/Repeat/' in op.name and op.type in ('Relu', 'Elu')
  ]
  assert kinds.count('Elu') == 10
  assert kinds.count('Relu') == 10 * 6


def test_last_block_is_whole_and_not_activated():
  images = tf.zeros([2, 75, 75, 3])
  net, end_points = inception.inception_resnet_v2_base(images)
  graph = tf.get_default_graph()
  last = [op for op in graph.get_operations() if '/Block8/' in op.name]
  total = last[-1]
  assert total.type in ('AddV2', 'Add')
  assert net is end_points['Conv2d_7b_1x1']
  conv = graph.get_operation_by_name('InceptionResnetV2/Conv2d_7b_1x1/Conv2D')
  assert conv.inputs[0].op is total
  scales = {
    round(float(tf.get_static_value(value)), 2)
    for op in graph.get_operations()
    if op.type == 'Mul'
    for value in op.inputs
    if value.op.type == 'Const'
  }
  assert scales == {0.17, 0.1, 0.2, 1.0}
