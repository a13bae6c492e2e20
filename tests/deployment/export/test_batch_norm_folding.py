"""Batch norm folded into convolutions leaves the results as they were."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.export import batch_norm_folding, frozen_graph
from tf_slim_compat import slim

IMAGES = np.random.RandomState(0).randn(2, 6, 6, 3).astype(np.float32)


def _constant(seed, *shape):
  value = np.random.RandomState(seed).uniform(0.5, 2, shape)
  return tf.constant(value.astype(np.float32))


def _norm(net, name='norm', gamma=None):
  depth = net.shape[-1]
  gamma = _constant(1, depth) if gamma is None else gamma
  return tf.nn.fused_batch_norm(
    net,
    gamma,
    _constant(2, depth),
    _constant(3, depth),
    _constant(4, depth),
    epsilon=0.001,
    is_training=False,
    name=name,
  )[0]


def _convolution(images):
  return _norm(tf.nn.conv2d(images, _constant(5, 3, 3, 3, 4), 1, 'SAME'))


def _depthwise(images):
  kernel = _constant(6, 3, 3, 3, 2)
  net = tf.nn.depthwise_conv2d_native(images, kernel, [1, 1, 1, 1], 'SAME')
  return _norm(net)


def _without_scale(images):
  net = tf.nn.conv2d(images, _constant(5, 3, 3, 3, 4), 2, 'VALID')
  return _norm(net, gamma=tf.ones([4]))


def _convolution_used_twice(images):
  net = tf.nn.conv2d(images, _constant(5, 3, 3, 3, 4), 1, 'SAME')
  return _norm(net) + net


def _kernel_used_twice(images):
  kernel = _constant(5, 3, 3, 3, 3)
  net = tf.nn.conv2d(images, kernel, 1, 'SAME')
  return tf.nn.conv2d(_norm(net), kernel, 1, 'SAME')


def _after_addition(images):
  return _norm(tf.nn.conv2d(images, _constant(5, 3, 3, 3, 3), 1, 'SAME') + 1)


@pytest.mark.parametrize(
  ('build', 'folded'),
  [
    (_convolution, 1),
    (_depthwise, 1),
    (_without_scale, 1),
    (_convolution_used_twice, 0),
    (_kernel_used_twice, 0),
    (_after_addition, 0),
  ],
)
def test_results_stay(build, folded):
  images = tf.placeholder(tf.float32, [None, 6, 6, 3], name='input')
  result = tf.identity(build(images), name='result')
  with tf.Session() as session:
    before = session.run(result, {images: IMAGES})
  graph_def = tf.get_default_graph().as_graph_def()
  assert batch_norm_folding.fold_batch_norms(graph_def) == folded
  with tf.Graph().as_default(), tf.Session() as session:
    tf.import_graph_def(graph_def, name='')
    after = session.run('result:0', {'input:0': IMAGES})
  assert np.ptp(before) > 1
  np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)
  left = [n for n in graph_def.node if n.op.startswith('FusedBatchNorm')]
  assert len(left) == 1 - folded


def test_node_keeps_its_name():
  images = tf.placeholder(tf.float32, [None, 6, 6, 3])
  _convolution(images)
  graph_def = tf.get_default_graph().as_graph_def()
  batch_norm_folding.fold_batch_norms(graph_def)
  (node,) = [n for n in graph_def.node if n.name == 'norm']
  assert node.op == 'BiasAdd'


def test_freezing_leaves_nothing_of_training():
  images = tf.placeholder(tf.float32, [None, 6, 6, 3], name='input')
  net = slim.conv2d(images, 4, 3, normalizer_fn=slim.batch_norm,
                    normalizer_params={'is_training': False})  # fmt: skip
  net = slim.dropout(net, is_training=False)
  tf.identity(net, name='result')
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    frozen = frozen_graph.freeze(session, ['result'], ['input'])
  ops = {node.op for node in frozen.node}
  assert ops == {'Placeholder', 'Const', 'Conv2D', 'BiasAdd', 'Relu',
                 'Identity'}  # fmt: skip
  identities = [node.name for node in frozen.node if node.op == 'Identity']
  assert identities == ['result']
