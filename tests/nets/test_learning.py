"""Every network lowers its loss on a batch that it sees again and again."""

import dataclasses
import importlib
import inspect

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from nets import nets_factory
from tests.contract import builds

# The rest takes ten seconds and more.
_QUICK = {
  'cifarnet',
  'inception_v1',
  'lenet',
  'mobilenet_v1_025',
  'mobilenet_v2_035',
  'mobilenet_v3_small_minimalistic',
  'resnet_v1_50',
  'resnet_v2_50',
}
# Sizes below the default, for speed; not every network has one.
_SIZES = {
  'inception_resnet_v2': 139,
  'inception_v1': 64,
  'inception_v2': 64,
  'inception_v3': 139,
  'inception_v4': 139,
  'mobilenet': 64,
  'nasnet_large': 139,
  'nasnet_mobile': 96,
  'pnasnet_large': 139,
  'pnasnet_mobile': 96,
  'resnet': 65,
  'vgg': 32,
}
_DROPOUT_IN_ARG_SCOPE = ('mobilenet_v2', 'mobilenet_v3', 'mobilenet_edgetpu')
_CLASSES = 4


def _size(name):
  sizes = [size for stem, size in _SIZES.items() if name.startswith(stem)]
  return sizes[0] if sizes else nets_factory.network(name).image_size


def _images(row, size):
  """Returns an image a class, in the range that the network expects."""
  largest = 120 if row.preprocessing == 'vgg' else 1
  return np.random.RandomState(0).uniform(
    -largest, largest, [_CLASSES, size, size, row.default_channels]
  )


def _build(name, size):
  """Builds a network for training, without dropout and for small images.

  As far as it takes arguments that say so.
  """
  keep_all = {'dropout_keep_prob': 1.0}
  in_scope = keep_all if name.startswith(_DROPOUT_IN_ARG_SCOPE) else {}
  network_fn = nets_factory.get_network_fn(
    name, _CLASSES, weight_decay=4e-5, is_training=True, **in_scope
  )
  known = inspect.signature(network_fn).parameters
  wanted = {**keep_all, 'fc_conv_padding': 'SAME', 'config': _config(name)}
  arguments = {key: wanted[key] for key in wanted.keys() & known.keys()}
  images = builds.images_placeholder(
    network_fn, network_fn.default_channels, size
  )
  return network_fn(images, **arguments)


def _config(name):
  """Returns a NASNet's hyperparameters without dropout; None for others."""
  family, _, kind = name.partition('_')
  if family not in ('nasnet', 'pnasnet'):
    return None
  module = importlib.import_module(nets_factory.network(name).module)
  kind = {'cifar': 'cifar'}.get(kind, f'{kind}_imagenet')
  return dataclasses.replace(
    getattr(module, f'{kind}_config')(),
    drop_path_keep_prob=1.0,
    dense_dropout_keep_prob=1.0,
  )


def _step(loss):
  """Returns a step of gradient descent that takes 1 % off the loss.

  To first order, that is: which learning rate does it differs by a factor of
  thousands between networks.
  """
  optimizer = tf.train.GradientDescentOptimizer(1.0)
  gradients = optimizer.compute_gradients(loss)
  unlearning = [v.op.name for g, v in gradients if g is None]
  assert [n for n in unlearning if 'aux' not in n.lower()] == []
  gradients = [(g, v) for g, v in gradients if g is not None]
  norm = tf.linalg.global_norm([g for g, _ in gradients])
  rate = 0.01 * loss / norm**2
  return optimizer.apply_gradients([(rate * g, v) for g, v in gradients])


@pytest.mark.parametrize(
  'name',
  [
    pytest.param(n, marks=[] if n in _QUICK else [pytest.mark.slow])
    for n in nets_factory.networks()
  ],
)
def test_steps_lower_the_loss(name):
  tf.set_random_seed(1)
  size = _size(name)
  logits, _ = _build(name, size)
  loss = tf.losses.softmax_cross_entropy(tf.eye(_CLASSES), logits)
  step = _step(loss)
  images = _images(nets_factory.network(name), size)
  with tf.Session(config=_plain()) as session:
    session.run(tf.global_variables_initializer())
    losses = [
      session.run([loss, step], {'input:0': images})[0] for _ in range(3)
    ]
  assert np.isfinite(losses).all()
  assert losses[-1] < losses[0]


def _plain():
  """Returns a configuration without graph rewriting, which takes longer."""
  config = tf.ConfigProto()
  config.graph_options.rewrite_options.disable_meta_optimizer = True
  return config
