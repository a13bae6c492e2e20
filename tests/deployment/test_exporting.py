"""One network in every form: all compute the same and say what they are."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import slim_errors
from deployment import (
  config,
  export_files,
  export_savedmodel,
  export_verify,
  exporting,
  predictors,
)
from nets import nets_factory
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
  metadata = export_files.read_metadata(str(everything['folder'] / name))
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
  rows = export_verify.verify(options, everything['metadata'])
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
  graph_def = predictors.read_graph_def(everything['options']['frozen_file'])
  for node in graph_def.node:
    if node.op == 'Const' and node.name.endswith('fc4/weights'):
      value = tf.make_ndarray(node.attr['value'].tensor) * 1.01
      node.attr['value'].tensor.CopyFrom(tf.make_tensor_proto(value))
  wrong = tmp_path / 'wrong.pb'
  wrong.write_bytes(graph_def.SerializeToString())
  options = export_helpers.options(
    checkpoint_path=everything['options']['checkpoint_path'],
    frozen_file=str(wrong),
    verify_images=4,
  )
  rows = export_verify.verify(options, everything['metadata'])
  with pytest.raises(slim_errors.UserError, match='frozen differs'):
    export_verify.check(rows)


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


def test_disk_full_leaves_no_half_model(everything, tmp_path, monkeypatch):
  def save(builder):
    raise tf.errors.ResourceExhaustedError(None, None, 'No space left')

  builder = 'SavedModelBuilder.save'
  monkeypatch.setattr(
    f'tensorflow.compat.v1.saved_model.builder.{builder}', save
  )
  with pytest.raises(slim_errors.UserError, match='No space left'):
    export_helpers.export(
      checkpoint_path=everything['options']['checkpoint_path'],
      saved_model_dir=str(tmp_path / 'model'),
    )
  assert os.listdir(tmp_path) == []


def test_fixed_batch_size(everything, tmp_path):
  """Exports for one image at a time are verified and run on many."""
  _, printed = export_helpers.export(
    checkpoint_path=everything['options']['checkpoint_path'],
    batch_size=2,
    frozen_file=str(tmp_path / 'frozen.pb'),
    saved_model_dir=str(tmp_path / 'model'),
    verify=True,
    verify_images=3,
  )
  assert printed.count('1.0000') == 3


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
  predictor = predictors.saved_model(folder)
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


def test_text_form(tmp_path):
  path = tmp_path / 'graph.pbtxt'
  _, printed = export_helpers.export(
    output_file=str(path), write_text_graphdef=True
  )
  assert '--input_binary=false' in printed
  assert path.read_text().startswith('node {')
  graph_def = predictors.read_graph_def(str(path))
  assert graph_def.node[0].name == 'input'


def test_training_graph(tmp_path):
  path = tmp_path / 'graph.pb'
  export_helpers.export(
    model_name='mobilenet_v1_025', output_file=str(path), is_training=True
  )
  norms = [
    node
    for node in predictors.read_graph_def(str(path)).node
    if node.op == 'FusedBatchNormV3'
  ]
  assert norms
  assert all(node.attr['is_training'].b for node in norms)


def test_size_channels_and_batch(tmp_path):
  metadata, _ = export_helpers.export(
    model_name='mobilenet_v1_025',
    output_file=str(tmp_path / 'graph.pb'),
    image_size=96,
    batch_size=3,
    use_grayscale=True,
  )
  assert metadata['input']['shape'] == [3, 96, 96, 1]
  assert metadata['output']['shape'] == [3, 10]


def test_imagenet_needs_no_files(tmp_path):
  metadata, _ = export_helpers.export(
    model_name='lenet',
    dataset_name='imagenet',
    labels_offset=1,
    output_file=str(tmp_path / 'graph.pb'),
  )
  assert metadata['num_classes'] == 1000
  assert metadata['labels'][0].startswith('tench')
  assert metadata['label_convention'] == (
    'class i is label i + 1 of imagenet; there is no background class'
  )


def test_moving_averages(tmp_path):
  """The averages are exported on request, and are not the weights."""
  with tf.Graph().as_default(), tf.Session() as session:
    images = tf.placeholder(tf.float32, [None, 28, 28, 1])
    nets_factory.get_network_fn('lenet', 10)(images)
    export_helpers.load_weights(session, 2.0)
    averages = tf.train.ExponentialMovingAverage(0.9)
    averages.apply(tf.model_variables())
    shadows = [averages.average(v) for v in tf.model_variables()]
    session.run(tf.variables_initializer(shadows))
    (biases,) = [v for v in tf.model_variables() if 'fc4/biases' in v.op.name]
    shift = np.arange(10, dtype=np.float32) / 2
    session.run(biases.assign(averages.average(biases) + shift))
    prefix = tf.train.Saver().save(session, str(tmp_path / 'model.ckpt'))
  scores = {}
  for decay in (None, 0.9):
    path = tmp_path / f'frozen_{decay}.pb'
    metadata, _ = export_helpers.export(
      checkpoint_path=prefix,
      moving_average_decay=decay,
      frozen_file=str(path),
      verify=True,
      verify_images=4,
    )
    assert metadata['moving_averages'] == bool(decay)
    images = export_helpers.images_for('lenet')
    scores[decay] = export_helpers.scores_of(path, images)
  difference = np.log(scores[None]) - np.log(scores[0.9])
  slope = np.diff(difference, axis=1)
  np.testing.assert_allclose(slope, 0.5, atol=1e-3)


def test_averages_that_are_not_there(everything, tmp_path):
  with pytest.raises(slim_errors.UserError, match='no moving averages'):
    export_helpers.export(
      checkpoint_path=everything['options']['checkpoint_path'],
      moving_average_decay=0.9,
      frozen_file=str(tmp_path / 'frozen.pb'),
    )
  assert os.listdir(tmp_path) == []


def test_accuracy_and_recorded_classes(everything, tmp_path):
  """What training and evaluation wrote beside the checkpoint is used."""
  prefix, _ = export_helpers.checkpoint('lenet', tmp_path, num_classes=3)
  names = {'0': 'ant', '1': 'bee', '2': 'cat'}
  run = {
    'flags': {'dataset_name': 'folder', 'model_name': 'lenet'},
    'num_classes': 3,
    'class_names': names,
  }
  (tmp_path / config.RUN_FILE).write_text(json.dumps(run))
  (tmp_path / 'eval').mkdir()
  report = {'checkpoint': prefix, 'Accuracy': 0.75, 'split': 'test'}
  (tmp_path / 'eval' / 'metrics.json').write_text(json.dumps(report))
  metadata, printed = export_helpers.export(
    checkpoint_path=str(tmp_path),
    dataset_name='folder',
    frozen_file=str(tmp_path / 'frozen.pb'),
  )
  assert metadata['labels'] == ['ant', 'bee', 'cat']
  assert metadata['accuracy'] == {'Accuracy': 0.75, 'split': 'test'}
  assert '0.7500 on test' in printed


@pytest.mark.parametrize(
  ('values', 'message'),
  [
    ({'frozen_file': 'f.pb'}, '--frozen_file needs weights'),
    ({'verify': True}, '--verify needs weights'),
    (
      {'tflite_file': 'f', 'checkpoint_path': 'c', 'is_training': True},
      'leave out --is_training',
    ),
    (
      {'tflite_file': 'f', 'checkpoint_path': 'c', 'tflite_quantize': 'int8'},
      '--dataset_dir is missing',
    ),
    ({'tflite_quantize': 'int4'}, 'int4'),
  ],
)
def test_flags_that_cannot_work(values, message):
  with pytest.raises(slim_errors.UserError, match=message):
    export_helpers.options(**values)


def test_existing_saved_model_is_left_alone(everything):
  options = export_helpers.options(**everything['options'])
  before = os.path.getmtime(everything['options']['frozen_file'])
  with pytest.raises(slim_errors.UserError, match='is there already'):
    exporting.export(options)
  assert os.path.getmtime(everything['options']['frozen_file']) == before


def test_size_that_is_too_small(tmp_path):
  with pytest.raises(slim_errors.UserError, match='--image_size=16'):
    export_helpers.export(
      model_name='alexnet_v2',
      image_size=16,
      output_file=str(tmp_path / 'graph.pb'),
    )


def test_checkpoint_of_another_network(everything, tmp_path):
  with pytest.raises(slim_errors.UserError, match='CifarNet/conv1/biases'):
    export_helpers.export(
      model_name='cifarnet',
      checkpoint_path=everything['options']['checkpoint_path'],
      frozen_file=str(tmp_path / 'frozen.pb'),
    )


def test_onnx_says_what_is_missing(everything, tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'tf2onnx', None)
  with pytest.raises(slim_errors.UserError, match=r'pip install ".\[onnx\]"'):
    export_helpers.export(
      checkpoint_path=everything['options']['checkpoint_path'],
      onnx_file=str(tmp_path / 'lenet.onnx'),
    )


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
  with pytest.raises(slim_errors.UserError, match='serving_default'):
    predictors.saved_model(everything['options']['saved_model_dir'], 'predict')
  assert export_savedmodel.ENCODED == 'serving_bytes'
