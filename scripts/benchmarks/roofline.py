"""How many multiply-adds this machine does at best, and a network needs."""

import time

import tensorflow.compat.v1 as tf

from nets import graph_cost, nets_factory

_SECONDS = 1.0

# A training step computes each convolution three times: forwards, for the
# gradient of its input, and for that of its weights.
PASSES_OF_TRAINING = 3


def peaks() -> dict:
  """Return the multiply-adds/s of a matrix product and of convolutions."""
  found = {}
  with tf.Graph().as_default():
    matrix = tf.random.normal([2048, 2048])
    found['GEMM 2048'] = _rate(tf.matmul, [matrix, matrix], 2048**3)
    image = tf.random.normal([16, 28, 28, 256])
    for side in (1, 3):
      kernel = tf.random.normal([side, side, 256, 256])
      found[f'convolution {side} x {side}'] = _rate(
        lambda x, weights: tf.nn.conv2d(x, weights, 1, 'SAME'),
        [image, kernel],
        16 * 28 * 28 * 256 * 256 * side * side,
      )
  return found


def _rate(operation, arguments, multiply_adds):
  """Return the best rate of an operation, in multiply-adds/s."""
  kept = [tf.Variable(argument, trainable=False) for argument in arguments]
  result = operation(*kept)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    run = session.make_callable([result.op])
    run()
    best, end = float('inf'), time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
      start = time.perf_counter()
      run()
      best = min(best, time.perf_counter() - start)
  return multiply_adds / best


def multiply_adds(
  model_name: str, num_classes: int, image_size: int, channels: int
) -> int:
  """Return the multiply-adds of a network for one image, forwards."""
  with tf.Graph().as_default():
    network = nets_factory.get_network_fn(model_name, num_classes)
    images = tf.placeholder(tf.float32, [1, image_size, image_size, channels])
    logits, _ = network(images)
    return graph_cost.multiply_adds(outputs=[logits])
