"""The networks that make images: CycleGAN's generator and DCGAN."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import cyclegan, dcgan
from slim_support import errors
from tf_slim_compat import slim


def _run(tensors, feed=None):
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    return session.run(tensors, feed)


def _shapes(end_points):
  return {name: net.shape.as_list()[1:] for name, net in end_points.items()}


def test_cyclegan_has_the_layers_of_the_paper():
  images = tf.random.uniform([2, 32, 40, 3], -1, 1)
  net, end_points = cyclegan.cyclegan_generator_resnet(images)
  assert net.shape.as_list() == [2, 32, 40, 3]
  shapes = _shapes(end_points)
  assert shapes['encoder_0'] == [32, 40, 64]
  assert shapes['encoder_2'] == shapes['resnet_block_5'] == [8, 10, 256]
  assert shapes['decoder_1'] == [32, 40, 64]
  assert shapes['logits'] == [32, 40, 3]
  # c7s1-64, d128, d256, six residual blocks, u128, u64 and c7s1-3.
  weights = slim.get_variables_by_name('weights')
  assert sum(int(np.prod(w.shape)) for w in weights) == (
    2 * 7 * 7 * 3 * 64 + 2 * 9 * (64 * 128 + 128 * 256) + 12 * 9 * 256 * 256
  )
  found, logits = _run([net, end_points['logits']])
  np.testing.assert_allclose(found, np.tanh(logits), atol=1e-6)


def test_cyclegan_of_other_sizes_and_slopes():
  images = tf.placeholder(tf.float32, [None, None, None, 1])
  net, end_points = cyclegan.cyclegan_generator_resnet(
    images, num_resnet_blocks=1, num_filters=4, tanh_linear_slope=0.5
  )
  pixels = np.random.RandomState(0).uniform(-1, 1, [1, 16, 20, 1])
  found, logits = _run([net, end_points['logits']], {images: pixels})
  assert found.shape == (1, 16, 20, 1)
  np.testing.assert_allclose(found, np.tanh(logits) + logits / 2, atol=1e-6)


@pytest.mark.parametrize(
  'method', ['conv2d_transpose', 'nn_upsample_conv', 'bilinear_upsample_conv']
)
def test_cyclegan_upsample(method):
  net = tf.random.uniform([2, 5, 7, 3])
  larger = cyclegan.cyclegan_upsample(net, 6, [2, 3], method)
  assert larger.shape.as_list() == [2, 10, 21, 6]
  assert _run(larger).shape == (2, 10, 21, 6)


def test_cyclegan_refuses_what_it_cannot_make():
  with pytest.raises(errors.UserError, match='Did you mean nn_upsample_conv'):
    cyclegan.cyclegan_upsample(tf.zeros([1, 4, 4, 1]), 1, [2, 2], 'nn_upsample')
  with pytest.raises(errors.UserError, match='multiples of 4'):
    cyclegan.cyclegan_generator_resnet(tf.zeros([1, 30, 32, 3]))
  with pytest.raises(errors.UserError, match=r'\[32, 32, 3\]'):
    cyclegan.cyclegan_generator_resnet(tf.zeros([32, 32, 3]))


@pytest.mark.parametrize('size', [4, 16, 64])
def test_dcgan_generates_images_and_discriminates_them(size):
  noise = tf.random.normal([3, 10])
  images, end_points = dcgan.generator(noise, depth=8, final_size=size)
  logits, seen = dcgan.discriminator(images, depth=8)
  layers = size.bit_length() - 2
  assert [*end_points] == [f'deconv{n + 1}' for n in range(layers)] + ['logits']
  assert [*seen] == [f'conv{n + 1}' for n in range(layers + 1)] + ['logits']
  assert _shapes(end_points)[f'deconv{layers}'] == [size, size, 8]
  assert _shapes(seen)[f'conv{layers + 1}'] == [1, 1, 8 * 2**layers]
  assert logits.shape.as_list() == [3, 1]
  found, scores = _run([images, logits])
  assert found.shape == (3, size, size, 3)
  assert np.isfinite(scores).all()


def test_dcgan_learns_to_tell_bright_images_from_dark_ones():
  images = tf.constant(
    np.repeat([0.8, -0.8], 4).reshape(8, 1, 1, 1), tf.float32
  )
  images *= tf.ones([8, 8, 8, 1])
  images += tf.random.normal([8, 8, 8, 1], stddev=0.1)
  labels = tf.constant(np.repeat([1.0, 0.0], 4).reshape(8, 1), tf.float32)
  logits, _ = dcgan.discriminator(images, depth=4)
  loss = tf.losses.sigmoid_cross_entropy(labels, logits)
  step = tf.train.AdamOptimizer(0.01).minimize(loss)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(30):
      session.run(step)
    assert session.run(loss) < 0.1


def test_dcgan_shares_variables_when_it_is_reused():
  for reuse in (None, True):
    dcgan.discriminator(tf.zeros([1, 8, 8, 3]), depth=2, reuse=reuse)
    dcgan.generator(tf.zeros([1, 5]), depth=2, final_size=8, reuse=reuse)
  tops = {v.op.name.split('/')[0] for v in tf.trainable_variables()}
  assert tops == {'Discriminator', 'Generator'}
  assert len([v for v in tf.trainable_variables() if 'conv1/w' in v.name]) == 2


def test_dcgan_refuses_what_it_cannot_make():
  with pytest.raises(errors.UserError, match='power of 2'):
    dcgan.generator(tf.zeros([1, 5]), final_size=30)
  with pytest.raises(errors.UserError, match='power of 2'):
    dcgan.discriminator(tf.zeros([1, 12, 12, 3]))
  with pytest.raises(errors.UserError, match=r'\[batch, values\]'):
    dcgan.generator(tf.zeros([1, 2, 5]))
  with pytest.raises(errors.UserError, match='known size'):
    dcgan.discriminator(tf.zeros([1, 8, 16, 3]))
