"""One network in every form: all compute the same and say what they are."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.export import (
  export,
  exported_files,
  graph_predictor,
  saved_model,
  verify,
)
from slim_support import errors
from tests.deployment import export_helpers


@pytest.fixture(scope='module')
def everything(tmp_path_factory, digits_dir):
  """A LeNet with spread weights, exported in every form."""
  folder = tmp_path_factory.mktemp('everything')
  prefix, expected = export_helpers.checkpoint('lenet', folder)
  options = {
    'checkpoint_path': prefix,
    'dataset_dir': digits_dir,
    'output_file': str(folder / 'graph.pb'),
    'frozen_file': str(folder / 'frozen.pb'),
    'saved_model_dir': str(folder / 'saved_model'),
    'tflite_file': str(folder / 'lenet.tflite'),
    'verify': True,
    'verify_images': 20,
  }
  metadata, printed = export_helpers.export(**options)
  return {
    'folder': folder,
    'options': options,
    'metadata': metadata,
    'printed': printed,
    'expected': expected,
  }


@pytest.mark.parametrize(
  ('name', 'tolerance'),
  [('frozen.pb', 1e-5), ('saved_model', 1e-5), ('lenet.tflite', 1e-4)],
)
def test_same_scores(everything, name, tolerance):
  images = export_helpers.images_for('lenet')
  scores = export_helpers.scores_of(everything['folder'] / name, images)
  np.testing.assert_allclose(scores, everything['expected'], atol=tolerance)


@pytest.mark.parametrize(
  'name', ['graph.pb', 'frozen.pb', 'saved_model', 'lenet.tflite']
)
def test_metadata_beside_each(everything, name):
  metadata = exported_files.read_metadata(str(everything['folder'] / name))
  assert metadata['model_name'] == 'lenet'
  assert metadata['input'] == {
    'name': 'input',
    'dtype': 'float32',
    'shape': [None, 28, 28, 1],
  }
  assert metadata['output']['name'] == 'Predictions/Reshape_1'
  assert metadata['labels'] == [str(digit) for digit in range(10)]
  assert metadata['preprocessing'] == 'lenet'
  assert (metadata['input_mean'], metadata['input_std']) == (128, 128)
  assert metadata['accuracy'] is None


def test_what_is_printed(everything):
  printed = everything['printed']
  for text in (
    'input, float32 [?, 28, 28, 1], values in [-1, 1)',
    'Predictions/Reshape_1, float32 [?, 10]',
    'class i is label i of digits',
    f'--input_checkpoint={everything["options"]["checkpoint_path"]}',
    '--output_node_names=Predictions/Reshape_1',
    'Verified on 20 images',
  ):
    assert text in printed


def test_verify_reports_every_export(everything):
  options = export_helpers.options(**everything['options'])
  rows = verify.verify(options, everything['metadata'])
  assert [row['name'] for row in rows] == [
    'GraphDef + freeze_graph',
    'frozen',
    'SavedModel',
    'SavedModel, image files',
    'TensorFlow Lite',
  ]
  assert all(row['agreement'] == 1 for row in rows)
  assert max(row['difference'] for row in rows[:4]) < 1e-5
  assert rows[4]['difference'] < 1e-4


def test_verify_notices_other_weights(everything, tmp_path):
  graph_def = graph_predictor.read_graph_def(
    everything['options']['frozen_file']
  )
  for node in graph_def.node:
    if node.op == 'Const' and node.name.endswith('fc4/weights'):
      value = tf.make_ndarray(node.attr['value'].tensor) * 1.01
      node.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(value))
  wrong = tmp_path / 'wrong.pb'
  wrong.write_bytes(graph_def.SerializeToString())
  options = export_helpers.options(
    checkpoint_path=everything['options']['checkpoint_path'],
    frozen_file=str(wrong),
    verify=True,
    verify_images=4,
  )
  rows = verify.verify(options, everything['metadata'])
  with pytest.raises(errors.UserError, match='frozen differs'):
    verify.check(rows)


def test_saved_model_signatures(everything):
  folder = everything['options']['saved_model_dir']
  with tf.Session(graph=tf.Graph()) as session:
    model = tf.saved_model.loader.load(session, ['serve'], folder)
  assert sorted(model.signature_def) == ['serving_bytes', 'serving_default']
  prepared = model.signature_def['serving_default']
  assert sorted(prepared.inputs) == ['images']
  assert sorted(prepared.outputs) == ['classes', 'probabilities']
  encoded = model.signature_def['serving_bytes']
  assert encoded.inputs['image_bytes'].dtype == tf.string.as_datatype_enum
  assert not os.listdir(os.path.join(folder, 'variables'))


_SERVE = """
import sys
import numpy as np
import tensorflow as tf

