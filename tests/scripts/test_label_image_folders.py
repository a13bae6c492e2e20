"""scripts/label_image.py on many images, and how it ends."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

from tests import conftest

_SCRIPT = str(conftest.ROOT / 'scripts' / 'label_image.py')


@pytest.fixture
def photos(material, tmp_path):
  """A folder with three good images."""
  folder = tmp_path / 'photos'
  folder.mkdir()
  for name in ('a.png', 'b.jpg', 'c.gif'):
    shutil.copy(material / f'red.{name[2:]}', folder / name)
  return folder


def _label(program, material, *flags):
  return program.label(f'--graph={material / "good.pb"}', *flags)


def _rows(printed):
  return [json.loads(line) for line in printed.splitlines()]


@pytest.mark.parametrize('batch_size', [1, 2, 3, 7, 10**5])
def test_batch_sizes(python_program, material, photos, batch_size):
  status, printed, error = _label(
    python_program,
    material,
    f'--image={photos}',
    f'--batch_size={batch_size}',
    '--json',
  )
  assert status == 0, error
  rows = _rows(printed)
  assert [os.path.basename(row['image']) for row in rows] == [
    'a.png',
    'b.jpg',
    'c.gif',
  ]
  assert all(len(row['predictions']) == 3 for row in rows)


@pytest.mark.parametrize('size', [10**9, 2**62])
def test_batch_that_does_not_fit_in_memory(
  python_program, material, photos, size
):
  status, printed, error = _label(
    python_program, material, f'--image={photos}', f'--batch_size={size}'
  )
  assert (status, printed) == (1, '')
  assert 'Use --batch_size=2796202 or less.' in error


def test_bad_images_among_good_ones(python_program, material, photos):
  (photos / 'words.jpg').write_text('not an image')
  (photos / 'absent.png').symlink_to('nowhere')
  os.mkfifo(photos / 'pipe.png')
  (photos / 'itself.png').symlink_to('itself.png')
  (photos / 'device.png').symlink_to('/dev/zero')
  (photos / '.hidden.png').write_text('not an image')
  status, printed, error = _label(
    python_program, material, f'--image={photos}', '--json'
  )
  assert status == 1
  assert error == 'label_image.py: 5 of 8 images could not be labeled.'
  reasons = {
    os.path.basename(row['image']): row.get('error') for row in _rows(printed)
  }
  assert reasons.pop('words.jpg').startswith('It is not an image')
  assert 'not a regular file' in reasons.pop('pipe.png')
  assert 'not a regular file' in reasons.pop('device.png')
  assert 'No such file' in reasons.pop('absent.png')
  assert 'symbolic links' in reasons.pop('itself.png')
  assert set(reasons.values()) == {None}


def test_folders_that_link_to_themselves(python_program, material, photos):
  (photos / 'again').symlink_to('.')
  (photos / 'more').mkdir()
  (photos / 'more' / 'up').symlink_to(photos)
  shutil.copy(photos / 'a.png', photos / 'more' / 'd.png')
  (photos / 'linked').symlink_to('more')
  status, printed, error = _label(
    python_program, material, f'--image={photos}', '--json'
  )
  assert status == 0, error
  names = [os.path.basename(row['image']) for row in _rows(printed)]
  assert sorted(names) == ['a.png', 'b.jpg', 'c.gif', 'd.png']


@pytest.mark.parametrize(
  ('json_flag', 'locale'),
  [
    ((), 'C.UTF-8'),
    pytest.param((), 'C', marks=pytest.mark.slow),
    pytest.param(('--json',), 'C', marks=pytest.mark.slow),
    pytest.param(('--json',), 'C.UTF-8', marks=pytest.mark.slow),
  ],
)
def test_names_that_are_not_utf8(
  material, photos, monkeypatch, json_flag, locale
):
  name = b'caf\xe9 \xf0\x9f\x90\x88.png'
  path = os.path.join(os.fsencode(photos), name)
  shutil.copy(photos / 'a.png', path)
  done = subprocess.run(
    [
      sys.executable,
      _SCRIPT,
      f'--graph={material / "good.pb"}',
      *json_flag,
      b'--image=' + path + b',' + path,
    ],
    capture_output=True,
    check=False,
    env=os.environ | {'LC_ALL': locale},
  )
  assert done.returncode == 0, done.stderr
  lines = done.stdout.splitlines()
  if json_flag:
    assert [os.fsencode(json.loads(line)['image']) for line in lines] == [
      path,
      path,
    ]
  else:
    assert lines[0] == path


@pytest.mark.parametrize(
  ('image', 'message'),
  [
    ('', '--image is missing'),
    (',', 'has an empty entry'),
    ('{photos}/a.png,,{photos}/b.jpg', 'has an empty entry'),
    ('{photos}/*.webp', 'there are no images'),
    ('{photos}/a.png/x.png', 'no such file|Not a directory'),
    ('http://localhost/x.png', 'URLs are not fetched'),
  ],
)
def test_images_that_are_not_there(
  python_program, material, photos, image, message
):
  image = image.format(photos=photos)
  status, printed, error = _label(python_program, material, f'--image={image}')
  assert (status, printed) == (1, '')
  assert any(part in error for part in message.split('|')), error


@pytest.mark.parametrize(
  ('metadata', 'message'),
  [
    ('{', 'is damaged'),
    ('[]', 'is damaged'),
    ('{"labels": ["a", 2, "c"]}', 'is damaged'),
    ('{"preprocessing": "vggg"}', "'vggg'"),
    ('{"channels": 7}', 'is damaged: channels is 7'),
    ('{"input_std": 0.0}', 'is damaged: input_std is 0.0'),
    ('{"input_std": -1}', 'is damaged: input_std is -1'),
    ('{"labels_offset": -1}', 'is damaged: labels_offset is -1'),
    ('{"image_size": "large"}', 'is damaged'),
    ('{"input": {"name": "inputt", "shape": []}}', 'Did you mean input'),
    ('{"decoded_channels": 5}', 'is damaged'),
  ],
)
def test_damaged_metadata(
  python_program, material, photos, tmp_path, metadata, message
):
  name = 'any_size.pb'
  graph = shutil.copy(material / name, tmp_path)
  (tmp_path / f'{name}.json').write_text(metadata)
  status, printed, error = python_program.label(
    f'--graph={graph}', f'--image={photos}'
  )
  assert (status, printed) == (1, ''), printed
  assert message in error, error


@pytest.mark.parametrize(
  'metadata',
  [
    '{}',
    '{"labels": null, "labels_offset": 1, "input_mean": null}',
    '{"labels": ["too", "few"]}',
  ],
)
def test_metadata_that_say_little(
  python_program, material, photos, tmp_path, metadata
):
  graph = shutil.copy(material / 'good.pb', tmp_path)
  (tmp_path / 'good.pb.json').write_text(metadata)
  status, printed, error = python_program.label(
    f'--graph={graph}', f'--image={photos}', '--json', '--input_mean=3'
  )
  assert status == 0, error
  assert len(_rows(printed)) == 3


def _start(material, image):
  return subprocess.Popen(
    [
      sys.executable,
      _SCRIPT,
      f'--graph={material / "good.pb"}',
      f'--image={image}',
      '--batch_size=2',
      '--json',
    ],
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
    # With it, the script lets TensorFlow's messages through.
    env={k: v for k, v in os.environ.items() if k != 'TF_CPP_MIN_LOG_LEVEL'},
  )


def _many(photos, number):
  for index in range(number):
    os.link(photos / 'b.jpg', photos / f'{index}.jpg')


def test_output_closed_early(material, photos):
  _many(photos, 400)
  process = _start(material, photos)
  assert json.loads(process.stdout.readline())['predictions']
  process.stdout.close()
  error = process.stderr.read()
  assert process.wait() == 141
  assert 'Traceback' not in error
  assert 'BrokenPipe' not in error


@pytest.mark.slow
def test_output_on_a_full_disk(material, photos):
  with open('/dev/full', 'w') as full:
    done = subprocess.run(
      [
        sys.executable,
        _SCRIPT,
        f'--graph={material / "good.pb"}',
        f'--image={photos}',
      ],
      stdout=full,
      stderr=subprocess.PIPE,
      text=True,
      check=False,
    )
  assert done.returncode == 1
  assert done.stderr.splitlines()[-1].startswith(
    'label_image.py: No space is left on the device'
  )


@pytest.mark.slow
def test_signals_at_random_points(material, photos):
  """However it is stopped, what was printed are whole lines."""
  _many(photos, 3000)
  draw = random.Random(0)
  started = time.monotonic()
  process = _start(material, photos)
  assert len(process.communicate()[0].splitlines()) == 3003
  whole = time.monotonic() - started
  for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
    for _ in range(10):
      process = _start(material, photos)
      time.sleep(draw.uniform(0.3, 0.9 * whole))
      process.send_signal(number)
      printed, error = process.communicate(timeout=60)
      status = process.returncode
      assert 'Traceback' not in error, error
      if number != signal.SIGKILL:
        assert status == 128 + number, (number, status, error)
        lines = [line for line in error.splitlines() if 'WARNING' not in line]
        assert len(lines) == 1, error
        assert lines[0].startswith('label_image.py: Stopped by SIG'), error
      lines = printed.splitlines(keepends=True)
      for line in lines[:-1] if number == signal.SIGKILL else lines:
        assert json.loads(line)['predictions']


@pytest.mark.slow
def test_cpp_output_on_a_full_disk(cpp_program, material):
  done = subprocess.run(
    [
      cpp_program.path,
      f'--graph={material / "good.pb"}',
      f'--image={material / "red.png"}',
    ],
    stdout=open('/dev/full', 'w'),  # noqa: SIM115
    stderr=subprocess.PIPE,
    text=True,
    check=False,
  )
  assert done.returncode == 1
  assert 'standard output cannot be written: No space' in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize(
  ('flag', 'name'),
  [
    ('graph', 'good.pb'),
    ('image', 'red.png'),
    ('image', 'red.jpg'),
    ('image', 'animated.gif'),
    ('image', 'palette.bmp'),
  ],
)
def test_flipped_bits_in_cpp(cpp_program, material, tmp_path, flag, name, seed):
  """No damage makes the program crash."""
  draw = random.Random(f'{name} {seed}')
  data = bytearray((material / name).read_bytes())
  for _ in range(draw.choice([1, 3, 20])):
    data[draw.randrange(len(data))] = draw.randrange(256)
  if draw.random() < 0.3:
    del data[draw.randrange(len(data)) :]
  damaged = tmp_path / name
  damaged.write_bytes(data)
  flags = {'graph': material / 'good.pb', 'image': material / 'red.png'}
  flags[flag] = damaged
  status, printed, error = cpp_program.label(
    *(f'--{key}={flags[key]}' for key in flags)
  )
  assert status in (0, 1), error
  assert bool(printed) == (status == 0)
  assert status == 0 or error.startswith('label_image: ')
