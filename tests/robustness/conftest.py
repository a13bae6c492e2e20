"""What the tables of hostile cases share: a runner, data, a trained network."""

import shutil

import pytest

from tests.robustness import commands


@pytest.fixture(scope='session')
def runner(tmp_path_factory):
  """Runs scripts; see `commands.Runner`."""
  result = commands.Runner(tmp_path_factory.mktemp('runner'))
  yield result
  result.close()


@pytest.fixture(scope='session')
def trained(runner, digits_dir, tmp_path_factory):
  """A train_dir of LeNet after two steps, evaluated once."""
  folder = tmp_path_factory.mktemp('trained')
  done = runner.run(
    'train_image_classifier.py',
    f'--train_dir={folder}',
    '--dataset_name=digits',
    f'--dataset_dir={digits_dir}',
    '--model_name=lenet',
    '--batch_size=8',
    '--max_number_of_steps=2',
  )
  assert done.status == 0, done.stderr
  done = runner.run(
    'eval_image_classifier.py',
    f'--checkpoint_path={folder}',
    f'--eval_dir={folder}/eval',
    '--max_num_batches=1',
  )
  assert done.status == 0, done.stderr
  return folder


@pytest.fixture(scope='session')
def exported(runner, trained, tmp_path_factory):
  """A folder with the network of `trained` in every form."""
  folder = tmp_path_factory.mktemp('exported')
  done = runner.run(
    'export_inference_graph.py',
    f'--checkpoint_path={trained}',
    f'--output_file={folder}/graph.pb',
    f'--frozen_file={folder}/frozen.pb',
    f'--saved_model_dir={folder}/saved_model',
    f'--tflite_file={folder}/model.tflite',
    timeout=120,
  )
  assert done.status == 0, done.stderr
  return folder


@pytest.fixture
def copied(tmp_path):
  """Returns a function that copies a folder, to be damaged."""

  def copy(folder):
    return shutil.copytree(folder, tmp_path / 'copy', dirs_exist_ok=True)

  return copy
