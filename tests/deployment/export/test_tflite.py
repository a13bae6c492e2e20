"""TensorFlow Lite in float32, float16 and int8."""

import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets import reading
from deployment.export import sample_images, tflite_predictor
from deployment.training import train
from deployment.training.config import TrainConfig
from tests.deployment import export_helpers

_TEST_IMAGES = 297


@pytest.fixture(scope='module')
def trained(tmp_path_factory, digits_dir):
  """A LeNet that knows the digits."""
  folder = str(tmp_path_factory.mktemp('trained'))
  train.train(
    TrainConfig(
      dataset_name='digits',
      dataset_dir=digits_dir,
      train_dir=folder,
      model_name='lenet',
      batch_size=50,
      max_number_of_steps=200,
      learning_rate=0.001,
      learning_rate_decay_type='fixed',
      optimizer='adam',
      opt_epsilon=1e-8,
      save_summaries_secs=0,
      log_every_n_steps=100,
      random_seed=1,
    )
  )
  return folder


def test_float16_halves_the_file(tmp_path):
  prefix, expected = export_helpers.checkpoint('lenet', tmp_path)
  sizes = {}
  for quantize in ('none', 'float16'):
    path = tmp_path / f'{quantize}.tflite'
    export_helpers.export(
      checkpoint_path=prefix, tflite_file=str(path), tflite_quantize=quantize
    )
    sizes[quantize] = path.stat().st_size
    images = export_helpers.images_for('lenet')
    scores = export_helpers.scores_of(path, images)
    tolerance = 1e-4 if quantize == 'none' else 1e-2
    np.testing.assert_allclose(scores, expected, atol=tolerance)
  assert sizes['float16'] < 0.55 * sizes['none']


@pytest.mark.slow
def test_int8_agrees_with_float_on_digits(trained, digits_dir, tmp_path):
  path = tmp_path / 'int8.tflite'
  metadata, _ = export_helpers.export(
    checkpoint_path=trained,
    dataset_dir=digits_dir,
    frozen_file=str(tmp_path / 'frozen.pb'),
    tflite_file=str(path),
    tflite_quantize='int8',
  )
  interpreter = tflite_predictor.interpreter_class()(model_path=str(path))
  details = [
    *interpreter.get_input_details(),
    *interpreter.get_output_details(),
  ]
  assert {detail['dtype'] for detail in details} == {np.int8}
  options = export_helpers.options(dataset_dir=digits_dir)
  encoded = reading.first_images(
    sample_images.find_dataset(options, training=False), _TEST_IMAGES
  )
  images = sample_images.prepare(encoded, metadata)
  expected = export_helpers.scores_of(tmp_path / 'frozen.pb', images)
  scores = export_helpers.scores_of(path, images)
  assert len(scores) == _TEST_IMAGES
  assert expected.max(axis=1).mean() > 0.9
  assert np.mean(scores.argmax(1) == expected.argmax(1)) >= 0.98


def test_integers_are_rounded_and_clipped():
  details = {'quantization': (0.5, 10), 'dtype': np.int8}
  value = np.array([-100, -0.3, 0, 0.3, 100], np.float32)
  quantized = tflite_predictor.quantize(value, details)
  assert quantized.tolist() == [-128, 9, 10, 11, 127]
  assert quantized.dtype == np.int8


def test_older_interpreter_without_litert(monkeypatch):
  monkeypatch.setitem(sys.modules, 'ai_edge_litert', None)
  monkeypatch.setitem(sys.modules, 'ai_edge_litert.interpreter', None)
  assert tflite_predictor.interpreter_class() is tf.lite.Interpreter
