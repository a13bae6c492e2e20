"""Odd values crossed with every flag of every script.

A flag is enrolled by being a field of a script's configuration. Whatever its
value, a script ends in time, without a traceback, and with one sentence where
it refuses. Numbers that are none are always refused.
"""

import dataclasses

import pytest

from datasets.conversion.registry import ConvertConfig
from deployment.evaluation.config import EvalConfig
from deployment.export.config import ExportConfig
from deployment.labeling.config import LabelConfig
from deployment.training.config import TrainConfig
from slim_support import flag_fields

_NOT_NUMBERS = ('', 'x', '²', '1,5', '0x', '1e999', '--5', 'None')
_NUMBERS = ('-1', '0', '1', '999999999999')
_ODD = {
  'integer': (
    *_NOT_NUMBERS, *_NUMBERS, '1.5', 'nan', 'inf', '9' * 30,
  ),
  'float': (*_NOT_NUMBERS, *_NUMBERS, 'nan', 'inf', '-inf', '1e30'),
  'boolean': ('maybe', '2', 'None', ''),
  'list': (',', 'a,', ',a', ' ', 'a,,b', '[', 'x' * 3000, '²'),
  'string': (
    '', ' ', 'nonsense', '/dev/null', 'x' * 3000, 'a\nb', 'ü²', '-', '../..',
    'gopher://x/y', '%s', '{}', '*', '[',
  ),
}  # fmt: skip
_REFUSED = {
  'integer': {*_NOT_NUMBERS, '1.5', 'nan', 'inf', '9' * 30},
  'float': {*_NOT_NUMBERS, 'nan', 'inf', '-inf'},
  'boolean': {'maybe', '2', 'None', ''},
  'list': {',', 'a,', ',a', 'a,,b'},
  'string': set(),
}
_CONFIGS = {
  'download_and_convert_data.py': ConvertConfig,
  'train_image_classifier.py': TrainConfig,
  'eval_image_classifier.py': EvalConfig,
  'export_inference_graph.py': ExportConfig,
  'scripts/label_image.py': LabelConfig,
}
# Waiting is what these flags ask for.
_WAIT = {'eval_interval_secs', 'cluster_timeout_secs', 'master', 'num_ps_tasks'}


def _cases():
  """Yields (script, flag, value, whether the value must be refused)."""
  for script, config in _CONFIGS.items():
    for fields in flag_fields.grouped(config).values():
      for field in fields:
        kind = field.metadata['kind']
        for value in _ODD[kind]:
          yield script, field.name, value, value in _REFUSED[kind]


def _base(script, places):
  """Returns the flags of a command that works and takes a moment."""
  data = [f'--dataset_dir={places["data"]}', '--dataset_name=digits']
  small = ['--model_name=lenet', '--batch_size=2']
  return {
    'download_and_convert_data.py': [
      '--dataset_name=folder',
      f'--image_dir={places["images"]}',
      f'--dataset_dir={places["work"]}/data',
      '--num_workers=1',
    ],
    'train_image_classifier.py': [
      *data, *small, f'--train_dir={places["work"]}/train',
      '--max_number_of_steps=1', '--cluster_timeout_secs=2',
      '--save_summaries_secs=0',
    ],
    'eval_image_classifier.py': [
      *data, *small, f'--eval_dir={places["work"]}/eval',
      f'--checkpoint_path={places["trained"]}', '--max_num_batches=1',
    ],
    'export_inference_graph.py': [
      f'--checkpoint_path={places["trained"]}',
      f'--frozen_file={places["work"]}/frozen.pb',
    ],
    'scripts/label_image.py': [
      f'--graph={places["exported"]}/frozen.pb',
      f'--image={places["images"]}/a/0.png',
    ],
  }[script]  # fmt: skip


# Tried in every run of the tests; the other values in the slow ones.
_QUICK = {'x', 'nan', 'maybe', 'a,'}


@pytest.fixture(scope='module')
def images(tmp_path_factory):
  from PIL import Image

  folder = tmp_path_factory.mktemp('images')
  for name, value in (('a', 0), ('b', 255)):
    (folder / name).mkdir()
    for number in range(12):
      Image.new('L', (28, 28), value).save(folder / name / f'{number}.png')
  return folder


def _run_all(cases, runner, places):
  """Runs cases; returns what is wrong with them."""
  faults = []
  for number, (script, name, value, refused) in enumerate(cases):
    work = places['root'] / f'{number}'
    work.mkdir()
    here = places | {'work': work}
    given = [
      flag for flag in _base(script, here) if not flag.startswith(f'--{name}=')
    ]
    done = runner.run(script, *given, f'--{name}={value}', cwd=work, timeout=60)
    if done.status is None and name in _WAIT:
      continue
    fault = done.fault((1,) if refused else (0, 1))
    if fault:
      faults.append(fault)
  return faults


@pytest.fixture
def places(tmp_path, digits_dir, trained, exported, images):
  return {
    'root': tmp_path,
    'data': digits_dir,
    'trained': trained,
    'exported': exported,
    'images': images,
  }


def test_values_that_are_none_are_refused(runner, places):
  cases = [case for case in _cases() if case[3] and case[2] in _QUICK]
  assert len(cases) > 150
  faults = _run_all(cases, runner, places)
  assert not faults, f'{len(faults)} of {len(cases)}:\n' + '\n\n'.join(faults)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize('script', [*_CONFIGS])
def test_odd_values_end_well(runner, places, script):
  cases = [c for c in _cases() if c[0] == script]
  faults = _run_all(cases, runner, places)
  assert not faults, f'{len(faults)} of {len(cases)}:\n' + '\n\n'.join(faults)


def test_every_flag_is_enrolled():
  for config in _CONFIGS.values():
    named = {name for _, name, _, _ in _cases()}
    fields = dataclasses.fields(config)
    assert {f.name for f in fields if 'kind' in f.metadata} <= named
