"""Loading what was exported, and saying why it cannot be loaded."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.export import predictors
from slim_support import errors


def _write(path, build):
  with tf.Graph().as_default() as graph:
    build()
  path.write_bytes(graph.as_graph_def().SerializeToString())
  return str(path)


def _doubled(outputs=('scores',)):
  images = tf.placeholder(tf.float32, [None, 1, 1, 2], name='input')
  flat = tf.reshape(images, [-1, 2], name='flat')
  for name in outputs:
    tf.multiply(flat, 2.0, name=name)


def test_nodes_are_found(tmp_path):
  predictor = predictors.load(_write(tmp_path / 'graph.pb', _doubled))
  assert predictor.image_shape == [1, 1, 2]
  assert predictor.num_classes == 2
  scores = predictor(np.ones([3, 1, 1, 2], np.float32))
  np.testing.assert_array_equal(scores, np.full([3, 2], 2.0))


@pytest.mark.parametrize('count', [1, 3, 4, 7])
def test_fixed_batch_size(tmp_path, count):
  def build():
    images = tf.placeholder(tf.float32, [3, 1, 1, 2], name='input')
    tf.multiply(tf.reshape(images, [3, 2]), 2.0, name='scores')

  predictor = predictors.load(_write(tmp_path / 'graph.pb', build))
  images = np.arange(2 * count, dtype=np.float32).reshape([count, 1, 1, 2])
  expected = 2 * images.reshape([count, 2])
  np.testing.assert_array_equal(predictor(images), expected)


@pytest.mark.parametrize('name', ['flat', 'flat:0'])
def test_node_by_name(tmp_path, name):
  path = _write(tmp_path / 'graph.pb', _doubled)
  predictor = predictors.load(path, 'input', name)
  assert predictor(np.ones([1, 1, 1, 2], np.float32)).max() == 1


@pytest.mark.parametrize(
  ('names', 'message'),
  [
    (('inputs', None), '--input_layer=inputs: .* Did you mean input'),
    ((None, None), '--output_layer is missing: .* 2 candidates, one, two'),
  ],
)
def test_nodes_that_are_not_found(tmp_path, names, message):
  path = _write(tmp_path / 'graph.pb', lambda: _doubled(('one', 'two')))
  with pytest.raises(errors.UserError, match=message):
    predictors.load(path, *names)


def test_graph_that_is_not_frozen(tmp_path):
  def build():
    images = tf.placeholder(tf.float32, [None, 2], name='input')
    tf.multiply(images, tf.Variable(2.0), name='scores')

  path = _write(tmp_path / 'graph.pb', build)
  with pytest.raises(errors.UserError, match='Freeze it first'):
    predictors.load(path)


@pytest.mark.parametrize(
  ('name', 'content', 'message'),
  [
    ('graph.pb', b'no graph at all', 'is not a GraphDef'),
    ('graph.pb', b'', 'has no nodes'),
    ('graph.pbtxt', b'node {', 'is not a GraphDef'),
    ('net.tflite', b'no model at all', 'is not a TensorFlow Lite model'),
    ('absent.pb', None, 'There is no exported network'),
    ('', None, 'cannot be loaded as a SavedModel'),
  ],
)
def test_files_that_hold_no_network(tmp_path, name, content, message):
  path = tmp_path / name
  if content is not None:
    path.write_bytes(content)
  with pytest.raises(errors.UserError, match=message):
    predictors.load(str(path))
