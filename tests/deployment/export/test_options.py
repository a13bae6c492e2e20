"""What the flags of the export change, and which cannot work."""

import json
import os
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import run_folder
from deployment.export import graph_predictor
from nets import nets_factory
from slim_support import errors
from tests.deployment import export_helpers


@pytest.fixture(scope='module')
def lenet(tmp_path_factory):
  """The checkpoint of a LeNet with spread weights."""
  folder = tmp_path_factory.mktemp('lenet')
  prefix, _ = export_helpers.checkpoint('lenet', folder)
  return prefix


def test_disk_full_leaves_no_half_model(lenet, tmp_path, monkeypatch):
  def save(builder):
    raise tf.errors.ResourceExhaustedError(None, None, 'No space left')

  builder = 'SavedModelBuilder.save'
  monkeypatch.setattr(
    f'tensorflow.compat.v1.saved_model.builder.{builder}', save
  )
  with pytest.raises(errors.UserError, match='No space left'):
    export_helpers.export(
      checkpoint_path=lenet,
      saved_model_dir=str(tmp_path / 'model'),
    )
  assert os.listdir(tmp_path) == []


def test_fixed_batch_size(lenet, tmp_path):
  """Exports for one image at a time are verified and run on many."""
  _, printed = export_helpers.export(
    checkpoint_path=lenet,
    batch_size=2,
    frozen_file=str(tmp_path / 'frozen.pb'),
    saved_model_dir=str(tmp_path / 'model'),
    verify=True,
    verify_images=3,
  )
  assert printed.count('1.0000') == 3


def test_text_form(tmp_path):
  path = tmp_path / 'graph.pbtxt'
  _, printed = export_helpers.export(
    output_file=str(path), write_text_graphdef=True
  )
  assert '--input_binary=false' in printed
  assert path.read_text().startswith('node {')
  graph_def = graph_predictor.read_graph_def(str(path))
  assert graph_def.node[0].name == 'input'


def test_training_graph(tmp_path):
  path = tmp_path / 'graph.pb'
  export_helpers.export(
    model_name='mobilenet_v1_025', output_file=str(path), is_training=True
  )
  norms = [
    node
    for node in graph_predictor.read_graph_def(str(path)).node
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


def test_averages_that_are_not_there(lenet, tmp_path):
  with pytest.raises(errors.UserError, match='no moving averages'):
    export_helpers.export(
      checkpoint_path=lenet,
      moving_average_decay=0.9,
      frozen_file=str(tmp_path / 'frozen.pb'),
    )
  assert os.listdir(tmp_path) == []


def test_accuracy_and_recorded_classes(tmp_path):
  """What training and evaluation wrote beside the checkpoint is used."""
  prefix, _ = export_helpers.checkpoint('lenet', tmp_path, num_classes=3)
  names = {'0': 'ant', '1': 'bee', '2': 'cat'}
  run = {
    'flags': {'dataset_name': 'folder', 'model_name': 'lenet'},
    'num_classes': 3,
    'class_names': names,
  }
  (tmp_path / run_folder.RUN_FILE).write_text(json.dumps(run))
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
      'Leave out --is_training',
    ),
    (
      {'tflite_file': 'f', 'checkpoint_path': 'c', 'tflite_quantize': 'int8'},
      '--dataset_dir is missing',
    ),
    ({'tflite_quantize': 'int4'}, 'int4'),
  ],
)
def test_flags_that_cannot_work(values, message):
  with pytest.raises(errors.UserError, match=message):
    export_helpers.options(**values)


def test_size_that_is_too_small(tmp_path):
  with pytest.raises(errors.UserError, match='--image_size=16'):
    export_helpers.export(
      model_name='alexnet_v2',
      image_size=16,
      output_file=str(tmp_path / 'graph.pb'),
    )


def test_checkpoint_of_another_network(lenet, tmp_path):
  with pytest.raises(errors.UserError, match='CifarNet/conv1/biases'):
    export_helpers.export(
      model_name='cifarnet',
      checkpoint_path=lenet,
      frozen_file=str(tmp_path / 'frozen.pb'),
    )


def test_onnx_says_what_is_missing(lenet, tmp_path, monkeypatch):
  monkeypatch.setitem(sys.modules, 'tf2onnx', None)
  with pytest.raises(errors.UserError, match=r'pip install ".\[onnx\]"'):
    export_helpers.export(
      checkpoint_path=lenet,
      onnx_file=str(tmp_path / 'lenet.onnx'),
    )
