"""Output strides of MobileNet v2, v3 and EdgeTPU."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets.mobilenet import mobilenet as lib
from nets.mobilenet import mobilenet_v2, mobilenet_v3
from tf_slim_compat import slim

# The function of a network, and its last layer that has a map.
LAST_MAPS = {
  'v2': (mobilenet_v2.mobilenet, 'layer_19'),
  'v3_small': (mobilenet_v3.small, 'layer_13'),
  'edge_tpu': (mobilenet_v3.edge_tpu, 'layer_24'),
}


def images_of(*shape):
  return tf.placeholder(tf.float32, shape)


def build(function, images, is_training=False, **kwargs):
  with slim.arg_scope(lib.training_scope(is_training=is_training)):
    return function(images, **kwargs)


@pytest.mark.parametrize(
  ('name', 'output_stride', 'use_explicit_padding'),
  [
    ('v2', 4, False),
    ('v2', 16, True),
    ('v3_small', 8, False),
    ('v3_small', 32, True),
    ('edge_tpu', 4, True),
  ],
)
def test_output_stride(name, output_stride, use_explicit_padding):
  function, last = LAST_MAPS[name]
  net, _ = build(
    function,
    images_of(1, 64, 64, 3),
    base_only=True,
    final_endpoint=last,
    output_stride=output_stride,
    use_explicit_padding=use_explicit_padding,
  )
  size = 64 // output_stride
  assert net.shape.as_list()[1:3] == [size, size]


@pytest.mark.parametrize('name', LAST_MAPS)
def test_dilated_maps_hold_the_strided_ones(name):
  function, last = LAST_MAPS[name]
  images = tf.random_uniform([1, 65, 65, 3], -1, 1, seed=1)
  layers = [slim.conv2d, slim.separable_conv2d]
  maps = []
  for output_stride in (None, 8):
    with (
      slim.arg_scope(lib.training_scope(is_training=False)),
      slim.arg_scope(
        layers, weights_initializer=tf.random_normal_initializer(stddev=0.2)
      ),
    ):
      net, _ = function(
        images,
        depth_multiplier=0.25,
        base_only=True,
        final_endpoint=last,
        output_stride=output_stride,
        use_explicit_padding=True,
        reuse=output_stride is not None,
      )
    maps.append(net)
  with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    strided, dilated = sess.run(maps)
  assert strided.shape[1:3] == (3, 3)
  assert np.ptp(strided) > 0
  np.testing.assert_allclose(
    dilated[:, ::4, ::4], strided, rtol=1e-3, atol=1e-4 * np.abs(strided).max()
  )


def test_whole_v3_with_an_output_stride():
  images = images_of(1, 96, 96, 3)
  logits, _ = build(mobilenet_v3.small, images, output_stride=8)
  assert logits.shape.as_list() == [1, 1001]
