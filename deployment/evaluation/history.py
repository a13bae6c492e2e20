"""The history of evaluations in an eval_dir, and the curves in event files."""

import glob
import json

import tensorflow.compat.v1 as tf

from slim_support import files, json_files

_HISTORY_FILE = 'history.jsonl'
_SCHEMA = {
  'step': int,
  'Accuracy': float,
  'Recall_5?': float,
  'loss?': float,
  'images?': int,
}


def read(eval_dir: str) -> list[dict]:
  """Return what was evaluated so far, oldest first.

  Each entry has 'step', 'Accuracy' and, if this library wrote it, 'Recall_5',
  'loss' and 'images'. Lines that an interruption or an editor damaged are left
  out.
  """
  path = files.join(eval_dir, _HISTORY_FILE)
  if not files.is_file(path):
    return []
  entries = []
  for line in files.read_bytes(path).splitlines():
    try:
      entries.append(json_files.parse(line, _SCHEMA))
    except json_files.StructureError:
      continue
  return entries


def add(eval_dir: str, report: dict) -> bool:
  """Add an evaluation, in place of an earlier one of the same step.

  Args:
    eval_dir: the folder of the history.
    report: holds what `read` returns of it.

  Returns:
    Whether its accuracy is the best so far.
  """
  step = report['step']
  earlier = [entry for entry in read(eval_dir) if entry['step'] != step]
  best = max((entry['Accuracy'] for entry in earlier), default=-1.0)
  names = [name.removesuffix('?') for name in _SCHEMA]
  entries = [*earlier, {name: report[name] for name in names}]
  lines = ''.join(json.dumps(entry) + '\n' for entry in entries)
  files.write(files.join(eval_dir, _HISTORY_FILE), lines.encode())
  return report['Accuracy'] > best


def read_scalars(folder: str) -> dict[str, list[tuple[int, float]]]:
  """Return tag -> [(step, value)] of all event files in a folder, by step."""
  curves = {}
  for path in sorted(glob.glob(f'{glob.escape(folder)}/*.tfevents.*')):
    for event in tf.train.summary_iterator(path):
      for value in event.summary.value:
        if value.WhichOneof('value') == 'simple_value':
          points = curves.setdefault(value.tag, [])
          points.append((event.step, value.simple_value))
  return {tag: sorted(points) for tag, points in curves.items()}
