"""What the graphs of the registered networks show, built once each.

Only plain data is kept, so that 38 networks do not stay in memory.
"""

import functools
import json
import pathlib
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from nets import graph_cost, nets_factory

FOLDER = pathlib.Path(__file__).parent


class Shown(NamedTuple):
  """What a build of a network showed.

  shared says whether a second build, for evaluation, made no variables of its
  own but took those of the first.
  """

  variables: list
  end_points: dict
  logits_op: str
  predictions_op: str | None
  parameters: int
  multiply_adds: int
  regularization_losses: int
  update_ops: int
  shared: bool


@functools.cache
def contract(name):
  """Returns what the network called name has to show."""
  return json.loads((FOLDER / f'{name}.json').read_text())


def channels(name):
  """Returns the channels of the images that the contract was made with."""
  first = next(v for v in contract(name)['variables'] if len(v['shape']) == 4)
  return first['shape'][2]


def images_placeholder(network_fn, channels, size=None):
  """Returns a placeholder for a batch of any size."""
  size = size or network_fn.default_image_size
  shape = [None, size, size, channels]
  return tf.placeholder(tf.float32, shape, 'input')


def build(name, is_training, num_classes=None, size=None, **kwargs):
  """Builds a network in the default graph; returns (net, end_points)."""
  network_fn = nets_factory.get_network_fn(
    name, num_classes, weight_decay=4e-5, is_training=is_training
  )
  images = images_placeholder(network_fn, channels(name), size)
  return network_fn(images, **kwargs)


@functools.cache
def shown(name, is_training, /):
  """Builds a network for the classes of its contract; returns a Shown."""
  with tf.Graph().as_default() as graph:
    logits, end_points = build(name, is_training, contract(name)['num_classes'])
    predictions = end_points.get('Predictions', end_points.get('predictions'))
    return Shown(
      variables=_variables(),
      end_points={
        point: [2 if size is None else size for size in tensor.shape.as_list()]
        for point, tensor in end_points.items()
      },
      logits_op=logits.op.name,
      predictions_op=None if predictions is None else predictions.op.name,
      parameters=graph_cost.parameters(graph),
      multiply_adds=graph_cost.multiply_adds(graph, outputs=[logits]),
      regularization_losses=len(tf.losses.get_regularization_losses()),
      update_ops=len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)),
      shared=is_training and _shares_variables(name),
    )


def _shares_variables(name):
  before = tf.global_variables()
  with tf.variable_scope(tf.get_variable_scope(), reuse=True):
    build(name, False, contract(name)['num_classes'])
  return tf.global_variables() == before


def _variables():
  trainable = set(tf.trainable_variables())
  model = set(tf.model_variables())
  return [
    {
      'name': variable.op.name,
      'shape': variable.shape.as_list(),
      'trainable': variable in trainable,
      'model': variable in model,
    }
    for variable in tf.global_variables()
  ]
