"""Frozen graphs, good and bad, for the tests of both label_image programs."""

import numpy as np
import tensorflow.compat.v1 as tf

SIDE, CLASSES = 8, 3


def _classifier(images):
  """Returns scores that depend on the colors of an image."""
  if images.shape.rank != 4:
    images = tf.reshape(images, [-1, SIDE, SIDE, 3])
  means = tf.reduce_mean(images, [1, 2])
  if means.shape[-1] != 3:
    means = tf.tile(means[:, :1], [1, 3])
  return tf.nn.softmax(means * [1.0, 2.0, 3.0], name='scores')


def _placeholder(*shape, dtype=tf.float32, name='input'):
  return tf.placeholder(dtype, shape, name=name)


def _good():
  _classifier(_placeholder(None, SIDE, SIDE, 3))


def _any_size():
  _classifier(_placeholder(None, None, None, 3))


def _any_rank():
  _classifier(tf.placeholder(tf.float32, name='input'))


def _fixed_batch():
  _classifier(_placeholder(4, SIDE, SIDE, 3))


def _gray():
  _classifier(_placeholder(None, SIDE, SIDE, 1))


def _four_channels():
  _classifier(_placeholder(None, SIDE, SIDE, 4))


def _flat_input():
  images = _placeholder(None, SIDE * SIDE * 3)
  tf.nn.softmax(images[:, :3], name='scores')


def _bytes_input():
  images = _placeholder(None, SIDE, SIDE, 3, dtype=tf.uint8)
  _classifier(tf.cast(images, tf.float32))


def _two_inputs():
  images = _placeholder(None, SIDE, SIDE, 3)
  more = _placeholder(None, SIDE, SIDE, 3, name='more')
  _classifier(images + more)


def _other_outputs():
  """The good network, and nodes that give no scores."""
  scores = _classifier(_placeholder(None, SIDE, SIDE, 3))
  tf.argmax(scores, 1, name='best')
  tf.cast(scores * 10, tf.int32, name='whole')
  tf.reduce_mean(scores, name='average')
  tf.reduce_mean(scores, 0, keepdims=True, name='whole_batch')
  tf.reshape(scores, [-1, 1, 1, CLASSES], name='places')
  tf.as_string(scores, name='words')
  tf.identity(scores[:, :0], name='nothing')
  tf.constant(np.ones([1, CLASSES], np.float32), name='constant')


def _nan_scores():
  scores = _classifier(_placeholder(None, SIDE, SIDE, 3))
  tf.identity(scores * np.nan, name='spoiled')


def _unfrozen():
  images = _placeholder(None, SIDE, SIDE, 3)
  weights = tf.get_variable('weights', [3])
  _classifier(images * weights)


def _asserting():
  images = _placeholder(None, SIDE, SIDE, 3)
  with tf.control_dependencies([tf.assert_less(images, -1e9, message='cold')]):
    _classifier(tf.identity(images))


def _unknown_op(graph_def):
  node = graph_def.node.add(name='strange', op='NoSuchOp')
  node.input.append('input')


def _missing_node(graph_def):
  graph_def.node[-1].input[0] = 'absent'


def _loop(graph_def):
  graph_def.node[-1].input[0] = graph_def.node[-1].name


def _two_of_a_name(graph_def):
  graph_def.node.add().CopyFrom(graph_def.node[-1])


_GRAPHS = {
  name.removeprefix('_'): function
  for name, function in {**globals()}.items()
  if callable(function)
  and function.__module__ == __name__
  and not function.__code__.co_argcount
}
_CHANGES = {
  'unknown_op': _unknown_op,
  'missing_node': _missing_node,
  'loop': _loop,
  'two_of_a_name': _two_of_a_name,
}


def write(folder):
  """Writes NAME.pb for every graph."""
  for name, build in _GRAPHS.items():
    with tf.Graph().as_default() as graph:
      build()
    (folder / f'{name}.pb').write_bytes(
      graph.as_graph_def().SerializeToString()
    )
  good = (folder / 'good.pb').read_bytes()
  for name, change in _CHANGES.items():
    graph_def = tf.GraphDef.FromString(good)
    change(graph_def)
    (folder / f'{name}.pb').write_bytes(graph_def.SerializeToString())
  (folder / 'cut.pb').write_bytes(good[: len(good) // 2])
  (folder / 'garbage.pb').write_bytes(np.random.RandomState(0).bytes(5000))
  (folder / 'words.pb').write_bytes(b'This is not a graph.\n' * 50)
  (folder / 'empty.pb').write_bytes(b'')
