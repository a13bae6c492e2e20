"""What an evaluation leaves behind: files, pictures, the best checkpoint."""

import csv
import glob
import io
import json
import os
import shutil

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

from datasets import metadata
from deployment import checkpoints, eval_pictures, run_record, summaries

_MISTAKES = 20
_HISTORY_FILE = 'history.jsonl'
_HISTORY_KEYS = ('step', 'Accuracy', 'Recall_5', 'loss', 'images')


def write(config, dataset, prefix, samples, result):
  """Writes everything that a finished evaluation reports.

  Args:
    config: an EvalConfig; its eval_dir takes the files.
    dataset: the slim Dataset.
    prefix: the checkpoint that was evaluated.
    samples: index, label, logits and loss of every sample.
    result: what `metrics.summarize` returned.
  """
  step = checkpoints.global_step(prefix) or 0
  classes = summaries.class_names(dataset, config.labels_offset)
  scores = probabilities(samples['logits'])
  report = {
    'checkpoint': prefix,
    'step': step,
    'model_name': config.model_name,
    'dataset_name': config.dataset_name,
    'split': config.dataset_split_name,
    'moving_average_decay': config.moving_average_decay,
    **result,
    'classes': classes,
    'most_confident_mistakes': _mistakes(samples, scores, classes),
  }
  run_record.write_json(os.path.join(config.eval_dir, 'metrics.json'), report)
  _write_text(
    os.path.join(config.eval_dir, 'confusion.csv'),
    _confusion_csv(classes, result['confusion']),
  )
  if config.predictions_file:
    _write_text(config.predictions_file, _predictions_csv(samples, scores))
  pictures = _pictures(dataset, report)
  for name, png in pictures.items():
    path = os.path.join(config.eval_dir, f'{name}.png')
    metadata.write_atomically(path, png)
  _write_events(config.eval_dir, step, result, pictures)
  _keep_best(config.eval_dir, prefix, report)


def probabilities(logits):
  """Returns the softmax of float [batch, classes], row by row."""
  shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
  return shifted / shifted.sum(axis=1, keepdims=True)


def _mistakes(samples, scores, classes):
  """Returns the wrong predictions with the highest probability."""
  predicted = scores.argmax(axis=1)
  confidence = scores.max(axis=1)
  wrong = np.flatnonzero(predicted != samples['label'])
  wrong = wrong[np.argsort(-confidence[wrong], kind='stable')][:_MISTAKES]
  return [
    {
      'index': int(samples['index'][i]),
      'label': classes[samples['label'][i]],
      'prediction': classes[predicted[i]],
      'probability': float(confidence[i]),
    }
    for i in wrong
  ]


def _write_text(path, text):
  metadata.write_atomically(path, text.encode())


def _pictures(dataset, report):
  """Returns name -> PNG; empty where matplotlib is not installed."""
  if not eval_pictures.available():
    logging.info('No pictures: pip install ".[plots]" brings matplotlib.')
    return {}
  mistakes = report['most_confident_mistakes']
  matrix = eval_pictures.confusion_matrix(
    report['confusion'], report['classes']
  )
  pictures = {'confusion': matrix}
  if mistakes:
    pictures['mistakes'] = eval_pictures.contact_sheet(dataset, mistakes)
  return pictures


def _confusion_csv(classes, confusion):
  text = io.StringIO()
  rows = csv.writer(text, lineterminator='\n')
  rows.writerow(['true \\ predicted', *classes])
  for name, row in zip(classes, confusion, strict=True):
    rows.writerow([name, *row])
  return text.getvalue()


def _predictions_csv(samples, scores):
  """Returns a row per image: index, label, prediction, every score."""
  text = io.StringIO()
  rows = csv.writer(text, lineterminator='\n')
  columns = [f'score_{label}' for label in range(scores.shape[1])]
  rows.writerow(['index', 'label', 'prediction', *columns])
  for index, label, row in zip(
    samples['index'], samples['label'], scores, strict=True
  ):
    rows.writerow([index, label, row.argmax(), *(f'{x:.6g}' for x in row)])
  return text.getvalue()


def _write_events(eval_dir, step, result, pictures):
  values = [
    tf.Summary.Value(tag=f'eval/{name}', simple_value=result[name])
    for name in ('Accuracy', 'Recall_5', 'loss')
  ]
  writer = tf.summary.FileWriterCache.get(eval_dir)
  writer.add_summary(tf.Summary(value=values), step)
  for name, png in pictures.items():
    summary = eval_pictures.image_summary(f'eval/{name}', png)
    writer.add_summary(summary, step)
  writer.flush()


def read_history(eval_dir) -> list[dict]:
  """Returns what was evaluated so far, oldest first."""
  path = os.path.join(eval_dir, _HISTORY_FILE)
  if not os.path.isfile(path):
    return []
  with open(path, encoding='utf-8') as file:
    return [json.loads(line) for line in file if line.strip()]


def read_scalars(folder) -> dict[str, list[tuple[int, float]]]:
  """Returns tag -> [(step, value)] of all events in a folder, by step."""
  curves = {}
  for path in sorted(glob.glob(f'{glob.escape(folder)}/*.tfevents.*')):
    for event in tf.train.summary_iterator(path):
      for value in event.summary.value:
        if value.WhichOneof('value') == 'simple_value':
          points = curves.setdefault(value.tag, [])
          points.append((event.step, value.simple_value))
  return {tag: sorted(points) for tag, points in curves.items()}


def _keep_best(eval_dir, prefix, report):
  """Adds to the history; copies the checkpoint if it is the best so far."""
  step = report['step']
  history = [old for old in read_history(eval_dir) if old['step'] != step]
  best = max((entry['Accuracy'] for entry in history), default=-1.0)
  history.append({name: report[name] for name in _HISTORY_KEYS})
  lines = ''.join(json.dumps(entry) + '\n' for entry in history)
  _write_text(os.path.join(eval_dir, _HISTORY_FILE), lines)
  if report['Accuracy'] <= best:
    return
  folder = os.path.join(eval_dir, 'best')
  temporary = f'{folder}.tmp-{os.getpid()}'
  shutil.rmtree(temporary, ignore_errors=True)
  os.makedirs(temporary)
  for path in glob.glob(glob.escape(prefix) + '*'):
    if path == prefix or path[len(prefix)] == '.':
      shutil.copy2(path, temporary)
  checkpoints.write_state(temporary, [prefix])
  run = os.path.join(os.path.dirname(prefix), 'run.json')
  if os.path.isfile(run):
    shutil.copy2(run, temporary)
  shutil.rmtree(folder, ignore_errors=True)
  os.rename(temporary, folder)
  logging.info('Best so far: copied to %s', folder)
