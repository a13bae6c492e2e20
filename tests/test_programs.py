"""Programs that import the entry scripts and drive them by absl's FLAGS."""

import dataclasses
import json
import os
import re
import subprocess
import sys

import pytest
from absl import flags
from absl.testing import flagsaver

import download_and_convert_data
import eval_image_classifier
import export_inference_graph
import train_image_classifier
from deployment.evaluation import config as eval_config
from deployment.labeling import config as label_config
from deployment.training import config as train_config
from slim_support import errors, flag_fields
from tests import conftest


@pytest.fixture(autouse=True)
def own_flags():
  """Parses no command line; restores every flag at the end."""
  with flagsaver.flagsaver():
    flags.FLAGS.mark_as_parsed()
    yield


def test_all_four_scripts_in_one_process(tmp_path):
  """As functions with and without argv, one after the other."""
  FLAGS = flags.FLAGS
  data, model = str(tmp_path / 'data'), str(tmp_path / 'model')
  FLAGS.dataset_name = 'digits'
  FLAGS.dataset_dir = data
  assert not download_and_convert_data.main()
  FLAGS.train_dir = model
  FLAGS.model_name = 'lenet'
  FLAGS.max_number_of_steps = 2
  FLAGS.trainable_scopes = 'LeNet/fc3,LeNet/fc4'  # a text, as in the original
  assert train_image_classifier.main(['train']) == 0
  run = json.loads((tmp_path / 'model' / 'run.json').read_text())
  assert 'LeNet/fc4' in json.dumps(run)
  FLAGS.checkpoint_path = model
  FLAGS.eval_dir = str(tmp_path / 'eval')
  assert not eval_image_classifier.main(['evaluate'])
  report = json.loads((tmp_path / 'eval' / 'metrics.json').read_text())
  assert report['images'] == 297, 'its own default split, test'
  FLAGS.frozen_file = str(tmp_path / 'frozen.pb')
  assert not export_inference_graph.main()
  assert os.path.getsize(FLAGS.frozen_file) > 1000


def test_each_script_sees_its_own_defaults():
  train = flag_fields.from_flags(train_config.TrainConfig)
  evaluation = flag_fields.from_flags(eval_config.EvalConfig)
  assert (train.batch_size, evaluation.batch_size) == (32, 100)
  assert train.dataset_split_name == 'train'
  assert evaluation.dataset_split_name == 'test'
  flags.FLAGS.batch_size = 7
  assert flag_fields.from_flags(train_config.TrainConfig).batch_size == 7
  assert flag_fields.from_flags(eval_config.EvalConfig).batch_size == 7


def test_a_program_may_change_a_default():
  flags.FLAGS.set_default('batch_size', 9)
  assert flag_fields.from_flags(eval_config.EvalConfig).batch_size == 9
  flags.FLAGS.set_default('batch_size', 32)


def test_what_a_program_set_goes_before_what_is_recorded():
  recorded = {'model_name': 'lenet', 'eval_image_size': 28}
  flags.FLAGS.model_name = 'cifarnet'
  config = flag_fields.from_flags(eval_config.EvalConfig, recorded)
  assert (config.model_name, config.eval_image_size) == ('cifarnet', 28)


def test_wrong_value_of_a_program_is_one_sentence():
  flags.FLAGS.batch_size = 0
  with pytest.raises(errors.UserError, match='--batch_size=0: must be at'):
    train_image_classifier.main()


def test_flags_of_two_types_cannot_be_shared():
  @dataclasses.dataclass(frozen=True)
  class Other(flag_fields.Config):
    batch_size: str = flag_fields.string('x', 'Another type.')

  with pytest.raises(errors.UserError, match='--batch_size is a text here'):
    flag_fields.define_flags(Other)


def test_label_image_shares_the_flags_too():
  flag_fields.define_flags(label_config.LabelConfig)
  config = flag_fields.from_flags(
    label_config.LabelConfig, {'graph': 'x.pb', 'labels_offset': 1}
  )
  assert (config.graph, config.labels_offset) == ('x.pb', 1)
  assert flag_fields.from_flags(train_config.TrainConfig).labels_offset == 0


def run_program(tmp_path, code, *arguments):
  program = tmp_path / 'program.py'
  program.write_text(code)
  return subprocess.run(
    [sys.executable, str(program), *arguments],
    env=os.environ | {'PYTHONPATH': str(conftest.ROOT)},
    capture_output=True,
    text=True,
    check=False,
  )


_BOTH = """
import eval_image_classifier, train_image_classifier
from deployment.command_line import entry
entry.run(train_image_classifier.main)
"""


def test_help_and_lists_of_a_program_that_imports_two_scripts(
  run_script, tmp_path
):
  shown = run_program(tmp_path, _BOTH, '--help')
  alone = run_script('train_image_classifier.py', '--help')
  assert shown.returncode == 0
  assert shown.stdout == alone.stdout
  shown = run_program(tmp_path, _BOTH, '--list_models')
  assert shown.stdout.startswith('Network')


def test_program_runs_training(digits_dir, tmp_path):
  result = run_program(
    tmp_path,
    'import tensorflow.compat.v1 as tf\n'
    'import train_image_classifier\n'
    'tf.flags.FLAGS.dataset_name = "digits"\n'
    f'tf.flags.FLAGS.dataset_dir = {digits_dir!r}\n'
    'tf.flags.FLAGS.model_name = "lenet"\n'
    'tf.flags.FLAGS.max_number_of_steps = 5\n'
    'tf.app.run(train_image_classifier.main)\n',
    f'--train_dir={tmp_path / "model"}',
    '--max_number_of_steps=1',
  )
  assert result.returncode == 0, result.stderr
  assert re.search(r'Saved the checkpoint of step 1\b', result.stderr)
