"""Write the results of an evaluation: metrics, tables, pictures, history.

An eval_dir then holds

    metrics.json      all metrics, the classes and the most confident mistakes
    confusion.csv     the confusion matrix
    confusion.png     the same as a picture
    mistakes.png      the most confident mistakes
    history.jsonl     the metrics of each step that was evaluated
    best/             the checkpoint with the highest accuracy so far
    *.tfevents.*      the metrics and the pictures for TensorBoard
"""

import csv
import io
from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import locate
from deployment.evaluation import best_checkpoint, history, pictures
from deployment.evaluation.config import EvalConfig
from deployment.inputs import input_spec
from slim_support import errors, files, json_files, targets

METRICS_FILE = 'metrics.json'
_CONFUSION_TABLE = 'confusion.csv'
_PICTURES = {'confusion': 'confusion.png', 'mistakes': 'mistakes.png'}
FILES = (METRICS_FILE, _CONFUSION_TABLE, history.FILE, *_PICTURES.values())


def check_eval_dir(eval_dir: str) -> None:
  """Check that every result can be written to the folder; make it if need be.

  Raises:
    UserError: if one cannot.
  """
  targets.make_folder('eval_dir', eval_dir)
  for name in FILES:
    targets.check_writable('eval_dir', files.join(eval_dir, name))


def write(
  config: EvalConfig,
  dataset: Any,
  prefix: str,
  metrics: dict[str, Any],
  mistakes: list[dict[str, Any]],
) -> None:
  """Write everything that a finished evaluation leaves in its eval_dir.

  Args:
    config: the configuration.
    dataset: the tf-slim Dataset.
    prefix: the checkpoint that was evaluated.
    metrics: what `RunningMetrics.result` returned.
    mistakes: what `ConfidentMistakes.result` returned.

  Raises:
    UserError: if something cannot be written.
  """
  evaluation = {
    'checkpoint': prefix,
    'step': locate.global_step(prefix) or 0,
    'model_name': config.model_name,
    'dataset_name': config.dataset_name,
    'split': config.dataset_split_name,
    'moving_average_decay': config.moving_average_decay,
    **metrics,
    'classes': input_spec.class_names(dataset, config.labels_offset),
    'most_confident_mistakes': mistakes,
  }
  try:
    _write_files(config.eval_dir, dataset, evaluation)
    # The copy comes first: after a kill between the two, the checkpoint would
    # count as evaluated and never be copied.
    if history.is_best(config.eval_dir, evaluation):
      best_checkpoint.keep(config.eval_dir, prefix)
    history.add(config.eval_dir, evaluation)
  except (OSError, tf.errors.OpError) as error:
    if isinstance(error, tf.errors.OpError):
      error = errors.as_os_error(error)
    raise files.cannot_write(f'--eval_dir={config.eval_dir}', error) from error


def _write_files(eval_dir, dataset, evaluation):
  json_files.write(files.join(eval_dir, METRICS_FILE), evaluation)
  files.write(
    files.join(eval_dir, _CONFUSION_TABLE),
    _confusion_csv(evaluation['classes'], evaluation['confusion']).encode(),
  )
  drawn = _draw(dataset, evaluation)
  for name, png in drawn.items():
    files.write(files.join(eval_dir, _PICTURES[name]), png)
  _write_events(eval_dir, evaluation, drawn)


def _draw(dataset, evaluation):
  """Return name -> PNG; empty where matplotlib is not installed."""
  if not pictures.can_draw():
    logging.info('No pictures: pip install ".[plots]" installs matplotlib.')
    return {}
  drawn = {
    'confusion': pictures.confusion_matrix(
      evaluation['confusion'], evaluation['classes']
    )
  }
  mistakes = evaluation['most_confident_mistakes']
  if mistakes:
    drawn['mistakes'] = pictures.contact_sheet(dataset, mistakes)
  return drawn


def _confusion_csv(classes, confusion):
  text = io.StringIO()
  rows = csv.writer(text, lineterminator='\n')
  rows.writerow(['true \\ predicted', *classes])
  for name, row in zip(classes, confusion, strict=True):
    rows.writerow([name, *row])
  return text.getvalue()


def _write_events(eval_dir, evaluation, drawn):
  """Write the metrics and the pictures for TensorBoard."""
  step = evaluation['step']
  values = [
    tf.Summary.Value(tag=f'eval/{name}', simple_value=evaluation[name])
    for name in ('Accuracy', 'Recall_5', 'loss')
  ]
  writer = tf.summary.FileWriterCache.get(eval_dir)
  writer.add_summary(tf.Summary(value=values), step)
  for name, png in drawn.items():
    writer.add_summary(pictures.image_summary(f'eval/{name}', png), step)
  writer.flush()
