"""Operations and cells of NASNet-A."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets.nasnet import nasnet_utils
from tf_slim_compat import slim


def evaluate(tensors):
  with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    return sess.run(tensors)


@pytest.mark.parametrize(
  ('cells', 'reductions', 'expected'),
  [
    (18, 2, [6, 12]),
    (12, 2, [4, 8]),
    (9, 2, [3, 6]),
    (10, 2, [3, 6]),
    (7, 3, [1, 3, 5]),
    (5, 1, [2]),
    (5, 0, []),
  ],
)
def test_calc_reduction_layers(cells, reductions, expected):
  assert nasnet_utils.calc_reduction_layers(cells, reductions) == expected


def test_channels():
  shape = tf.TensorShape([2, 3, 4, 5])
  assert nasnet_utils.get_channel_index('NHWC') == 3
  assert nasnet_utils.get_channel_index('NCHW') == 1
  assert nasnet_utils.get_channel_dim(shape, 'NHWC') == 5
  assert nasnet_utils.get_channel_dim(shape, 'NCHW') == 3
  with pytest.raises(ValueError, match='null'):
    nasnet_utils.get_channel_index()


def test_global_avg_pool():
  x = np.arange(24, dtype=np.float32).reshape([1, 2, 3, 4])
  pooled = [
    nasnet_utils.global_avg_pool(tf.constant(x), data_format)
    for data_format in ('NHWC', 'NCHW')
  ]
  pooled = evaluate(pooled)
  np.testing.assert_allclose(pooled[0], x.mean((1, 2)))
  np.testing.assert_allclose(pooled[1], x.mean((2, 3)))


def test_factorized_reduction_takes_even_then_odd_positions():
  x = np.arange(25, dtype=np.float32).reshape([1, 5, 5, 1])
  with (
    slim.arg_scope(
      [slim.conv2d],
      weights_initializer=tf.ones_initializer(),
      activation_fn=None,
    ),
    slim.arg_scope([slim.batch_norm], is_training=False, epsilon=0.0),
  ):
    net = nasnet_utils.factorized_reduction(tf.constant(x), 3, 2, 'NHWC')
    same = nasnet_utils.factorized_reduction(tf.constant(x), 3, 1, 'NHWC')
  net, same = evaluate([net, same])
  odd = np.pad(x[0, 1:, 1:, 0], [[0, 1], [0, 1]])[::2, ::2]
  assert net.shape == (1, 3, 3, 3)
  np.testing.assert_allclose(net[0, ..., 0], x[0, ::2, ::2, 0], rtol=1e-6)
  np.testing.assert_allclose(net[0, ..., 1], odd, rtol=1e-6)
  np.testing.assert_allclose(net[0, ..., 2], odd, rtol=1e-6)
  np.testing.assert_allclose(same, np.repeat(x, 3, axis=3), rtol=1e-6)


def test_drop_path_leaves_evaluation_alone():
  net = tf.ones([4, 2, 2, 3])
  assert nasnet_utils.drop_path(net, 0.5, is_training=False) is net
  with slim.arg_scope([nasnet_utils.drop_path], is_training=False):
    assert nasnet_utils.drop_path(net, 0.5) is net


def test_drop_path_drops_examples_and_scales_the_rest():
  tf.set_random_seed(1)
  net = nasnet_utils.drop_path(tf.ones([2000, 2, 3, 4]), 0.8)
  net = evaluate(net).reshape(2000, -1)
  assert set(np.unique(net)) == {0, np.float32(1.25)}
  assert np.all(np.ptp(net, axis=1) == 0)
  assert np.mean(net[:, 0] > 0) == pytest.approx(0.8, abs=0.03)


def test_paths_are_dropped_more_in_later_cells_and_steps():
  cell = nasnet_utils.NasNetANormalCell(8, 0.6, 10, 1000)
  steps = [0, 500, 1000, 4000]
  kept = evaluate([cell._keep_prob(4, step) for step in steps])
  np.testing.assert_allclose(kept, [1, 0.9, 0.8, 0.8], rtol=1e-6)
  assert evaluate(cell._keep_prob(9, 1000)) == pytest.approx(0.6)
  with pytest.raises(ValueError, match='number of the cell'):
    cell._keep_prob(-1, 0)
