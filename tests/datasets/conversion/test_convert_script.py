"""download_and_convert_data.py and show_dataset.py as users run them."""

import os
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from datasets import download_and_convert_folder
from datasets.conversion import engine
from slim_support.errors import UserError
from tests.conftest import ROOT
from tests.datasets import made
from tests.datasets.test_folder import fill

SCRIPT = 'download_and_convert_data.py'


@pytest.mark.parametrize(
  ('flags', 'reason'),
  [
    (['--dataset_name=flower', '--dataset_dir=x'], 'Did you mean flowers'),
    (['--dataset_dir=x'], '--dataset_name is missing'),
    (['--dataset_name=mnist'], '--dataset_dir is missing'),
    (['--dataset_name=folder', '--dataset_dir=x'], '--image_dir is missing'),
    (
      ['--dataset_name=mnist', '--dataset_dir=x', '--num_shards=2'],
      '--num_shards does not apply to mnist',
    ),
    (
      ['--dataset_name=flowers', '--dataset_dir=x', '--num_shards=0'],
      '--num_shards=0: must be at least 1',
    ),
    (['--dataset_nam=mnist'], 'dataset_name'),
    (['mnist'], "Unexpected argument 'mnist'"),
  ],
)
def test_bad_input_is_answered_at_once_in_a_sentence(
  run_script, tmp_path, flags, reason
):
  start = time.monotonic()
  done = run_script(SCRIPT, *flags, cwd=tmp_path)
  assert time.monotonic() - start < 10  # 0.2 seconds where nothing else runs
  assert done.returncode == 1
  assert reason in done.stderr
  assert 'Traceback' not in done.stderr
  assert os.listdir(tmp_path) == []


def start_script(images, output):
  return subprocess.Popen(
    [
      sys.executable,
      ROOT / SCRIPT,
      '--dataset_name=folder',
      f'--image_dir={images}',
      f'--dataset_dir={output}',
      '--num_shards=30',
      '--num_workers=2',
    ],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
  )


def convert_here(images, output):
  """Does in this process what the script does."""
  options = engine.Options(image_dir=images, num_shards=30, num_workers=2)
  download_and_convert_folder.run(str(output), options)


def test_killed_script_leaves_nothing_half_done(tmp_path):
  """SIGKILL in the middle; the next run ends with the undisturbed bytes."""
  images = fill(tmp_path / 'in', count=300)
  output = tmp_path / 'out'
  shard = output / '.conversion/folder_train-00007-of-00030.tfrecord'
  process = start_script(images, output)
  deadline = time.monotonic() + 120
  while not shard.exists():
    assert process.poll() is None
    assert time.monotonic() < deadline
    time.sleep(0.001)
  process.send_signal(signal.SIGSTOP)
  with pytest.raises(UserError, match='Another conversion .* is running'):
    convert_here(images, output)
  children = psutil.Process(process.pid).children()
  assert children
  process.send_signal(signal.SIGKILL)
  process.wait()
  assert all(name[0] == '.' for name in made.folder_bytes(output))
  _, alive = psutil.wait_procs(children, timeout=20)
  assert alive == []
  convert_here(images, output)
  convert_here(images, tmp_path / 'whole')
  assert made.folder_bytes(output) == made.folder_bytes(tmp_path / 'whole')


def interrupt(images, output, number, wait):
  """Sends a signal to the script and its processes, as a terminal does.

  Returns:
    Its status and what it printed on standard error.
  """
  process = subprocess.Popen(
    [
      sys.executable,
      ROOT / SCRIPT,
      '--dataset_name=folder',
      f'--image_dir={images}',
      f'--dataset_dir={output}',
      '--num_shards=30',
      '--num_workers=2',
    ],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.PIPE,
    text=True,
    start_new_session=True,
    # As users have it; with it TensorFlow prints lines of its own.
    env={k: v for k, v in os.environ.items() if k != 'TF_CPP_MIN_LOG_LEVEL'},
  )
  wait(process)
  children = psutil.Process(process.pid).children()
  os.killpg(process.pid, number)
  _, stderr = process.communicate(timeout=60)
  _, alive = psutil.wait_procs(children, timeout=20)
  assert alive == []
  return process.returncode, stderr


@pytest.mark.parametrize(
  'number',
  [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)],
)
def test_interrupted_script_ends_in_one_line(tmp_path, number):
  images = fill(tmp_path / 'in', count=300)
  output = tmp_path / 'out'
  shard = output / '.conversion/folder_train-00007-of-00030.tfrecord'

  def wait(process):
    deadline = time.monotonic() + 120
    while not shard.exists() and time.monotonic() < deadline:
      assert process.poll() is None
      time.sleep(0.001)

  status, stderr = interrupt(images, output, number, wait)
  lines = [line for line in stderr.splitlines() if 'Converting' not in line]
  assert lines == [f'{SCRIPT}: Stopped by {number.name}.']
  assert status == 128 + number
  left = made.folder_bytes(output)
  assert all(name.startswith('.conversion/') for name in left)
  assert not any(name.endswith('.tmp') for name in left)
  convert_here(images, output)
  convert_here(images, tmp_path / 'whole')
  assert made.folder_bytes(output) == made.folder_bytes(tmp_path / 'whole')


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_script_interrupted_at_random_points(tmp_path, number):
  import random

  generator = random.Random(0)
  images = fill(tmp_path / 'in', count=300)
  convert_here(images, tmp_path / 'whole')
  output = tmp_path / 'out'
  for _ in range(10):
    seconds = generator.uniform(0.3, 8)
    status, stderr = interrupt(
      images, output, number, lambda _, seconds=seconds: time.sleep(seconds)
    )
    assert 'Traceback' not in stderr
    assert status in (0, 128 + number)
    if status == 0:
      shutil.rmtree(output)
  convert_here(images, output)
  assert made.folder_bytes(output) == made.folder_bytes(tmp_path / 'whole')


@pytest.mark.slow
def test_script_killed_at_random_points(tmp_path):
  import random

  chance = random.Random(0)
  images = fill(tmp_path / 'in', count=300)
  convert_here(images, tmp_path / 'whole')
  output = tmp_path / 'out'
  for _ in range(6):
    process = start_script(images, output)
    time.sleep(chance.uniform(0.2, 8))
    process.send_signal(signal.SIGKILL)
    process.wait()
    if not (output / 'dataset.json').exists():
      assert all(
        name.startswith('.conversion/') or name.endswith(('.tfrecord', '.txt'))
        for name in made.folder_bytes(output)
      )
  assert start_script(images, output).wait() == 0
  assert made.folder_bytes(output) == made.folder_bytes(tmp_path / 'whole')


def test_data_set_is_shown(run_script, tmp_path, digits_dir):
  done = run_script(
    'scripts/show_dataset.py',
    '--dataset_name=digits',
    f'--dataset_dir={digits_dir}',
    '--split=test',
    cwd=tmp_path,
  )
  assert done.returncode == 0, done.stderr
  lines = done.stdout.splitlines()
  assert lines[0].startswith('digits, test: 297 images in 1 files')
  assert any(line.split()[:3] == ['0', '0', '30'] for line in lines)
  assert 'sizes   28 x 28: 297' in lines
  assert 'formats png: 297' in lines
  from PIL import Image

  with Image.open(tmp_path / 'digits_test.png') as sheet:
    assert sheet.size == (8 * 134, 6 * 148)
    assert len(sheet.convert('L').getcolors()) > 100
