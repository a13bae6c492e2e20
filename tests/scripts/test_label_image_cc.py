"""The C++ program prints what scripts/label_image.py prints."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from deployment.labeling import config as label_config
from deployment.labeling import label
from tests.deployment import export_helpers

_SCORE = re.compile(r'(.*) \((\d+)\): (-?\d+\.\d{6})')

pytestmark = pytest.mark.slow


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
  return program.label(*(f'--{name}={flags[name]}' for name in flags))


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
def test_same_as_python(cpp_program, network, capsys, name, mode):
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
  status, printed, error = _run(cpp_program, flags)
  assert status == 0, error
  label.label(label_config.LabelConfig(**flags))
  ours, python = _parsed(printed), _parsed(capsys.readouterr().out)
  assert len(ours) == 5
  assert len({score for _, _, score in ours}) > 1
  assert [row[:2] for row in ours] == [row[:2] for row in python]
  for (*_, score), (*_, expected) in zip(ours, python, strict=True):
    assert abs(float(score) - float(expected)) <= 1e-4


def test_nodes_and_size_come_from_the_graph(cpp_program, network):
  folder, _ = network
  flags = {
    'image': _image(folder / 'x.png', 'RGB'),
    'graph': str(folder / 'frozen.pb'),
    'labels': str(folder / 'names.txt'),
    'labels_offset': 1,
    'top_k': 10,
  }
  _, printed, _ = _run(cpp_program, flags)
  rows = _parsed(printed)
  assert len(rows) == 10
  assert all(label == f'name {index}' for label, index, _ in rows)
  assert sum(float(score) for *_, score in rows) == pytest.approx(1, abs=1e-4)
