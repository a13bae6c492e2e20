"""LeNet and CifarNet beyond their contracts."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import cifarnet, lenet
from tf_slim_compat import slim

_NETWORKS = {
  'lenet': (lenet.lenet, lenet.lenet_arg_scope, (28, 1)),
  'cifarnet': (cifarnet.cifarnet, cifarnet.cifarnet_arg_scope, (32, 3)),
}
_each = pytest.mark.parametrize('name', _NETWORKS)


def _build(name, num_classes=10, weight_decay=0.0, **kwargs):
  network, arg_scope, (size, channels) = _NETWORKS[name]
  images = np.random.RandomState(0).uniform(-1, 1, [2, size, size, channels])
  with slim.arg_scope(arg_scope(weight_decay)):
    return network(tf.constant(images, tf.float32), num_classes, **kwargs)


@_each
@pytest.mark.parametrize('num_classes', [None, 0])
def test_features(name, num_classes):
  net, end_points = _build(name, num_classes)
  assert net is end_points[{'lenet': 'fc3', 'cifarnet': 'fc4'}[name]]
  assert 'Predictions' not in end_points


@_each
def test_predictions_are_those_of_the_function(name):
  logits, end_points = _build(
    name, prediction_fn=lambda net, scope: tf.negative(net, name=scope)
  )
  predictions = end_points['Predictions']
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    logits, predictions = session.run((logits, predictions))
  np.testing.assert_array_equal(predictions, -logits)


@_each
def test_dropout_may_follow_a_tensor(name):
  training = tf.placeholder(tf.bool, [])
  logits, _ = _build(name, is_training=training)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    off, again, on = (
      session.run(logits, {training: value}) for value in (False, False, True)
    )
  np.testing.assert_array_equal(off, again)
  assert abs(on - off).max() > 0


@pytest.mark.parametrize(
  ('name', 'layer', 'stddev', 'bias'),
  [
    ('lenet', 'conv2', 0.1, 0.0),
    ('lenet', 'fc3', 0.1, 0.0),
    ('cifarnet', 'conv2', 0.05, 0.0),
    ('cifarnet', 'fc3', 0.04, 0.1),
    ('cifarnet', 'logits', 1 / 192, 0.0),
  ],
)
def test_initial_values(name, layer, stddev, bias):
  _build(name)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    weights, biases = (
      session.run(slim.get_variables_by_suffix(f'{layer}/{kind}')[0])
      for kind in ('weights', 'biases')
    )
  # A normal cut at two standard deviations keeps 0.88 of the deviation.
  assert weights.std() == pytest.approx(0.88 * stddev, rel=0.05)
  assert abs(weights).max() <= 2 * stddev
  assert set(biases) == {np.float32(bias)}


def test_cifarnet_bears_its_l2_loss_on_the_full_connections():
  _build('cifarnet', weight_decay=0.5)
  losses = {loss.op.name for loss in tf.losses.get_regularization_losses()}
  assert losses == {
    f'CifarNet/{layer}/kernel/Regularizer/l2_regularizer'
    for layer in ('fc3', 'fc4')
  }
