"""scripts/label_image.py as a user calls it, from anywhere."""

import json

import pytest

from datasets import reading
from deployment.export import sample_images
from tests.deployment import export_helpers

_SCRIPT = 'scripts/label_image.py'


@pytest.fixture(scope='module')
def exported(tmp_path_factory, digits_dir):
  folder = tmp_path_factory.mktemp('exported')
  prefix, _ = export_helpers.checkpoint('lenet', folder)
  export_helpers.export(
    checkpoint_path=prefix,
    dataset_dir=digits_dir,
    frozen_file=str(folder / 'frozen.pb'),
  )
  options = export_helpers.options(dataset_dir=digits_dir)
  dataset = sample_images.find_dataset(options, training=False)
  (folder / 'digit.png').write_bytes(reading.first_images(dataset, 1)[0])
  return folder


def test_from_another_folder(exported, run_script):
  done = run_script(
    _SCRIPT,
    f'--image={exported / "digit.png"},absent.png',
    '--graph=frozen.pb',
    '--json',
    cwd=exported,
  )
  assert done.returncode == 1
  rows = [json.loads(line) for line in done.stdout.splitlines()]
  assert len(rows[0]['predictions']) == 5
  assert rows[1]['error'] == 'There is no such file.'
  assert done.stderr.splitlines()[-1] == (
    'label_image.py: 1 of 2 images could not be labeled.'
  )


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (['--graph=x'], '--image is missing'),
    (['--image=x'], 'Use either --graph'),
    (['--image=x', '--graph=x', '--top_k=0'], 'must be at least 1'),
    (['x.jpg'], 'Unexpected argument'),
  ],
)
def test_wrong_flags(run_script, flags, message):
  done = run_script(_SCRIPT, *flags)
  assert done.returncode == 1
  assert message in done.stderr
  assert 'Traceback' not in done.stderr


def test_help(run_script):
  done = run_script(_SCRIPT, '--help')
  assert done.returncode == 0
  assert '--input_mean' in done.stdout
