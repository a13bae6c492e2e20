"""Files that hold no classifier, or a damaged one, end in one sentence."""

import os
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.export import (
  graph_predictor,
  predictors,
  tflite_predictor,
  verify,
)
from slim_support import errors
from tests.deployment import export_helpers


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
  """A folder with a LeNet as TensorFlow Lite and as a SavedModel."""
  folder = tmp_path_factory.mktemp('exported')
  prefix, _ = export_helpers.checkpoint('lenet', folder)
  export_helpers.export(
    checkpoint_path=prefix,
    frozen_file=str(folder / 'frozen.pb'),
    saved_model_dir=str(folder / 'model'),
    tflite_file=str(folder / 'model.tflite'),
  )
  return folder


def _damaged(data):
  """Yields damaged versions of a file's bytes, the same in every run."""
  random = np.random.RandomState(0)
  for share in (0.1, 0.5, 0.9):
    yield data[: int(share * len(data))]
  for count in (1, 10, 100):
    for _ in range(3):
      flipped = bytearray(data)
      for _ in range(count):
        flipped[random.randint(8, len(data))] ^= random.randint(1, 256)
      yield bytes(flipped)
  yield data[:8] + random.bytes(3000)


def _ends_well(path):
  """Loads and runs what a file holds; only a UserError may come out."""
  message = ''
  try:
    predictor = predictors.load(str(path))
    shape = [n or 28 for n in predictor.image_shape]
    predictor(np.zeros([1, *shape], np.float32))
  except errors.UserError as error:
    message = str(error)
  except (tf.errors.OpError, RuntimeError):
    return False  # The callers say which images the network did not take.
  assert not message or message.endswith(('.', '?', '!')), message
  return not message


@pytest.mark.parametrize('case', range(13))
def test_damaged_tflite(exported, tmp_path, case):
  data = (exported / 'model.tflite').read_bytes()
  path = tmp_path / 'model.tflite'
  path.write_bytes([*_damaged(data)][case])
  _ends_well(path)


