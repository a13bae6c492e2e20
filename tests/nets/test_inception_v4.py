"""The public blocks of Inception v4."""

import pytest
import tensorflow.compat.v1 as tf

from nets import inception_v4

# block -> depth of the input, depth of the output, side of the output
BLOCKS = {
  'block_inception_a': (384, 384, 17),
  'block_reduction_a': (384, 1024, 8),
  'block_inception_b': (1024, 1024, 17),
  'block_reduction_b': (1024, 1536, 8),
  'block_inception_c': (1536, 1536, 17),
}


@pytest.mark.parametrize('name', BLOCKS)
def test_blocks_stand_alone(name):
  depth, expected, side = BLOCKS[name]
  block = getattr(inception_v4, name)
  net = block(tf.zeros([2, 17, 17, depth]))
  assert net.shape.as_list() == [2, side, side, expected]
  variables = tf.global_variables()
  scope = ''.join(part.title() for part in name.split('_'))
  assert {v.op.name.split('/')[0] for v in variables} == {scope}

  again = block(tf.ones([1, 17, 17, depth]), scope=scope, reuse=True)
  assert again.shape.as_list() == [1, side, side, expected]
  assert tf.global_variables() == variables
