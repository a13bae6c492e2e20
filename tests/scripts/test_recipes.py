"""The shell recipes: their checks, and runs on small data and checkpoints."""

import io
import json
import os
import pathlib
import re
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


_RECIPES = sorted(
  path.name
  for pattern in ('finetune_*.sh', 'train_*.sh')
  for path in _SCRIPTS.glob(pattern)
)


@pytest.fixture
def start(tmp_path):
  """Runs a recipe with paths below tmp_path; returns the finished process."""

  def run(name, *arguments, **variables):
    folder = os.path.dirname(sys.executable)
    environment = {
      **os.environ,
      'PATH': f'{folder}{os.pathsep}{os.environ["PATH"]}',
      'SLIM_DIR': str(tmp_path / 'slim'),
      'DATA_DIR': str(tmp_path / 'data'),
      'TRAIN_DIR': str(tmp_path / 'model'),
      **variables,
    }
    return subprocess.run(
      ['bash', str(_SCRIPTS / name), *arguments],
      env={key: value for key, value in environment.items() if value},
      cwd=tmp_path,
      capture_output=True,
      text=True,
      timeout=500,
      check=False,
    )

  return run


@pytest.fixture
def recipe(start):
  """Runs a recipe; returns what it printed."""

  def run(name, **variables):
    result = start(name, **variables)
    assert result.returncode == 0, result.stderr
    return result.stdout + result.stderr

  return run


def assert_refused(result, reason):
  """The recipe ended at once, in one sentence that holds the reason."""
  assert result.returncode == 1
  assert reason in result.stderr
  assert len(result.stderr.splitlines()) == 1
  assert result.stdout == ''


@pytest.mark.parametrize('name', _RECIPES)
def test_arguments_are_refused(start, name):
  variables = {'MODEL': 'inception_v1', 'IMAGE_DIR': '.'}
  assert_refused(
    start(name, '--steps=5', **variables), "Unexpected argument '--steps=5'"
  )


@pytest.mark.parametrize(
  ('name', 'variables', 'reason'),
  [
    ('train_lenet_on_mnist.sh', {'STEPS': 'many'}, 'STEPS=many'),
    ('train_cifarnet_on_cifar10.sh', {'STEPS': '0'}, 'STEPS=0'),
    ('train_lenet_on_mnist.sh', {'STEPS': 'a[$(touch x)]'}, 'STEPS=a'),
    ('finetune_inception_v1_on_flowers.sh', {'ALL_STEPS': '-1'}, 'ALL_STEPS'),
    ('finetune_inception_v3_on_flowers.sh', {'CHECKPOINT': 'no'}, 'no CHECKP'),
    ('finetune_on_flowers.sh', {}, 'Run one of the recipes'),
    ('finetune_mobilenet_v1_on_folder.sh', {}, 'IMAGE_DIR is not set'),
    (
      'finetune_mobilenet_v1_on_folder.sh',
      {'IMAGE_DIR': 'absent'},
      'IMAGE_DIR=absent is not a folder',
    ),
    ('train_lenet_on_mnist.sh', {'PATH': '/nowhere'}, 'no python here'),
  ],
)
def test_wrong_variables_are_refused(start, tmp_path, name, variables, reason):
  if 'PATH' in variables:
    tools = tmp_path / 'tools'
    tools.mkdir()
    for tool in ('bash', 'dirname', 'ls', 'mkdir'):
      (tools / tool).symlink_to(shutil.which(tool))
    variables = {'PATH': str(tools)}
  assert_refused(start(name, **variables), reason)
  assert not (tmp_path / 'x').exists()


def test_folder_that_others_can_write_to_is_refused(start, tmp_path):
  (tmp_path / 'slim').mkdir()
  (tmp_path / 'slim').chmod(0o777)
  assert_refused(start('train_lenet_on_mnist.sh'), 'Other users can write to')


def test_default_folder_is_private(start, tmp_path):
  start('finetune_inception_v1_on_flowers.sh', SLIM_DIR='',
        HOME=str(tmp_path), CHECKPOINT='absent')  # fmt: skip
  folder = tmp_path / '.cache' / 'slim-image-models'
  assert folder.stat().st_mode & 0o777 == 0o700


def test_a_step_that_fails_ends_the_recipe(start, tmp_path):
  (tmp_path / 'empty').mkdir()
  (tmp_path / 'checkpoint').touch()
  result = start(
    'finetune_mobilenet_v1_on_folder.sh',
    IMAGE_DIR='empty',
    CHECKPOINT='checkpoint',
    WORK_DIR='work',
  )
  assert_refused(result, 'empty holds no folders')


def test_quickstart_refuses_arguments(start):
  assert_refused(start('quickstart.sh', '--help'), 'Usage')


def test_scripts_use_https_and_no_folder_that_all_can_write_to():
  for path in _SCRIPTS.glob('*.sh'):
    text = path.read_text(encoding='utf-8')
    assert 'http://' not in text, path
    assert not re.search(r':-/tmp', text), path


def test_shellcheck():
  shellcheck = shutil.which('shellcheck')
  if shellcheck is None:
    pytest.skip('needs shellcheck')
  scripts = [*_SCRIPTS.glob('*.sh'), _SCRIPTS.parent / '.ci' / 'run']
  command = [shellcheck, '--external-sources', '--source-path=SCRIPTDIR']
  result = subprocess.run(
    [*command, *map(str, scripts)],
    cwd=_SCRIPTS.parent,
    capture_output=True,
    text=True,
    check=False,
  )
  assert result.returncode == 0, result.stdout


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
def test_mobilenet_on_two_folders(recipe, tmp_path):
  """The second images are trained by themselves, from the checkpoint."""
  for number in range(8):
    for images, names in (('first', 'ab'), ('second', 'xyz')):
      place = tmp_path / images / names[number % len(names)]
      place.mkdir(parents=True, exist_ok=True)
      (place / f'{number}.jpg').write_bytes(jpeg(number))
  work = tmp_path / 'work'
  checkpoint = released(tmp_path, 'mobilenet_v1', 'mobilenet_v1.tgz')
  models = []
  for images in ('first', 'second'):
    printed = recipe(
      'finetune_mobilenet_v1_on_folder.sh',
      IMAGE_DIR=images,
      WORK_DIR='work',
      CHECKPOINT=checkpoint,
      STEPS='2',
      TRAIN_FLAGS='--train_image_size=64\n--batch_size=4',
    )
    assert 'Finished training' in printed
    models.append(re.search('^Model: (.*)$', printed, re.M)[1])
    graph = (work / 'frozen_mobilenet_v1.pb.json').read_text()
    assert ('"x"' in graph) == (images == 'second')
  assert models[0] != models[1]
  assert (work / 'frozen_mobilenet_v1.pb').stat().st_size > 1_000_000