def test_tflite_that_crashes_the_interpreter(exported, tmp_path):
  data = (exported / 'model.tflite').read_bytes()
  path = tmp_path / 'model.tflite'
  path.write_bytes(data[: len(data) // 2])
  with pytest.raises(errors.UserError, match='is not a TensorFlow Lite model'):
    predictors.load(str(path))


def test_tflite_that_hangs(exported, monkeypatch):
  monkeypatch.setattr(tflite_predictor, '_TRIAL_SECS', 0)
  with pytest.raises(errors.UserError, match='does not run within 0 s'):
    predictors.load(str(exported / 'model.tflite'))


@pytest.mark.parametrize('name', ['model.tflite', 'frozen.pb'])
def test_intact_files_run(exported, name):
  assert _ends_well(exported / name)


@pytest.mark.parametrize('case', range(13))
def test_damaged_graph(exported, tmp_path, case):
  data = (exported / 'frozen.pb').read_bytes()
  path = tmp_path / 'frozen.pb'
  path.write_bytes([*_damaged(data)][case])
  _ends_well(path)


@pytest.mark.parametrize('case', range(13))
def test_damaged_saved_model(exported, tmp_path, case):
  shutil.copytree(exported / 'model', tmp_path / 'model')
  path = tmp_path / 'model' / 'saved_model.pb'
  path.write_bytes([*_damaged(path.read_bytes())][case])
  _ends_well(tmp_path / 'model')


@pytest.mark.parametrize('name', ['x.pb', 'x.tflite', 'x.onnx', 'x.pbtxt'])
@pytest.mark.parametrize('kind', ['pipe', 'device', 'loop', 'empty'])
def test_things_that_are_no_files(tmp_path, name, kind):
  path = tmp_path / name
  if kind == 'pipe':
    os.mkfifo(path)
  elif kind == 'empty':
    path.write_bytes(b'')
  else:
    path.symlink_to('/dev/zero' if kind == 'device' else path)
  with pytest.raises(errors.UserError, match='cannot be|is not a|installed'):
    predictors.load(str(path))


def test_pipe_in_a_saved_model(exported, tmp_path):
  shutil.copytree(exported / 'model', tmp_path / 'model')
  path = tmp_path / 'model' / 'saved_model.pb'
  path.unlink()
  os.mkfifo(path)
  with pytest.raises(errors.UserError, match='not a regular file'):
    predictors.load(str(tmp_path / 'model'))


def _tflite(tmp_path, function, *shapes):
  specs = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
  graph = tf.Graph()
  with graph.as_default():
    placeholders = [
      tf.placeholder(spec.dtype, spec.shape, name=f'input_{n}')
      for n, spec in enumerate(specs)
    ]
    results = function(*placeholders)
  with tf.Session(graph=graph) as session:
    converter = tf.lite.TFLiteConverter.from_session(
      session, placeholders, results
    )
    data = converter.convert()
  path = tmp_path / 'model.tflite'
  path.write_bytes(data)
  return str(path)


def test_tflite_that_does_not_classify_images(tmp_path):
  for function, shapes in (
    (lambda x: [x * 2], [[1, 4]]),
    (lambda x: [x * 2], [[1, 2, 2, 3]]),
    (lambda x, y: [x[:, 0, 0] + y], [[1, 2, 2, 3], [1, 3]]),
  ):
    path = _tflite(tmp_path, function, *shapes)
    with pytest.raises(errors.UserError, match='does not classify images'):
      predictors.load(path)


def _graph(tmp_path, build):
  with tf.Graph().as_default() as graph:
    build()
  graph_def = graph.as_graph_def()
  path = tmp_path / 'graph.pb'
  path.write_bytes(graph_def.SerializeToString())
  return str(path), graph_def


def test_unknown_op(tmp_path):
  def build():
    images = tf.placeholder(tf.float32, [None, 2, 2, 3], name='input')
    tf.identity(images, name='scores')

  path, graph_def = _graph(tmp_path, build)
  for node in graph_def.node:
    if node.name == 'scores':
      node.op = 'NoSuchOp'
  (tmp_path / 'graph.pb').write_bytes(graph_def.SerializeToString())
  with pytest.raises(errors.UserError, match='NoSuchOp'):
    predictors.load(path)


@pytest.mark.parametrize(
  ('names', 'message'),
  [
    (('input', 'input'), 'is an input of the graph'),
    (('constant', 'scores'), 'is a constant'),
    (('input', 'constant'), 'is a constant of the graph'),
    (('integers', 'scores'), 'takes int32 values'),
    (('flat', 'scores'), 'has 2 dimensions'),
  ],
)
def test_nodes_of_no_use(tmp_path, names, message):
  def build():
    images = tf.placeholder(tf.float32, [None, 2, 2, 3], name='input')
    tf.placeholder(tf.int32, [None, 2, 2, 3], name='integers')
    tf.constant(1.0, name='constant')
    tf.reshape(images, [-1, 12], name='flat')
    tf.reduce_mean(images, [1, 2], name='scores')

  path, _ = _graph(tmp_path, build)
  with pytest.raises(errors.UserError, match=message):
    predictors.load(path, *names)


def test_difference_that_is_nan_does_not_pass():
  row = {'name': 'frozen', 'images': 1, 'agreement': 1.0}
  verify.check([row | {'difference': 0.0}])
  for difference in (float('nan'), float('inf'), 1.0):
    with pytest.raises(errors.UserError, match='frozen differs'):
      verify.check([row | {'difference': difference}])


def test_text_graph_with_another_suffix(tmp_path):
  _, printed = export_helpers.export(
    output_file=str(tmp_path / 'graph.pb'), write_text_graphdef=True
  )
  assert '--input_binary=false' in printed
  path = str(tmp_path / 'graph.pb')
  graph_def = graph_predictor.read_graph_def(path, as_text=True)
  assert graph_def.node[0].name == 'input'
  with pytest.raises(errors.UserError, match='is not a GraphDef'):
    graph_predictor.read_graph_def(path)
