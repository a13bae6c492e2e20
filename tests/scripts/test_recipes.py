"""The shell recipes, on small data and checkpoints that are there already."""

import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets import dataset_utils
from nets import nets_factory

_SCRIPTS = pathlib.Path(__file__).parent.parent.parent / 'scripts'


@pytest.fixture
def recipe(tmp_path):
  """Runs a recipe with paths below tmp_path; returns what it printed."""

  def run(name, **variables):
    folder = os.path.dirname(sys.executable)
    environment = {
      **os.environ,
      'PATH': f'{folder}{os.pathsep}{os.environ["PATH"]}',
      'DATA_DIR': str(tmp_path / 'data'),
      'TRAIN_DIR': str(tmp_path / 'model'),
      **variables,
    }
    result = subprocess.run(
      ['bash', str(_SCRIPTS / name)],
      env=environment,
      capture_output=True,
      text=True,
      timeout=500,
      check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr

  return run


def released(folder, model, archive):
  """Writes an archive with a single-file checkpoint, as those of 2016."""
  with tf.Graph().as_default(), tf.Session() as session:
    nets_factory.get_network_fn(model, 1001)(tf.zeros([1, 64, 64, 3]))
    session.run(tf.global_variables_initializer())
    saver = tf.train.Saver(write_version=tf.train.SaverDef.V1)
    prefix = saver.save(
      session, os.path.join(folder, f'{model}.ckpt'), write_meta_graph=False
    )
  path = os.path.join(folder, archive)
  with tarfile.open(path, 'w:gz') as tar:
    tar.add(prefix, arcname=os.path.basename(prefix))
  return path


def jpeg(seed):
  from PIL import Image

  pixels = np.random.RandomState(seed).randint(0, 256, (60, 80, 3), np.uint8)
  file = io.BytesIO()
  Image.fromarray(pixels).save(file, 'JPEG')
  return file.getvalue()


def images_evaluated(folder):
  return json.loads((folder / 'eval' / 'metrics.json').read_text())['images']


@pytest.mark.slow
def test_lenet_on_mnist(recipe, tmp_path, digits_dir):
  data = tmp_path / 'data'
  data.mkdir()
  for split in ('train', 'test'):
    shutil.copy(
      os.path.join(digits_dir, f'digits_{split}.tfrecord'),
      data / f'mnist_{split}.tfrecord',
    )
  shutil.copy(os.path.join(digits_dir, 'labels.txt'), data)
  recipe('train_lenet_on_mnist.sh', STEPS='5')
  assert images_evaluated(tmp_path / 'model') == 297


@pytest.mark.slow
def test_inception_v1_on_flowers(recipe, tmp_path):
  data = tmp_path / 'data'
  data.mkdir()
  for split, count in (('train', 8), ('validation', 5)):
    path = data / f'flowers_{split}_00000-of-00001.tfrecord'
    with tf.python_io.TFRecordWriter(str(path)) as writer:
      for number in range(count):
        example = dataset_utils.image_to_tfexample(
          jpeg(number), b'jpg', 60, 80, number % 5
        )
        writer.write(example.SerializeToString())
  names = ('daisy', 'dandelion', 'roses', 'sunflowers', 'tulips')
  dataset_utils.write_label_file(dict(enumerate(names)), str(data))
  printed = recipe(
    'finetune_inception_v1_on_flowers.sh',
    CHECKPOINT=released(tmp_path, 'inception_v1', 'inception_v1.tar.gz'),
    HEAD_STEPS='2',
    ALL_STEPS='2',
    TRAIN_FLAGS='--train_image_size=64 --batch_size=4',
    EVAL_FLAGS='--eval_image_size=64',
  )
  assert 'Left out by scope InceptionV1/Logits: 2 variables' in printed
  assert images_evaluated(tmp_path / 'model' / 'all') == 5


@pytest.mark.slow
def test_mobilenet_on_a_folder(recipe, tmp_path):
  for number in range(8):
    place = tmp_path / 'images' / ('ab'[number % 2])
    place.mkdir(parents=True, exist_ok=True)
    (place / f'{number}.jpg').write_bytes(jpeg(number))
  work = tmp_path / 'work'
  recipe(
    'finetune_mobilenet_v1_on_folder.sh',
    IMAGE_DIR=str(tmp_path / 'images'),
    WORK_DIR=str(work),
    CHECKPOINT=released(tmp_path, 'mobilenet_v1', 'mobilenet_v1.tgz'),
    STEPS='2',
    TRAIN_FLAGS='--train_image_size=64 --batch_size=4',
  )
  assert (work / 'frozen_mobilenet_v1.pb').stat().st_size > 1_000_000
