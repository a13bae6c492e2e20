import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import resnet_utils, resnet_v1, resnet_v2
from tf_slim_compat import slim

_KERNEL = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def _evaluate(tensors):
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    return session.run(tensors)


def _sums(size):
  """Returns the image [1, size, size, 1] whose pixels are row + column."""
  rows = np.arange(size, dtype=np.float32)
  return tf.constant(np.add.outer(rows, rows)[None, :, :, None])


def _plane(tensor):
  return _evaluate(tensor)[0, :, :, 0].tolist()


def _convolutions():
  """Returns the arg scope of convolutions with the kernel, and no more."""
  return slim.arg_scope(
    [slim.conv2d],
    weights_initializer=tf.constant_initializer(_KERNEL),
    activation_fn=None,
    biases_initializer=None,
  )


@pytest.mark.parametrize(
  ('size', 'factor', 'expected'),
  [
    (3, 2, [[0, 2], [2, 4]]),
    (4, 2, [[0, 2], [2, 4]]),
    (4, 3, [[0, 3], [3, 6]]),
    (2, 1, [[0, 1], [1, 2]]),
  ],
)
def test_subsample(size, factor, expected):
  assert _plane(resnet_utils.subsample(_sums(size), factor)) == expected


def test_subsample_by_one_is_the_input():
  images = _sums(3)
  assert resnet_utils.subsample(images, 1) is images


@pytest.mark.parametrize(
  ('size', 'stride', 'rate', 'expected'),
  [
    (
      4,
      1,
      1,
      [
        [32, 67, 106, 76],
        [63, 114, 159, 108],
        [96, 159, 204, 135],
        [52, 82, 103, 64],
      ],
    ),
    (4, 2, 1, [[32, 106], [96, 204]]),
    (5, 2, 1, [[32, 106, 100], [96, 204, 162], [68, 124, 88]]),
    (
      4,
      1,
      2,
      [
        [64, 92, 56, 80],
        [92, 120, 80, 104],
        [40, 56, 32, 44],
        [56, 72, 44, 56],
      ],
    ),
  ],
)
def test_conv2d_same(size, stride, rate, expected):
  with _convolutions():
    net = resnet_utils.conv2d_same(_sums(size), 1, 3, stride, rate)
  assert _plane(net) == expected


def test_same_padding_would_land_on_other_pixels():
  with _convolutions():
    net = slim.conv2d(_sums(4), 1, 3, stride=2)
  assert _plane(net) == [[114, 108], [82, 64]]


def _tiny_blocks(block_fn):
  """Returns blocks that take 8 off the resolution."""
  return [
    block_fn('first', base_depth=1, num_units=2, stride=2),
    block_fn('second', base_depth=2, num_units=1, stride=2),
    block_fn('third', base_depth=3, num_units=2, stride=2),
    block_fn('last', base_depth=4, num_units=1, stride=1),
  ]


def _stack(images, block_fn, **kwargs):
  """Returns (output, outputs of blocks and units by name)."""
  module = {
    resnet_v1.resnet_v1_block: resnet_v1,
    resnet_v2.resnet_v2_block: resnet_v2,
  }[block_fn]
  with (
    slim.arg_scope(resnet_utils.resnet_arg_scope()),
    slim.arg_scope([slim.batch_norm], is_training=False),
    slim.arg_scope(
      [module.bottleneck, resnet_utils.stack_blocks_dense],
      outputs_collections='outputs',
    ),
  ):
    net = resnet_utils.stack_blocks_dense(
      images, _tiny_blocks(block_fn), **kwargs
    )
  return net, slim.utils.convert_collection_to_dict(
    'outputs', clear_collection=True
  )


_BLOCK_FNS = [resnet_v1.resnet_v1_block, resnet_v2.resnet_v2_block]


