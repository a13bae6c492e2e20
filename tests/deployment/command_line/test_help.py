"""What --help and the lists say, of every script, without TensorFlow."""

import re

import pytest

from datasets import dataset_factory
from nets import nets_factory
from tests import conftest

_SCRIPTS = sorted(
  str(path.relative_to(conftest.ROOT))
  for folder in (conftest.ROOT, conftest.ROOT / 'scripts')
  for path in folder.glob('*.py')
  if 'entry.run(main)' in path.read_text(encoding='utf-8')
)


@pytest.mark.parametrize('script', _SCRIPTS)
def test_help(run_script, script):
  result = run_script(script, '--help')
  assert result.returncode == 0
  lines = result.stdout.splitlines()
  assert max(map(len, lines)) <= 80
  assert f'python {script}' in result.stdout
  named = re.findall(r'^  --(\w+)', result.stdout, re.MULTILINE)
  assert sorted(named) == sorted(set(named))
  source = (conftest.ROOT / script).read_text(encoding='utf-8')
  assert set(re.findall(r"DEFINE_\w+\(\s*'(\w+)'", source)) <= set(named)


def test_flags_stand_under_headings(run_script):
  text = run_script('train_image_classifier.py', '--help').stdout
  blocks = dict(re.findall(r'^(\w[\w ]+):\n((?:  .*\n)+)', text, re.MULTILINE))
  assert '--learning_rate [0.01]' in blocks['Learning rate']
  assert '--num_readers [4]' in blocks['Input and session']
  assert '--warmup_steps [0]' in blocks['Learning rate']
  assert 'One of adadelta, adagrad' in blocks['Optimizer']
  assert all(block.count('\n') < 40 for block in blocks.values())


def test_helpfull_shows_those_of_absl(run_script):
  result = run_script('eval_image_classifier.py', '--helpfull')
  assert '--predictions_file' in result.stdout
  assert '--flagfile' in result.stdout


def test_list_models(run_script):
  result = run_script('train_image_classifier.py', '--list_models')
  assert result.returncode == 0
  header, *lines = result.stdout.splitlines()
  assert header.startswith('Network')
  assert [line.split()[0] for line in lines] == [*nets_factory.networks()]
  assert max(map(len, lines)) <= 80
  (line,) = [line for line in lines if line.startswith('resnet_v1_50 ')]
  assert line.split()[1:] == ['224', 'vgg', '25.56', 'M', '3482', 'M', '75.2']


def test_list_datasets(run_script):
  result = run_script('download_and_convert_data.py', '--list_datasets')
  assert result.returncode == 0
  names = [line.split()[0] for line in result.stdout.splitlines()[1:]]
  assert names == dataset_factory.dataset_names()
  assert 'train 3,320, validation 350' in result.stdout


def test_no_list_where_it_is_of_no_use(run_script):
  result = run_script('scripts/summarize_graph.py', '--list_models')
  assert result.returncode == 1
  assert 'Unknown command line flag' in result.stderr
