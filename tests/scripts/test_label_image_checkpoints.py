"""scripts/label_image.py with a checkpoint and the record of its run."""

import json
import shutil

import numpy as np
import pytest

from tests.deployment import export_helpers

_RUN = {
  'flags': {
    'dataset_name': 'digits',
    'dataset_dir': '',
    'labels_offset': 0,
    'model_name': 'lenet',
    'preprocessing_name': None,
    'use_grayscale': False,
    'train_image_size': None,
  },
  'num_classes': 10,
  'channels': 3,
  'class_names': {str(digit): f'number {digit}' for digit in range(10)},
}


@pytest.fixture(scope='module')
def color_lenet(tmp_path_factory):
  """A checkpoint of a LeNet that takes images with three channels."""
  folder = tmp_path_factory.mktemp('color_lenet')
  images = np.random.RandomState(0).uniform(-1, 1, [2, 28, 28, 3])
  export_helpers.checkpoint('lenet', folder, images=images.astype(np.float32))
  return folder


@pytest.fixture
def train_dir(color_lenet, tmp_path):
  return shutil.copytree(color_lenet, tmp_path / 'train')


def _label(program, material, train_dir, run, *flags):
  if run is not None:
    content = run if isinstance(run, str) else json.dumps(run)
    (train_dir / 'run.json').write_text(content)
  return program.label(
    f'--checkpoint_path={train_dir}',
    f'--image={material / "red.png"}',
    '--json',
    *flags,
  )


def _scores(printed):
  predictions = json.loads(printed)['predictions']
  return {row['index']: row['score'] for row in predictions}


def test_colors_reach_a_network_that_takes_them(
  python_program, material, train_dir, tmp_path
):
  """With and without run.json, and as exported."""
  status, recorded, error = _label(python_program, material, train_dir, _RUN)
  assert status == 0, error
  metadata, _ = export_helpers.export(
    checkpoint_path=str(train_dir), frozen_file=str(tmp_path / 'frozen.pb')
  )
  assert metadata['channels'] == 3
  (train_dir / 'run.json').unlink()
  flags = ('--model_name=lenet', '--dataset_name=digits')
  _, bare, _ = _label(python_program, material, train_dir, None, *flags)
  assert _scores(bare) == pytest.approx(_scores(recorded))
  _, exported, _ = python_program.label(
    f'--graph={tmp_path / "frozen.pb"}',
    f'--image={material / "red.png"}',
    '--json',
  )
  assert _scores(exported) == pytest.approx(_scores(recorded), abs=1e-5)
  assert len(set(_scores(recorded).values())) > 1


def _with(**changes):
  run = json.loads(json.dumps(_RUN))
  for name in changes:
    (run['flags'] if name in run['flags'] else run)[name] = changes[name]
  return run


@pytest.mark.parametrize(
  ('run', 'message'),
  [
    ('', 'run.json is damaged'),
    (json.dumps(_RUN)[:90], 'run.json is damaged'),
    ('[]', 'run.json is damaged'),
    ('{}', 'run.json is damaged'),
    (_with(num_classes='ten'), 'run.json is damaged'),
    (_with(channels='three'), 'run.json is damaged'),
    (_with(class_names=['a']), 'run.json is damaged'),
    (_with(class_names={'a': 'b'}), 'run.json is damaged'),
    (_with(labels_offset='one'), 'labels_offset=one: must be a whole number'),
    (_with(labels_offset=-1), 'labels_offset=-1: must be at least 0'),
    (_with(train_image_size=2.5), 'image_size=2.5: must be a whole number'),
    (_with(use_grayscale='no'), 'use_grayscale=no: must be true or false'),
    (_with(model_name=5), 'model_name=5'),
    (_with(model_name='lenett'), 'Did you mean lenet'),
    (_with(dataset_name='digit'), 'Did you mean digits'),
    (_with(preprocessing_name='vggg'), 'Did you mean vgg'),
  ],
)
def test_damaged_records(python_program, material, train_dir, run, message):
  status, printed, error = _label(python_program, material, train_dir, run)
  assert (status, printed) == (1, ''), error
  assert message in error
  assert error.rstrip()[-1] in '.?'


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (('--model_name=lenett',), 'Did you mean lenet'),
    (('--model_name=cifarnet',), 'of another --model_name?'),
    (('--image_size=1',), 'image_size=1'),
    (('--image_size=0',), 'must be at least 1'),
    (('--image_size=5000',), 'must be at most 4096'),
    (('--moving_average_decay=0.9',), 'has no moving averages'),
    (('--moving_average_decay=nan',), 'finite number'),
    (('--use_grayscale',), 'leave out --use_grayscale'),
    (('--graph=x',), 'Use either --graph'),
  ],
)
def test_flags_that_do_not_fit(
  python_program, material, train_dir, flags, message
):
  status, printed, error = _label(
    python_program, material, train_dir, _RUN, *flags
  )
  assert (status, printed) == (1, ''), error
  assert message in error
