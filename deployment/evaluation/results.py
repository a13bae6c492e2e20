"""What an evaluation leaves behind: files, pictures, the best checkpoint."""

import csv
import glob
import io
import os
import shutil

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import locate, repair, run_folder
from deployment.evaluation import history, pictures
from deployment.inputs import input_spec
from slim_support import files, json_files

_MISTAKES = 20


def write(config, dataset, prefix, samples, result):
  """Writes everything that a finished evaluation reports.

  Args:
    config: an EvalConfig; its eval_dir takes the files.
    dataset: the slim Dataset.
    prefix: the checkpoint that was evaluated.
    samples: index, label, logits and loss of every sample.
    result: what `metrics.summarize` returned.
  """
  step = locate.global_step(prefix) or 0
  classes = input_spec.class_names(dataset, config.labels_offset)
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
  json_files.write(os.path.join(config.eval_dir, 'metrics.json'), report)
  _write_text(
    os.path.join(config.eval_dir, 'confusion.csv'),
    _confusion_csv(classes, result['confusion']),
  )
  if config.predictions_file:
    _write_text(config.predictions_file, _predictions_csv(samples, scores))
  drawn = _pictures(dataset, report)
  for name, png in drawn.items():
    path = os.path.join(config.eval_dir, f'{name}.png')
    files.write(path, png)
  _write_events(config.eval_dir, step, result, drawn)
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
  files.write(path, text.encode())


def _pictures(dataset, report):
  """Returns name -> PNG; empty where matplotlib is not installed."""
  if not pictures.available():
    logging.info('No pictures: pip install ".[plots]" brings matplotlib.')
    return {}
  mistakes = report['most_confident_mistakes']
  matrix = pictures.confusion_matrix(report['confusion'], report['classes'])
  drawn = {'confusion': matrix}
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


def _write_events(eval_dir, step, result, drawn):
  values = [
    tf.Summary.Value(tag=f'eval/{name}', simple_value=result[name])
    for name in ('Accuracy', 'Recall_5', 'loss')
  ]
  writer = tf.summary.FileWriterCache.get(eval_dir)
  writer.add_summary(tf.Summary(value=values), step)
  for name, png in drawn.items():
    summary = pictures.image_summary(f'eval/{name}', png)
    writer.add_summary(summary, step)
  writer.flush()


def _keep_best(eval_dir, prefix, report):
  """Add to the history; copy the checkpoint if it is the best so far."""
  if not history.add(eval_dir, report):
    return
  folder = os.path.join(eval_dir, 'best')
  temporary = f'{folder}.tmp-{os.getpid()}'
  shutil.rmtree(temporary, ignore_errors=True)
  os.makedirs(temporary)
  for path in glob.glob(glob.escape(prefix) + '*'):
    if path == prefix or path[len(prefix)] == '.':
      shutil.copy2(path, temporary)
  repair.write_state(temporary, [prefix])
  run = os.path.join(os.path.dirname(prefix), run_folder.RUN_FILE)
  if os.path.isfile(run):
    shutil.copy2(run, temporary)
  shutil.rmtree(folder, ignore_errors=True)
  os.rename(temporary, folder)
  logging.info('Best so far: copied to %s', folder)
