"""scripts/plot_training.py draws what a run left, even if that is damaged."""

import importlib.util
import json
import struct
import sys

import pytest
import tensorflow.compat.v1 as tf
from absl import flags

from deployment.evaluation import event_files, history
from slim_support import errors
from tests.robustness import commands

_SCRIPT = 'scripts/plot_training.py'


@pytest.fixture(scope='module')
def runner(tmp_path_factory):
  result = commands.Runner(tmp_path_factory.mktemp('runner'))
  yield result
  result.close()


@pytest.fixture
def run(tmp_path):
  """A train_dir with events and evaluations."""
  folder = tmp_path / 'run'
  with tf.summary.FileWriter(str(folder)) as writer:
    for step in range(1, 20):
      value = tf.Summary.Value(tag='total_loss_1', simple_value=1 / step)
      writer.add_summary(tf.Summary(value=[value]), step)
  (folder / 'eval').mkdir()
  lines = [
    json.dumps({'step': step, 'Accuracy': step / 40}) for step in (5, 10, 20)
  ]
  (folder / 'eval' / 'history.jsonl').write_text('\n'.join(lines))
  return folder


def _event_file(run):
  (path,) = run.glob('*.tfevents.*')
  return path


@pytest.mark.parametrize(
  ('suffix', 'start'),
  [('png', b'\x89PNG'), ('pdf', b'%PDF'), ('svg', b'<?xml')],
)
def test_the_suffix_is_the_format(runner, run, tmp_path, suffix, start):
  output = tmp_path / f'new/plot.{suffix}'
  done = runner.run(_SCRIPT, f'--train_dir={run}', f'--output_file={output}')
  assert done.status == 0, done.stderr
  assert output.read_bytes().startswith(start)


@pytest.mark.parametrize(
  ('name', 'message'),
  [
    ('plot.mov', "'mov' is not a picture format. Use one of"),
    ('run', 'is a folder. Name a file.'),
    ('run/eval/history.jsonl/plot.png', 'cannot be written'),
  ],
)
def test_bad_output(runner, run, tmp_path, name, message):
  done = runner.run(
    _SCRIPT, f'--train_dir={run}', f'--output_file={tmp_path / name}'
  )
  assert done.fault((1,)) is None
  assert message in done.stderr


def test_run_without_events(runner, tmp_path):
  done = runner.run(_SCRIPT, f'--train_dir={tmp_path}')
  assert done.fault((1,)) is None
  assert 'has no event files with the loss' in done.stderr


def test_event_file_that_was_cut(run):
  path = _event_file(run)
  whole = event_files.read_scalars(str(run))['total_loss_1']
  path.write_bytes(path.read_bytes()[:-5])
  assert event_files.read_scalars(str(run))['total_loss_1'] == whole[:-1]
  path.write_bytes(b'')
  assert event_files.read_scalars(str(run)) == {}


def test_event_file_that_holds_something_else(run):
  path = _event_file(run)
  with tf.python_io.TFRecordWriter(str(path)) as writer:
    writer.write(struct.pack('<Q', 2**63))
  assert event_files.read_scalars(str(run)) == {}


def test_half_a_last_line_in_the_history(run):
  path = run / 'eval' / 'history.jsonl'
  path.write_bytes(path.read_bytes() + b'\n{"step": 30, "Accur')
  steps = [entry['step'] for entry in history.read(str(run / 'eval'))]
  assert steps == [5, 10, 20]
  new = {'step': 30, 'Accuracy': 1.0, 'Recall_5': 1.0, 'loss': 0, 'images': 5}
  history.add(str(run / 'eval'), new | {'checkpoint': 'x'})
  entries = [json.loads(line) for line in path.read_text().splitlines()]
  assert [entry['step'] for entry in entries] == [5, 10, 20, 30]
  assert entries[-1] == new


@pytest.mark.parametrize(
  'line',
  [
    b'{"step": 1, "Accuracy": NaN}', b'{"step": -1, "Accuracy": 0.5}',
    b'{"step": 1, "Accuracy": 7}', b'{"step": "1", "Accuracy": 0.5}', b'[]',
    b'\xff\xfe', b'[' * 100_000,
  ],
)  # fmt: skip
def test_lines_that_are_no_evaluation(run, line):
  path = run / 'eval' / 'history.jsonl'
  path.write_bytes(line + b'\n' + path.read_bytes())
  assert len(history.read(str(run / 'eval'))) == 3


@pytest.mark.parametrize(
  ('accuracies', 'limits'),
  [
    ([0.2, 0.6], (0.16, 0.64)),
    ([0.95, 0.99], (0.94, 1.0)),
    ([0.5], (0.49, 0.51)),
    ([0.0, 0.0], (0.0, 0.01)),
  ],
)
def test_accuracy_axis_follows_the_data(accuracies, limits, plot_module):
  assert plot_module.accuracy_limits(accuracies) == pytest.approx(limits)


@pytest.fixture
def plot_module(monkeypatch):
  """The script as a module; its flags are forgotten afterwards."""
  monkeypatch.syspath_prepend(str(commands.ROOT / 'scripts'))
  spec = importlib.util.spec_from_file_location(
    'plot_training_under_test', commands.ROOT / _SCRIPT
  )
  module = importlib.util.module_from_spec(spec)
  before = set(flags.FLAGS)
  monkeypatch.setitem(sys.modules, spec.name, module)
  spec.loader.exec_module(module)
  yield module
  for name in set(flags.FLAGS) - before:
    delattr(flags.FLAGS, name)


def test_losses_that_have_no_logarithm(plot_module):
  picture = plot_module.draw([(1, 1.0), (2, 0.0), (3, -1.0)], [])
  assert picture.startswith(b'\x89PNG')


def test_loss_of_the_original(plot_module):
  options = plot_module.PlotConfig(train_dir='x')
  curve = [(1, 2.0)]
  assert plot_module._losses(options, {'total_loss_1': curve}) == curve
  with pytest.raises(errors.UserError, match='no event files with the loss'):
    plot_module._losses(options, {'learning_rate': curve})
