"""The history of evaluations in an eval_dir."""

import json
from typing import Any

from absl import logging

from slim_support import files, json_files

FILE = 'history.jsonl'
_SCHEMA = {
  'step': int,
  'Accuracy': float,
  'Recall_5?': float,
  'loss?': float,
  'images?': int,
}


def read(eval_dir: str) -> list[dict[str, Any]]:
  """Return what was evaluated so far, oldest first.

  Each entry has 'step', 'Accuracy' and, if this library wrote it, 'Recall_5',
  'loss' and 'images'. Lines that an interruption or an editor damaged are left
  out, with a warning.
  """
  path = files.join(eval_dir, FILE)
  if not files.is_file(path):
    return []
  entries, damaged = [], []
  for number, line in enumerate(files.read_bytes(path).split(b'\n'), 1):
    if not line.strip():
      continue
    try:
      entries.append(_parse(line))
    except json_files.StructureError:
      damaged.append(number)
  if damaged:
    logging.warning(
      '%s: %d of its lines are damaged and left out, the first is line %d.',
      path,
      len(damaged),
      damaged[0],
    )
  return entries


def _parse(line):
  """Return the entry of a line; raise StructureError if it is not valid."""
  entry = json_files.parse(line, _SCHEMA)
  if not 0 <= entry['Accuracy'] <= 1 or entry['step'] < 0:
    raise json_files.StructureError('a step or an accuracy is out of range')
  return entry


def is_best(eval_dir: str, evaluation: dict[str, Any]) -> bool:
  """Return whether no other step was evaluated with such an accuracy.

  Args:
    eval_dir: the folder of the history.
    evaluation: its 'step' and 'Accuracy' are used.
  """
  others = (
    entry['Accuracy']
    for entry in read(eval_dir)
    if entry['step'] != evaluation['step']
  )
  return evaluation['Accuracy'] > max(others, default=-1.0)


def add(eval_dir: str, evaluation: dict[str, Any]) -> None:
  """Add an evaluation, in place of an earlier one of the same step.

  The file is written anew, without the lines that were damaged.

  Args:
    eval_dir: the folder of the history.
    evaluation: has the values of an entry, see `read`, and may have others.

  Raises:
    OSError: if the file cannot be written.
  """
  names = [name.removesuffix('?') for name in _SCHEMA]
  new = {name: evaluation[name] for name in names}
  entries = [e for e in read(eval_dir) if e['step'] != new['step']]
  lines = ''.join(json.dumps(entry) + '\n' for entry in [*entries, new])
  files.write(files.join(eval_dir, FILE), lines.encode())