folder, images, image_file, scores = sys.argv[1:]
model = tf.saved_model.load(folder)
prepared = model.signatures['serving_default'](
  images=tf.constant(np.load(images)))
with open(image_file, 'rb') as file:
  encoded = model.signatures['serving_bytes'](
    image_bytes=tf.constant([file.read()] * 2))
np.savez(scores, prepared=prepared['probabilities'],
         classes=prepared['classes'], encoded=encoded['probabilities'])
"""


@pytest.mark.slow
def test_served_by_tensorflow_2(everything, tmp_path):
  """By `tf.saved_model.load` and by `saved_model_cli run`."""
  images = export_helpers.images_for('lenet')
  np.save(tmp_path / 'images.npy', images)
  pixels = np.random.RandomState(0).randint(0, 256, (28, 28, 1), np.uint8)
  with tf.Session() as session:
    png = session.run(tf.io.encode_png(pixels))
  (tmp_path / 'digit.png').write_bytes(png)
  folder = everything['options']['saved_model_dir']
  files = [tmp_path / n for n in ('images.npy', 'digit.png', 'scores.npz')]
  subprocess.run(
    [sys.executable, '-c', _SERVE, folder, *map(str, files)], check=True
  )
  scores = np.load(tmp_path / 'scores.npz')
  expected = everything['expected']
  np.testing.assert_allclose(scores['prepared'], expected, atol=1e-5)
  np.testing.assert_array_equal(scores['classes'], expected.argmax(axis=1))
  predictor = graph_predictor.from_saved_model(folder)
  from_pixels = predictor((pixels[None].astype(np.float32) - 128) / 128)
  np.testing.assert_allclose(
    scores['encoded'], np.repeat(from_pixels, 2, axis=0), atol=1e-5
  )
  subprocess.run(
    [
      os.path.join(os.path.dirname(sys.executable), 'saved_model_cli'),
      'run', '--dir', folder, '--tag_set', 'serve',
      '--signature_def', 'serving_default',
      '--inputs', f'images={tmp_path / "images.npy"}',
      '--outdir', str(tmp_path),
    ],
    check=True,
  )  # fmt: skip
  by_cli = np.load(tmp_path / 'probabilities.npy')
  np.testing.assert_allclose(by_cli, expected, atol=1e-5)


def test_existing_saved_model_is_left_alone(everything):
  options = export_helpers.options(**everything['options'])
  before = os.path.getmtime(everything['options']['frozen_file'])
  with pytest.raises(errors.UserError, match='exists already'):
    export.export(options)
  assert os.path.getmtime(everything['options']['frozen_file']) == before


def test_onnx(everything, tmp_path):
  pytest.importorskip('tf2onnx')
  pytest.importorskip('onnxruntime')
  path = tmp_path / 'lenet.onnx'
  export_helpers.export(
    checkpoint_path=everything['options']['checkpoint_path'],
    onnx_file=str(path),
  )
  images = export_helpers.images_for('lenet')
  scores = export_helpers.scores_of(path, images)
  np.testing.assert_allclose(scores, everything['expected'], atol=1e-4)


def test_signature_that_is_not_there(everything):
  with pytest.raises(errors.UserError, match='serving_default'):
    graph_predictor.from_saved_model(
      everything['options']['saved_model_dir'], 'predict'
    )
  assert saved_model.ENCODED == 'serving_bytes'
