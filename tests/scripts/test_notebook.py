"""The walkthrough runs from top to bottom; what is saved of it is small."""

import json
import os

import pytest

from tests import conftest

_NOTEBOOK = conftest.ROOT / 'slim_walkthrough.ipynb'


@pytest.mark.timeout(1000)
def test_the_walkthrough_runs(run_script):
  # The variable of the tests' own set-up would ask for TensorFlow's messages.
  environment = {**os.environ}
  environment.pop('TF_CPP_MIN_LOG_LEVEL', None)
  result = run_script('scripts/run_notebook.py', timeout=900, env=environment)
  assert result.returncode == 0, result.stderr
  assert 'accuracy: 0.9' in result.stdout
  assert 'slim_walkthrough.ipynb works.' in result.stderr


def test_only_plots_are_saved():
  assert _NOTEBOOK.stat().st_size < 500_000
  notebook = json.loads(_NOTEBOOK.read_text(encoding='utf-8'))
  outputs = [
    output for cell in notebook['cells'] for output in cell.get('outputs', ())
  ]
  assert len(outputs) >= 6
  for output in outputs:
    assert all(kind.startswith('image/') for kind in output['data'])


def _write(path, *sources):
  cells = [
    {
      'cell_type': 'code',
      'id': f'cell-{number}',
      'execution_count': None,
      'metadata': {},
      'outputs': [],
      'source': source,
    }
    for number, source in enumerate(sources)
  ]
  notebook = {
    'cells': cells,
    'metadata': {'kernelspec': {'name': 'python3', 'display_name': 'Python'}},
    'nbformat': 4,
    'nbformat_minor': 5,
  }
  path.write_text(json.dumps(notebook), encoding='utf-8')
  return f'--notebook={path}'


@pytest.mark.parametrize(
  ('source', 'expected'),
  [
    ('1 / 0', 'ZeroDivisionError'),
    ('import warnings; warnings.warn("old")', 'UserWarning: old'),
    ('import os; os.getcwd()', 'A cell prints a warning or a path'),
  ],
)
def test_what_is_wrong_is_said(run_script, tmp_path, source, expected):
  flag = _write(tmp_path / 'bad.ipynb', source)
  result = run_script('scripts/run_notebook.py', flag)
  assert result.returncode == 1
  assert expected in result.stderr
  assert '\x1b' not in result.stderr


def test_save_keeps_plots_and_drops_text(run_script, tmp_path):
  path = tmp_path / 'good.ipynb'
  draw = 'import matplotlib.pyplot as plt; print(1); plt.plot([1, 2])'
  result = run_script('scripts/run_notebook.py', _write(path, draw), '--save')
  assert result.returncode == 0, result.stderr
  (cell,) = json.loads(path.read_text(encoding='utf-8'))['cells']
  assert [[*output['data']] for output in cell['outputs']] == [['image/png']]
  assert cell['execution_count'] is None
