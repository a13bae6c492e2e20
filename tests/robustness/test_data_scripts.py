"""Odd values and data for show_dataset.py and extract_image.py."""

import importlib
import sys

import pytest
import tensorflow.compat.v1 as tf

from datasets import dataset_utils
from slim_support import flag_fields
from tests.datasets import made
from tests.robustness import commands, test_flags

SCRIPTS = {'show_dataset': 'ShowConfig', 'extract_image': 'ExtractConfig'}


@pytest.fixture(scope='module')
def configs():
  """Script -> its configuration class."""
  sys.path.insert(0, str(commands.ROOT / 'scripts'))
  try:
    return {
      f'scripts/{name}.py': getattr(importlib.import_module(name), cls)
      for name, cls in SCRIPTS.items()
    }
  finally:
    sys.path.pop(0)


def _base(script, data, work):
  if script == 'scripts/show_dataset.py':
    own = ['--dataset_split_name=test', f'--sheet={work}/s.png']
  else:
    own = [f'--output_dir={work}', '--index=3']
  return [f'--dataset_dir={data}', '--dataset_name=digits', *own]


def _run_all(runner, configs, data, folder, wanted=None):
  """Runs every flag with odd values; returns the faults and their number."""
  faults, count = [], 0
  for script, config in configs.items():
    for fields in flag_fields.grouped(config).values():
      for field in fields:
        kind = field.metadata['kind']
        for value in test_flags._ODD[kind]:
          if wanted and value not in wanted:
            continue
          count += 1
          work = folder / f'{count}'
          work.mkdir()
          flags = [
            flag
            for flag in _base(script, data, work)
            if not flag.startswith(f'--{field.name}=')
          ]
          done = runner.run(script, *flags, f'--{field.name}={value}', cwd=work)
          refused = value in test_flags._REFUSED[kind]
          fault = done.fault((1,) if refused else (0, 1))
          if fault:
            faults.append(fault)
  return faults, count


def test_some_odd_values(runner, configs, digits_dir, tmp_path):
  wanted = {'x', 'nan', '-1', '²', 'nonsense', '/dev/null', '%s'}
  faults, count = _run_all(runner, configs, digits_dir, tmp_path, wanted)
  assert count > 30
  assert faults == []


@pytest.mark.slow
def test_all_odd_values(runner, configs, digits_dir, tmp_path):
  faults, count = _run_all(runner, configs, digits_dir, tmp_path)
  assert count > 100
  assert faults == []


@pytest.mark.parametrize('name', ['x.foo', 'x', '.png', 'x.png.gz'])
def test_unknown_kind_of_sheet(runner, digits_dir, tmp_path, name):
  done = runner.run(
    'scripts/show_dataset.py', f'--dataset_dir={digits_dir}',
    '--dataset_name=digits', f'--sheet={tmp_path}/{name}',
  )  # fmt: skip
  assert done.fault((1,)) is None
  assert '.png, .jpg, .jpeg' in done.stderr
  assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
  'stated', [b'../../x', b'a/b', b'', b'\xff', b'x' * 999]
)
def test_stated_format_does_not_name_the_file(runner, tmp_path, stated):
  data, work = tmp_path / 'data', tmp_path / 'work'
  data.mkdir()
  work.mkdir()
  path = str(data / 'flowers_train-0.tfrecord')
  with tf.python_io.TFRecordWriter(path) as writer:
    for image in (made.encode(made.picture(0)), b'no image'):
      example = dataset_utils.image_to_tfexample(image, stated, 2, 3, 1)
      writer.write(example.SerializeToString())
  for index, name in enumerate(['train-0-label-1.jpeg', 'train-1-label-1.bin']):
    done = runner.run(
      'scripts/extract_image.py', f'--dataset_dir={data}',
      '--dataset_name=flowers', '--dataset_split_name=train',
      f'--index={index}', f'--output_dir={work}',
    )  # fmt: skip
    assert done.status == 0, done.stderr
    assert done.stdout == f'{work}/{name}\n'
    assert (work / name).exists()
