import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.training import cpu_gradients


def gradients(build, shapes, *, quick):
  """Returns the gradients of a weighted sum of `build(*inputs)`, and ops."""
  with tf.Graph().as_default() as graph, tf.Session() as session:
    random = np.random.default_rng(0)
    inputs = [
      tf.placeholder_with_default(
        random.normal(size=shape).astype(np.float32), shape
      )
      for shape in shapes
    ]
    if quick:
      with cpu_gradients.used():
        result = build(*inputs)
    else:
      result = build(*inputs)
    weights = random.normal(size=result.shape.as_list()).astype(np.float32)
    found = tf.gradients(tf.reduce_sum(weights * result), inputs)
    kinds = {op.type for op in graph.get_operations()}
    return session.run(found), kinds


def convolution(strides=1, padding='SAME', dilations=None):
  def build(images, filters):
    return tf.nn.conv2d(
      images, filters, strides, padding, dilations=dilations or [1, 1, 1, 1]
    )

  return build


@pytest.mark.parametrize(
  ('build', 'shapes', 'is_quick'),
  [
    (tf.matmul, [(5, 70), (70, 90)], True),
    (
      lambda left, right: tf.matmul(left, right, transpose_b=True),
      [(5, 70), (90, 70)],
      False,
    ),
    (convolution(), [(2, 6, 5, 64), (1, 1, 64, 128)], True),
    (convolution(padding='VALID'), [(2, 6, 5, 64), (1, 1, 64, 128)], True),
    (convolution(), [(2, 6, 5, 8), (1, 1, 8, 128)], False),
    (convolution(2), [(2, 6, 5, 64), (1, 1, 64, 128)], False),
    (convolution(), [(2, 6, 5, 64), (3, 3, 64, 128)], False),
    (
      convolution(dilations=[1, 2, 2, 1]),
      [(2, 6, 5, 64), (3, 3, 64, 128)],
      False,
    ),
    (convolution(), [(2, 6, 5, 128), (1, 1, 64, 128)], False),
  ],
  ids=[
    'product',
    'transposed product',
    '1 x 1',
    '1 x 1 valid',
    'few channels',
    'strides',
    '3 x 3',
    'dilated',
    'groups',
  ],
)
def test_gradients_are_those_of_tensorflow(build, shapes, is_quick):
  quick, kinds = gradients(build, shapes, quick=True)
  own, own_kinds = gradients(build, shapes, quick=False)
  for one, other in zip(quick, own, strict=True):
    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
  assert (kinds != own_kinds) == is_quick
