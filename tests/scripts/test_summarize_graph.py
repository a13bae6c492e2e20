"""What scripts/summarize_graph.py says of a graph."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.export import graph_summary
from slim_support import errors
from tests.deployment import export_helpers


def test_the_script(tmp_path, run_script):
  path = tmp_path / 'graph.pb'
  export_helpers.export(output_file=str(path))
  done = run_script(
    'scripts/summarize_graph.py', '--in_graph=graph.pb', cwd=tmp_path
  )
  assert done.returncode == 0
  for line in (
    'Input:       input, float32 [?, 28, 28, 1]',
    'Output:      Predictions/Reshape_1 (Reshape), [?, 10]',
    '             13,883,904 multiply-adds for one image',
    'Variables:   8 with 3,274,634 parameters',
  ):
    assert line in done.stdout.splitlines()


def test_missing_flag(run_script):
  done = run_script('scripts/summarize_graph.py')
  assert done.returncode == 1
  assert '--in_graph is missing' in done.stderr


def _small(size):
  images = tf.placeholder(tf.float32, [None, size, size, 3], name='input')
  kernel = tf.constant(np.ones([3, 3, 3, 5], np.float32))
  net = tf.nn.conv2d(images, kernel, 1, 'SAME', name='one')
  tf.nn.relu(net, name='two')
  tf.reduce_sum(net + tf.Variable(tf.ones([5])), name='three')
  return tf.get_default_graph().as_graph_def()


def test_numbers():
  summary = graph_summary.summarize(_small(4))
  assert summary.inputs == [('input', 'float32', '[?, 4, 4, 3]')]
  outputs = {output.name: output for output in summary.outputs}
  assert set(outputs) == {'two', 'three'}
  assert outputs['two'].multiply_adds == 4 * 4 * 5 * 3 * 3 * 3
  assert (summary.variables, summary.variable_parameters) == (1, 5)
  assert summary.constant_parameters >= 3 * 3 * 3 * 5
  assert summary.ops['Conv2D'] == 1


def test_open_image_size():
  summary = graph_summary.summarize(_small(None))
  assert {output.multiply_adds for output in summary.outputs} == {None}
  assert 'unknown' in graph_summary.format_text(summary)


def test_graph_that_is_not_valid():
  graph_def = _small(4)
  del graph_def.node[0]
  with pytest.raises(errors.UserError, match='not valid'):
    graph_summary.summarize(graph_def)
