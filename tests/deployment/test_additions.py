"""Networks, arg scopes and preprocessing that a program adds when it runs."""

import json
import types

import numpy as np
import PIL.Image
import pytest
import tensorflow.compat.v1 as tf

from datasets import classification, dataset_factory, dataset_utils
from deployment.checkpoints import run_folder
from deployment.command_line import listings
from deployment.evaluation import config as eval_config
from deployment.evaluation import evaluate
from deployment.export import config as export_config
from deployment.export import export
from deployment.labeling import config as label_config
from deployment.labeling import label
from deployment.training import config as train_config
from deployment.training import train
from nets import nets_factory
from preprocessing import preprocessing_factory
from slim_support import errors
from tf_slim_compat import slim


def _mean_of_quarters(images, num_classes, is_training=False, scope='Mine'):
  with tf.variable_scope(scope, 'Mine', [images]):
    net = slim.avg_pool2d(images, [2, 2], 2)
    logits = slim.fully_connected(
      slim.flatten(net), num_classes, activation_fn=None, scope='logits'
    )
  return logits, {'Logits': logits}


def _halves(image, height, width, is_training, **unused_kwargs):
  image = tf.image.resize_images(tf.cast(image, tf.float32), [height, width])
  tf.summary.image('in_between', image[tf.newaxis])
  return image / 255.0 - 0.5


@pytest.fixture
def added(monkeypatch):
  monkeypatch.setitem(nets_factory.networks_map, 'mine', _mean_of_quarters)
  monkeypatch.setattr(_mean_of_quarters, 'default_image_size', 8, raising=False)
  monkeypatch.setitem(
    preprocessing_factory.preprocessing_fn_map,
    'halves',
    types.SimpleNamespace(preprocess_image=_halves),
  )


def _train(train_dir, data_dir, **values):
  values = {
    'dataset_name': 'digits',
    'model_name': 'lenet',
    'batch_size': 16,
    'max_number_of_steps': 2,
    'train_image_size': 8,
    **values,
  }
  train.train(
    train_config.TrainConfig(
      train_dir=str(train_dir), dataset_dir=data_dir, **values
    )
  )


def _evaluate(train_dir, data_dir, **values):
  values = {
    'dataset_name': 'digits',
    'model_name': 'lenet',
    'eval_image_size': 8,
    **values,
  }
  return evaluate.evaluate(
    eval_config.EvalConfig(
      checkpoint_path=str(train_dir),
      eval_dir=str(train_dir / 'eval'),
      dataset_dir=data_dir,
      **values,
    )
  )


def test_a_network_and_a_preprocessing_go_through_everything(
  added, tmp_path, digits_dir, capsys
):
  assert 'mine' in nets_factory.networks()
  assert '\nmine ' in listings.networks()
  mine = {'model_name': 'mine', 'preprocessing_name': 'halves'}
  _train(
    tmp_path,
    digits_dir,
    **mine,
    max_number_of_steps=400,
    random_seed=0,
    optimizer='momentum',
    learning_rate=0.1,
  )
  assert _evaluate(tmp_path, digits_dir, **mine)['Accuracy'] > 0.4
  frozen = str(tmp_path / 'mine.pb')
  metadata = export.export(
    export_config.ExportConfig(
      **mine,
      dataset_name='digits',
      dataset_dir=digits_dir,
      checkpoint_path=str(tmp_path),
      frozen_file=frozen,
      verify=True,
    )
  )
  assert (metadata['image_size'], metadata['channels']) == (8, 1)
  assert metadata['values'] == 'as halves gives them'
  picture = tmp_path / 'picture.png'
  PIL.Image.fromarray(np.zeros([8, 8], np.uint8)).save(picture)
  capsys.readouterr()
  label.label(label_config.LabelConfig(image=str(picture), graph=frozen))
  assert len(capsys.readouterr().out.splitlines()) == 5


@pytest.mark.parametrize(
  ('config', 'values'),
  [
    (train_config.TrainConfig, {}),
    (eval_config.EvalConfig, {}),
    (export_config.ExportConfig, {}),
  ],
)
def test_a_network_without_preprocessing_needs_the_flag(added, config, values):
  with pytest.raises(errors.UserError, match='Use --preprocessing_name'):
    config(model_name='mine', **values)
  assert config(model_name='mine', preprocessing_name='vgg', **values)


def test_names_that_are_added_are_suggested(added):
  with pytest.raises(errors.UserError, match='Did you mean mine'):
    train_config.TrainConfig(model_name='mime')
  with pytest.raises(errors.UserError, match='Did you mean halves'):
    train_config.TrainConfig(preprocessing_name='halve')


