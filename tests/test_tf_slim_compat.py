"""What tf-slim 1.1.0 cannot do on TensorFlow 2.21 without the repair."""

import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tensorflow.python.framework import ops

import tf_slim_compat
from tf_slim_compat import slim


def run(fetches, feed=None):
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(tf.local_variables_initializer())
    return session.run(fetches, feed)


@pytest.mark.parametrize('fused', [False, True])
def test_batch_norm_trains(fused):
  images = tf.constant(np.random.RandomState(0).rand(4, 3, 3, 2), tf.float32)
  net = slim.batch_norm(images, fused=fused, is_training=True)
  value = run(net)
  np.testing.assert_allclose(value.mean(axis=(0, 1, 2)), [0, 0], atol=1e-5)


def test_is_training_as_a_tensor():
  is_training = tf.placeholder(tf.bool, [])
  net = slim.dropout(tf.ones([100]), 0.5, is_training=is_training)
  net = slim.batch_norm(
    tf.reshape(net, [1, 1, 100, 1]), is_training=is_training
  )
  assert run(tf.math.count_nonzero(net), {is_training: False}) == 100


def test_sparse_gradients_are_clipped_and_scaled():
  table = tf.get_variable('table', [5, 2])
  row = tf.nn.embedding_lookup(table, [1])
  optimizer = tf.train.GradientDescentOptimizer(0.1)
  train_op = slim.learning.create_train_op(
    tf.reduce_sum(row),
    optimizer,
    clip_gradient_norm=1.0,
    gradient_multipliers={table: 2.0},
    global_step=tf.train.create_global_step(),
  )
  assert np.isfinite(run(train_op))


def test_example_decoder_decodes_images():
  from PIL import Image

  file = io.BytesIO()
  Image.new('RGB', (4, 3), (255, 0, 0)).save(file, 'PNG')
  example = tf.train.Example()
  features = example.features.feature
  features['image/encoded'].bytes_list.value.append(file.getvalue())
  features['image/format'].bytes_list.value.append(b'png')
  decoder = slim.tfexample_decoder.TFExampleDecoder(
    {
      'image/encoded': tf.FixedLenFeature([], tf.string),
      'image/format': tf.FixedLenFeature([], tf.string),
    },
    {'image': slim.tfexample_decoder.Image()},
  )
  (image,) = decoder.decode(example.SerializeToString(), ['image'])
  assert run(image).tolist() == [[[255, 0, 0]] * 4] * 3


def test_streaming_metrics():
  _, update = slim.metrics.streaming_concat(tf.constant([1, 2]))
  value, concat = slim.metrics.streaming_concat(tf.constant([3, 4]))
  del update
  with tf.Session() as session:
    session.run(tf.local_variables_initializer())
    session.run(concat)
    assert session.run(value).tolist() == [3, 4]


def test_what_is_there_is_left_alone(monkeypatch):
  mine = object()
  monkeypatch.setattr(ops, 'Tensor', mine)
  tf_slim_compat._alias_moved_names()
  assert ops.Tensor is mine
