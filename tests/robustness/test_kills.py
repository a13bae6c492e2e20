"""Signals at random points of evaluation and export leave nothing half-written.

SIGTERM and Ctrl-C end them in one line; SIGKILL cannot be handled. After each,
every file is whole or not there.
"""

import json
import os
import signal
import time

import pytest
import tensorflow.compat.v1 as tf

from deployment.checkpoints import locate, repair
from deployment.evaluation import history
from deployment.export import graph_predictor

_POINTS = 10
_EXPECTED = {
  signal.SIGINT: (0, 130),
  signal.SIGTERM: (0, 143),
  signal.SIGKILL: (0, -9),
}
_EVALUATE = [
  'eval_image_classifier.py', '--checkpoint_path={run}', '--all_checkpoints',
  '--eval_dir={work}/eval', '--batch_size=20',
  '--predictions_file={work}/predictions.csv',
]  # fmt: skip
_FOLLOW = [
  'eval_image_classifier.py', '--checkpoint_path={work}/none',
  '--dataset_name=digits', '--dataset_dir={data}', '--model_name=lenet',
  '--eval_dir={work}/eval', '--eval_interval_secs=100',
]  # fmt: skip
_EXPORT = [
  'export_inference_graph.py', '--checkpoint_path={run}',
  '--output_file={work}/graph.pb', '--frozen_file={work}/frozen.pb',
  '--saved_model_dir={work}/model', '--tflite_file={work}/model.tflite',
  '--verify', '--verify_images=4',
]  # fmt: skip


def _run(runner, command, places, **signals):
  script, *flags = command
  flags = [flag.format(**places) for flag in flags]
  return runner.run(script, *flags, cwd=places['work'], **signals)


def _check_evaluation(work):
  """Checks that every result is whole."""
  eval_dir = work / 'eval'
  if (eval_dir / 'metrics.json').exists():
    assert json.loads((eval_dir / 'metrics.json').read_text())['images'] == 297
  if (work / 'predictions.csv').exists():
    text = (work / 'predictions.csv').read_text()
    assert text.endswith('\n')
    assert text.count('\n') == 298
  entries = history.read(str(eval_dir)) if eval_dir.exists() else []
  if (eval_dir / 'history.jsonl').exists():
    lines = (eval_dir / 'history.jsonl').read_text().splitlines()
    assert len(lines) == len(entries)
  if entries:
    assert repair.is_readable(locate.resolve(str(eval_dir / 'best')))
  for path in eval_dir.glob('*.png'):
    assert path.read_bytes().endswith(b'IEND\xaeB`\x82')


def _check_export(work):
  """Checks that every export is whole and beside its own metadata."""
  for name in ('graph.pb', 'frozen.pb'):
    if (work / name).exists():
      graph_def = graph_predictor.read_graph_def(str(work / name))
      assert any(node.name == 'input' for node in graph_def.node)
  for path in work.glob('*.json'):
    assert json.loads(path.read_text())['model_name'] == 'lenet'
    assert (work / path.stem).exists()
  if (work / 'model').exists():
    graph_predictor.from_saved_model(str(work / 'model')).session.close()
    assert (work / 'model' / 'assets.extra' / 'metadata.json').exists()
  if (work / 'model.tflite').exists():
    data = (work / 'model.tflite').read_bytes()
    assert tf.lite.Interpreter(model_content=data).get_input_details()


_COMMANDS = {
  'evaluate': (_EVALUATE, _check_evaluation),
  'export': (_EXPORT, _check_export),
}


def _leftovers(work):
  return [
    str(path)
    for path in work.rglob('*')
    if '.tmp' in path.name or path.name.startswith('.probe')
  ]


@pytest.mark.slow
@pytest.mark.parametrize('number', [*_EXPECTED])
@pytest.mark.parametrize('name', [*_COMMANDS])
def test_signal_at_any_point(runner, trained, tmp_path, name, number):
  command, check = _COMMANDS[name]
  places = {'run': trained, 'work': tmp_path / 'whole'}
  places['work'].mkdir()
  start = time.monotonic()
  done = _run(runner, command, places)
  assert done.status == 0, done.stderr
  check(places['work'])
  whole = time.monotonic() - start
  ends = []
  for point in range(_POINTS):
    places['work'] = work = tmp_path / f'{point}'
    work.mkdir()
    after = whole * (point + 0.5) / _POINTS
    done = _run(runner, command, places, timeout=after, signal=number)
    ends.append(done.status)
    assert done.status in _EXPECTED[number], done
    assert 'Traceback' not in done.stderr, done.stderr
    check(work)
    if number != signal.SIGKILL:
      assert _leftovers(work) == []
      assert done.status == 0 or 'Stopped by SIG' in done.stderr
    again = _run(runner, command, places)
    if name == 'export' and (work / 'model').exists() and again.status:
      assert 'exists already' in again.stderr
    else:
      assert again.status == 0, again.stderr
    check(work)
  assert ends.count(0) < _POINTS / 2, ends
  print(f'{name}, {signal.Signals(number).name}: {ends}')


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signal_while_waiting_for_a_checkpoint(
  runner, digits_dir, tmp_path, number
):
  places = {'data': digits_dir, 'work': tmp_path}
  done = _run(runner, _FOLLOW, places, timeout=4, signal=number)
  assert done.status == _EXPECTED[number][1], done
  assert done.stderr.strip().endswith(f'Stopped by {number.name}.')
  assert os.listdir(tmp_path / 'eval') == []
