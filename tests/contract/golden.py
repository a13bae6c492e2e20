"""Weights and images that follow from names alone.

Two builds of a network can be compared number by number with them. The gain,
in each network's JSON (golden.gain), scales the convolution kernels so that
the signal neither dies nor explodes.
"""

import zlib

import numpy as np


def weights(name, shape, gain):
  """Returns the float32 array for the variable of that op name (no ':0')."""
  rng = np.random.RandomState(zlib.crc32(name.encode()))
  leaf = name.split('/')[-1]
  if leaf in ('gamma', 'moving_variance'):
    return rng.uniform(0.8, 1.2, shape).astype(np.float32)
  if leaf in ('beta', 'moving_mean', 'biases', 'bias') or len(shape) < 2:
    return (0.05 * rng.randn(*shape)).astype(np.float32)
  fan_in = (
    shape[0] * shape[1] if leaf == 'depthwise_weights' else np.prod(shape[:-1])
  )
  return (rng.randn(*shape) * np.sqrt(gain / fan_in)).astype(np.float32)


def images(size, channels=3, batch=2):
  """Returns [batch, size, size, channels] float32 in [-1, 1].

  Smooth waves that differ by image and channel, with some noise.
  """
  y, x = np.mgrid[0:size, 0:size] / size
  out = [
    [
      np.sin(2 * np.pi * ((1 + i + c) * x + (3 - i) * y) + i + 2 * c)
      * (0.4 + 0.5 * i)
      for c in range(channels)
    ]
    for i in range(batch)
  ]
  noise = np.random.RandomState(0).uniform(
    -0.1, 0.1, (batch, size, size, channels)
  )
  return (np.transpose(out, (0, 2, 3, 1)) + noise).astype(np.float32)


def load(tf, sess, gain):
  """Gives every float variable of the session's graph its named weights."""
  sess.run(tf.global_variables_initializer())
  for v in tf.global_variables():
    if v.dtype.base_dtype == tf.float32:
      v.load(weights(v.op.name, v.shape.as_list(), gain), sess)


def digest(x):
  """Returns shape, head of both rows, norm, spread and arg max of [2, ...]."""
  x = np.asarray(x, np.float64).reshape(len(x), -1)
  norm = np.linalg.norm(x)
  return {
    'shape': list(x.shape),
    'head': [[float(f'{v:.6g}') for v in row[:6]] for row in x],
    'norm': float(f'{norm:.6g}'),
    'spread': float(f'{np.linalg.norm(x[0] - x[-1]) / norm:.3g}'),
    'argmax': [int(i) for i in x.argmax(1)],
  }