def test_an_object_without_preprocess_image_is_refused(monkeypatch):
  monkeypatch.setitem(
    preprocessing_factory.preprocessing_fn_map, 'empty', object()
  )
  with pytest.raises(errors.UserError, match='no function preprocess_image'):
    preprocessing_factory.get_preprocessing('empty')


def test_another_arg_scope_takes_effect(monkeypatch, tmp_path, digits_dir):
  def constant_weights(weight_decay=0.0):
    with slim.arg_scope(
      [slim.conv2d, slim.fully_connected],
      weights_initializer=tf.constant_initializer(0.25),
      weights_regularizer=slim.l2_regularizer(weight_decay),
    ) as arg_scope:
      return arg_scope

  monkeypatch.setitem(nets_factory.arg_scopes_map, 'lenet', constant_weights)
  _train(tmp_path, digits_dir, max_number_of_steps=1, learning_rate=1e-6)
  weights = tf.train.load_variable(str(tmp_path), 'LeNet/conv1/weights')
  np.testing.assert_allclose(weights, 0.25, atol=1e-3)


def test_the_decay_reaches_another_arg_scope_by_its_own_name(monkeypatch):
  decays = []

  def own(weight_decay=0.0, bn_decay=0.9):
    decays.append(bn_decay)
    return {}

  monkeypatch.setitem(nets_factory.arg_scopes_map, 'lenet', own)
  for decay in (None, 0.5):
    network_fn = nets_factory.get_network_fn(
      'lenet', 10, batch_norm_decay=decay
    )
    with tf.Graph().as_default():
      network_fn(tf.zeros([1, 28, 28, 1]))
  assert decays == [0.9, 0.5]


_HUES = ((200, 0, 0), (0, 102, 0), (0, 51, 154), (60, 60, 60))


@pytest.fixture
def hues(tmp_path, monkeypatch):
  """Four colors of one luminance, a class each."""
  spec = classification.ClassificationSpec(
    name='hues',
    splits={'train': 40, 'test': 8},
    num_classes=4,
    file_patterns=('hues_%s.tfrecord',),
  )
  monkeypatch.setitem(dataset_factory.datasets_map, 'hues', spec)
  with tf.Graph().as_default(), tf.Session() as session:
    pixels = tf.placeholder(tf.uint8, [28, 28, 3])
    encode = session.make_callable(tf.io.encode_png(pixels), [pixels])
    files = [encode(np.full([28, 28, 3], hue, np.uint8)) for hue in _HUES]
  for split, count in spec.splits.items():
    path = str(tmp_path / f'hues_{split}.tfrecord')
    with tf.io.TFRecordWriter(path) as writer:
      for n in range(count):
        example = dataset_utils.image_to_tfexample(
          files[n % 4], b'png', 28, 28, n % 4
        )
        writer.write(example.SerializeToString())
  return str(tmp_path)


@pytest.mark.parametrize(
  ('values', 'channels'), [({}, 3), ({'use_grayscale': True}, 1)]
)
def test_lenet_takes_the_channels_of_the_data(hues, tmp_path, values, channels):
  train_dir = tmp_path / 'model'
  given = {'dataset_name': 'hues', **values}
  _train(train_dir, hues, **given, max_number_of_steps=60, learning_rate=0.001)
  run = json.loads((train_dir / run_folder.RUN_FILE).read_text())
  assert run['channels'] == channels
  shape = dict(tf.train.list_variables(str(train_dir)))['LeNet/conv1/weights']
  assert shape == [5, 5, channels, 32]
  accuracy = _evaluate(train_dir, hues, **given)['Accuracy']
  assert accuracy == 1.0 if channels == 3 else accuracy < 0.8
  # The run says what goes in, whatever the name of the data set.
  metadata = export.export(
    export_config.ExportConfig(
      model_name='lenet',
      image_size=8,
      dataset_name='hues',
      checkpoint_path=str(train_dir),
      frozen_file=str(tmp_path / 'frozen.pb'),
    )
  )
  assert metadata['channels'] == channels


def test_a_checkpoint_for_other_channels_is_one_sentence(
  hues, tmp_path, digits_dir
):
  gray, color = tmp_path / 'gray', tmp_path / 'color'
  _train(gray, digits_dir)
  _train(color, hues, dataset_name='hues')
  with pytest.raises(errors.UserError, match='gray images: use --use_grays'):
    _evaluate(gray, hues, dataset_name='hues')
  with pytest.raises(errors.UserError, match='for color images'):
    _evaluate(color, digits_dir)


def test_an_export_without_data_has_three_channels(tmp_path):
  metadata = export.export(
    export_config.ExportConfig(
      model_name='lenet', output_file=str(tmp_path / 'graph.pb')
    )
  )
  assert metadata['input']['shape'] == [None, 28, 28, 3]