def test_a_block_strides_in_its_last_unit():
  block = resnet_v1.resnet_v1_block('a', base_depth=2, num_units=3, stride=2)
  unit = {'depth': 8, 'depth_bottleneck': 2}
  assert block.scope == 'a'
  assert block.unit_fn is resnet_v1.bottleneck
  assert block.args == [{**unit, 'stride': s} for s in (1, 1, 2)]


def test_end_points_of_stacked_blocks():
  _, outputs = _stack(tf.zeros([1, 32, 32, 3]), resnet_v1.resnet_v1_block)
  sizes = {name: tensor.shape.as_list()[1:] for name, tensor in outputs.items()}
  assert sizes == {
    'first/unit_1/bottleneck_v1': [32, 32, 4],
    'first/unit_2/bottleneck_v1': [16, 16, 4],
    'first': [16, 16, 4],
    'second/unit_1/bottleneck_v1': [8, 8, 8],
    'second': [8, 8, 8],
    'third/unit_1/bottleneck_v1': [8, 8, 12],
    'third/unit_2/bottleneck_v1': [4, 4, 12],
    'third': [4, 4, 12],
    'last/unit_1/bottleneck_v1': [4, 4, 16],
    'last': [4, 4, 16],
  }


@pytest.mark.parametrize('block_fn', _BLOCK_FNS)
@pytest.mark.parametrize('size', [25, 32])
def test_dense_prediction_equals_the_nominal_network(block_fn, size):
  images = tf.constant(
    np.random.RandomState(0).randn(1, size, size, 3), tf.float32
  )
  tf.set_random_seed(0)
  nominal, _ = _stack(images, block_fn)
  tf.get_variable_scope().reuse_variables()
  dense = {
    stride: _stack(images, block_fn, output_stride=stride)[0]
    for stride in (1, 4)
  }
  assert dense[1].shape.as_list() == [1, size, size, 16]
  expected, actual = _evaluate((nominal, dense))
  assert expected.std() > 0.1
  for stride, net in actual.items():
    factor = 8 // stride
    np.testing.assert_allclose(
      net[:, ::factor, ::factor], expected, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize('output_stride', [None, 2, 8])
def test_non_strided_activations_are_stored(output_stride):
  images = tf.constant(np.random.RandomState(0).randn(1, 24, 24, 3), tf.float32)
  tf.set_random_seed(0)
  plain, _ = _stack(
    images, resnet_v1.resnet_v1_block, output_stride=output_stride
  )
  tf.get_variable_scope().reuse_variables()
  stored, outputs = _stack(
    images,
    resnet_v1.resnet_v1_block,
    output_stride=output_stride,
    store_non_strided_activations=True,
  )
  assert outputs['first/unit_2/bottleneck_v1'].shape.as_list()[1] == 24
  expected, actual = _evaluate((plain, stored))
  np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('output_stride', [3, 16])
def test_unreachable_output_stride(output_stride):
  with pytest.raises(ValueError, match='cannot be reached'):
    _stack(
      tf.zeros([1, 32, 32, 3]),
      resnet_v1.resnet_v1_block,
      output_stride=output_stride,
    )


def test_arg_scope_without_batch_norm():
  with slim.arg_scope(
    resnet_utils.resnet_arg_scope(use_batch_norm=False, activation_fn=None)
  ):
    net = slim.conv2d(tf.zeros([1, 2, 2, 1]), 1, 1, scope='conv')
  names = [v.op.name for v in tf.global_variables()]
  assert names == ['conv/weights', 'conv/biases']
  assert net.op.type == 'BiasAdd'


def test_arg_scope_reaches_batch_norm():
  with slim.arg_scope(
    resnet_utils.resnet_arg_scope(
      batch_norm_scale=False, batch_norm_updates_collections='mine'
    )
  ):
    slim.conv2d(tf.zeros([1, 2, 2, 1]), 1, 1, scope='conv')
    slim.batch_norm(tf.zeros([1, 2, 2, 1]), scope='norm')
  assert not slim.get_variables_by_name('gamma')
  assert len(tf.get_collection('mine')) == 4
