"""Gradients that CPUs compute faster than TensorFlow's own.

The gradient of a fully connected layer is a product with a transposed right
side, which is slow in oneDNN if there are few rows. The gradient of the filters
of a 1 x 1 convolution is slower than the matrix product that it equals. The
results here are the same sums in another order. docs/performance.md has
figures.
"""

import contextlib

import tensorflow.compat.v1 as tf
from tensorflow.python.framework import ops

# Below these, the filter's own gradient is the faster one.
_FEWEST_INPUTS, _FEWEST_OUTPUTS = 64, 128

_MATMUL = 'CpuMatMul'
_CONVOLUTION = 'CpuConv2D'


def used() -> contextlib.AbstractContextManager:
  """Return the context in which to build a clone that runs on a CPU."""
  return tf.get_default_graph().gradient_override_map(
    {'MatMul': _MATMUL, 'Conv2D': _CONVOLUTION}
  )


@tf.RegisterGradient(_MATMUL)
def _matmul_gradient(op, gradient):
  """Return the gradients of a product of two matrices."""
  if op.get_attr('transpose_a') or op.get_attr('transpose_b'):
    return _own_gradient(op, gradient)
  left, right = op.inputs
  # TensorFlow would merge a transpose and tf.matmul into the slow operation.
  to_left = tf.einsum('mn,kn->mk', gradient, right)
  return to_left, tf.matmul(left, gradient, transpose_a=True)


@tf.RegisterGradient(_CONVOLUTION)
def _convolution_gradient(op, gradient):
  """Return the gradients of a convolution's images and filters."""
  images, filters = op.inputs
  shape = filters.shape.as_list()
  if not _is_product(op, shape):
    return _own_gradient(op, gradient)
  to_images = tf.nn.conv2d_backprop_input(
    tf.shape(images), filters, gradient, [1, 1, 1, 1], 'VALID'
  )
  to_filters = tf.matmul(
    tf.reshape(images, [-1, shape[2]]),
    tf.reshape(gradient, [-1, shape[3]]),
    transpose_a=True,
  )
  return to_images, tf.reshape(to_filters, shape)


def _is_product(op, shape):
  """Return whether a convolution is 1 x 1 and faster as a matrix product."""
  return (
    shape[:2] == [1, 1]
    and shape[2] >= _FEWEST_INPUTS
    and shape[3] >= _FEWEST_OUTPUTS
    and list(op.get_attr('strides')) == [1, 1, 1, 1]
    and op.get_attr('data_format') == b'NHWC'
    and op.get_attr('padding') in (b'SAME', b'VALID')
    and op.inputs[0].shape[-1] == shape[2]
  )


def _own_gradient(op, gradient):
  """Return TensorFlow's gradients of an operation."""
  return ops.gradient_registry.lookup(op.type)(op, gradient)
