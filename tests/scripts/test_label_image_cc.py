"""The C++ program prints what scripts/label_image.py prints."""

import io
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from deployment.labeling import config as label_config
from deployment.labeling import label
from tests.deployment import export_helpers

_FOLDER = pathlib.Path(__file__).parents[2] / 'scripts' / 'label_image_cc'
_SCORE = re.compile(r'(.*) \((\d+)\): (-?\d+\.\d{6})')

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def program():
  """The program, built by its one command."""
  subprocess.run(
    ['make', '-C', str(_FOLDER), f'PYTHON={sys.executable}'], check=True
  )
  return str(_FOLDER / 'label_image')


@pytest.fixture(scope='module', params=['lenet', 'mobilenet_v1_025'])
def network(request, tmp_path_factory):
  """A frozen network, with one channel and with three."""
  folder = tmp_path_factory.mktemp(request.param)
  prefix, _ = export_helpers.checkpoint(request.param, folder, num_classes=10)
  metadata, _ = export_helpers.export(
    model_name=request.param,
    checkpoint_path=prefix,
    frozen_file=str(folder / 'frozen.pb'),
  )
  (folder / 'labels.txt').write_text(
    ''.join(f'{i}:number {i}\n' for i in range(10))
  )
  (folder / 'names.txt').write_text(
    'background\n' + ''.join(f'name {i}\n' for i in range(10))
  )
  return folder, metadata['output']['name']


def _image(path, mode):
  y, x = np.mgrid[0:70, 0:90]
  waves = [127 + 120 * np.sin((x * a + y * b) / 20) for a, b in _WAVES]
  image = Image.fromarray(np.stack(waves, axis=2).astype(np.uint8))
  file = io.BytesIO()
  image.convert(mode).save(file, path.suffix[1:].replace('jpg', 'jpeg'))
  path.write_bytes(file.getvalue())
  return str(path)


_WAVES = [(1, 2), (3, -1), (0, 1)]


def _run(program, flags):
  return subprocess.run(
    [program, *(f'--{name}={value}' for name, value in flags.items())],
    capture_output=True,
    text=True,
    check=False,
    env=os.environ | {'TF_CPP_MIN_LOG_LEVEL': '3'},
  )


def _parsed(text):
  return [_SCORE.fullmatch(line).groups() for line in text.splitlines()]


@pytest.mark.parametrize(
  ('name', 'mode'),
  [
    ('color.jpg', 'RGB'),
    ('gray.jpg', 'L'),
    ('color.png', 'RGB'),
    ('alpha.png', 'RGBA'),
    ('gray.png', 'L'),
    ('color.gif', 'RGB'),
    ('color.bmp', 'RGB'),
  ],
)
def test_same_as_python(program, network, capsys, name, mode):
  folder, output = network
  flags = {
    'image': _image(folder / name, mode),
    'graph': str(folder / 'frozen.pb'),
    'labels': str(folder / 'labels.txt'),
    'input_layer': 'input',
    'output_layer': output,
    'input_mean': 127.5,
    'input_std': 127.5,
  }
  done = _run(program, flags)
  assert done.returncode == 0, done.stderr
  label.label(label_config.LabelConfig(**flags))
  ours, python = _parsed(done.stdout), _parsed(capsys.readouterr().out)
  assert len(ours) == 5
  assert len({score for _, _, score in ours}) > 1
  assert [row[:2] for row in ours] == [row[:2] for row in python]
  for (*_, score), (*_, expected) in zip(ours, python, strict=True):
    assert abs(float(score) - float(expected)) <= 1e-4


def test_nodes_and_size_come_from_the_graph(program, network):
  folder, _ = network
  flags = {
    'image': _image(folder / 'x.png', 'RGB'),
    'graph': str(folder / 'frozen.pb'),
    'labels': str(folder / 'names.txt'),
    'labels_offset': 1,
    'top_k': 10,
  }
  rows = _parsed(_run(program, flags).stdout)
  assert len(rows) == 10
  assert all(label == f'name {index}' for label, index, _ in rows)
  assert sum(float(score) for *_, score in rows) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'image': '/absent.png'}, 'There is no image /absent.png.'),
    ({'image': __file__}, 'cannot be decoded'),
    ({'graph': '/absent.pb'}, '/absent.pb'),
    ({'output_layer': 'nosuch'}, '--output_layer=nosuch: the graph has no'),
    ({'input_width': 7}, '--input_width=7: the network takes'),
    ({'labels': '/absent.txt'}, '--labels=/absent.txt cannot be read.'),
  ],
)
def test_errors_in_a_sentence(program, network, changes, message):
  folder, _ = network
  flags = {
    'image': _image(folder / 'x.png', 'RGB'),
    'graph': str(folder / 'frozen.pb'),
  }
  done = _run(program, flags | changes)
  assert done.returncode == 1
  assert message in done.stderr.splitlines()[-1]
  assert done.stdout == ''


def test_labels_of_the_wrong_length(program, network):
  folder, _ = network
  flags = {
    'image': _image(folder / 'x.png', 'RGB'),
    'graph': str(folder / 'frozen.pb'),
    'labels': str(folder / 'names.txt'),
  }
  done = _run(program, flags)
  assert done.returncode == 1
  assert 'names 11 classes, but the network tells 10' in done.stderr
  assert '--labels_offset=1' in done.stderr
