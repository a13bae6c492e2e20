"""The benchmarks run and say what they measured; not how fast this is."""

import importlib.util
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

FOLDER = pathlib.Path(__file__).parents[2] / 'scripts' / 'benchmarks'


@pytest.fixture(scope='module')
def common():
  """The module, which defines flags and so can be loaded but once."""
  spec = importlib.util.spec_from_file_location(
    'benchmark_common', FOLDER / 'common.py'
  )
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


def run(script, tmp_path, *flags):
  """Runs a benchmark; returns what it printed and the figures it wrote."""
  output = tmp_path / 'figures.json'
  result = subprocess.run(
    [sys.executable, FOLDER / script, *flags, f'--json={output}',
     '--repeats=1', '--baseline', f'--data_dir={tmp_path}'],
    capture_output=True, text=True, timeout=300, check=False,
  )  # fmt: skip
  assert result.returncode == 0, result.stderr
  found = json.loads(output.read_text())
  assert found['machine']['tensorflow']
  return result.stdout, found['figures']


@pytest.mark.slow
def test_input(tmp_path):
  printed, figures = run(
    'bench_input.py', tmp_path, '--pipelines=inception,lenet',
    '--num_images=8', '--height=48', '--width=64', '--image_size=32',
    '--batch_size=4', '--batches=2', '--num_small_images=40',
    '--small_batches=2',
  )  # fmt: skip
  assert {'read', 'decode', 'window', 'inception', 'lenet TF1'} < set(figures)
  assert figures['inception']['ratio_to_baseline'] > 0
  assert '| inception TF1 ' in printed


@pytest.mark.slow
def test_train(tmp_path):
  printed, figures = run(
    'bench_train.py', tmp_path, '--model_name=lenet', '--batch_size=4',
    '--steps=2', '--num_images=40', '--profile=3',
  )  # fmt: skip
  assert len(figures['real']['seconds_per_step']) == 2
  assert figures['multiply_adds_per_image'] == 3 * 13_878_784
  assert '| TF1 ' in printed
  assert '| operation ' in printed


@pytest.mark.slow
def test_memory_of_training(tmp_path):
  _, figures = run(
    'bench_train.py', tmp_path, '--model_name=lenet', '--batch_size=4',
    '--num_images=40', '--memory_steps=52',
  )  # fmt: skip
  assert figures['end_mb'] > 0


@pytest.mark.slow
def test_eval(tmp_path):
  printed, figures = run(
    'bench_eval.py', tmp_path, '--model_name=lenet', '--batch_size=8',
    '--num_images=20',
  )  # fmt: skip
  assert figures['evaluation']['images_per_second'][0] > 0
  assert '| TF1 ' in printed


def test_turns_alternate_and_the_first_does_not_count(common):
  order = []

  def contender(name):
    def step():
      order.append(name)
      return 4

    return common.Contender(name, step, steps=2, warm_up=1)

  results = common.take_turns([contender('a'), contender('b')], repeats=2)
  a, b = ['a'] * 3, ['b'] * 3
  assert order == a + b + b + a + a + b
  assert len(results['a'].rates) == 2
  assert len(results['a'].seconds) == 4


def test_ratios_are_those_of_the_same_turn(common):
  one = common.Measurement([2.0, 40.0, 9.0], [1.0, 2.0, 4.0], [1.0])
  other = common.Measurement([1.0, 10.0, 3.0], [2.0, 2.0, 2.0], [1.0])
  assert one.ratio(other) == 3
  assert one.cpu_ratio(other) == 1
  assert one.rate == 9


def test_table(common):
  assert common.table(['a', 'bb'], [['long', 1]]) == (
    '| a    | bb |\n|------|----|\n| long | 1  |'
  )


def test_photos_are_the_same_every_time():
  spec = importlib.util.spec_from_file_location('photos', FOLDER / 'photos.py')
  photos = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(photos)
  one, same, other = (photos.photo(number, 30, 40) for number in (1, 1, 2))
  np.testing.assert_array_equal(one, same)
  assert (one != other).any()
  assert one.std() > 20
