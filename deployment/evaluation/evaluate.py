"""Evaluation: run every image of a split once, at one or more checkpoints."""

import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

from datasets import dataset_factory, reading
from deployment.checkpoints import run_folder
from deployment.checkpoints.restore import Restorer
from deployment.command_line import data_config, gpu_memory, server
from deployment.evaluation import follow, predictions, results
from deployment.evaluation.config import EvalConfig
from deployment.evaluation.metrics import RunningMetrics, probabilities
from deployment.evaluation.mistakes import ConfidentMistakes
from deployment.inputs import failures, input_spec, pipeline, shard_files
from nets import nets_factory
from slim_support import errors, files, targets
from slim_support.progress import Progress


class Batch(NamedTuple):
  """A batch of images that the network has classified.

  Attributes:
    index: int64 [batch], numbers of the images in the split.
    label: int64 [batch], the true classes.
    logits: float32 [batch, classes].
    loss: float32 [batch], cross entropies.
  """

  index: Any
  label: Any
  logits: Any
  loss: Any


def evaluate(config: EvalConfig) -> dict[str, Any]:
  """Evaluate as the configuration says.

  Args:
    config: the configuration.

  Returns:
    The metrics of the last checkpoint evaluated, see `RunningMetrics.result`.

  Raises:
    UserError: if something is wrong that the user can fix.
  """
  if config.gpu_memory_growth:
    gpu_memory.allocate_as_needed()
  results.check_eval_dir(config.eval_dir)
  dataset = dataset_factory.get_dataset(
    config.dataset_name, config.dataset_split_name, config.dataset_dir
  )
  shard_files.checked_files(dataset)
  data_config.check_labels_offset(config, dataset.num_classes)
  _check_predictions_file(config, dataset)
  server.wait(config.master, config.cluster_timeout_secs)
  with tf.Graph().as_default():
    evaluator = Evaluator(config, dataset)
    with tf.Session(config.master) as session:
      metrics = {}
      for prefix in follow.checkpoints(config):
        metrics = _evaluate_if_there(evaluator, session, prefix) or metrics
  return metrics


def _check_predictions_file(config, dataset):
  """Raise UserError if the predictions file cannot or must not be written."""
  path = config.predictions_file
  if not path:
    return
  targets.check_writable('predictions_file', path)
  inputs = {name: 'the data set' for name in reading.list_files(dataset)}
  inputs |= {
    found: 'a file of the data set'
    for found in files.glob(config.dataset_dir or '.', '*')
    if not files.is_folder(found)
  }
  folder = os.path.expanduser(config.checkpoint_path)
  if not files.is_folder(folder):
    folder = os.path.dirname(folder) or '.'
  if files.is_folder(folder):
    run = files.join(folder, run_folder.RUN_FILE)
    inputs |= {found: 'a checkpoint' for found in files.glob(folder, '*ckpt*')}
    inputs |= {files.join(folder, 'checkpoint'): 'a checkpoint', run: run}
  for name in results.FILES:
    inputs[files.join(config.eval_dir, name)] = 'another result'
  targets.check_keeps([('predictions_file', path)], inputs)


class Evaluator:
  """The graph of an evaluation, built once and run at any checkpoint.

  Args:
    config: the configuration.
    dataset: the tf-slim Dataset.
  """

  def __init__(self, config: EvalConfig, dataset: Any):
    self.config = config
    self.dataset = dataset
    spec = input_spec.from_config(config, dataset, config.eval_image_size)
    self.num_classes = spec.num_classes
    self._max_batches = config.max_num_batches or None
    batches = pipeline.eval_batches(spec, config.batch_size, self._max_batches)
    self._iterator = tf.data.make_initializable_iterator(batches)
    batch = self._iterator.get_next()
    network_fn = nets_factory.get_network_fn(
      config.model_name, num_classes=spec.num_classes, is_training=False
    )
    logits, _ = network_fn(batch['image'])
    self._fetches = Batch(
      index=batch['index'],
      label=batch['label'],
      logits=logits,
      loss=tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=batch['label'], logits=logits
      ),
    )
    self._restorer = Restorer(bool(config.moving_average_decay))

  def restore(self, session: tf.Session, prefix: str) -> None:
    """Restore the network's weights from a checkpoint; see `Restorer`."""
    self._restorer.restore(session, prefix)

  def batches(self, session: tf.Session) -> Iterator[Batch]:
    """Yield every image of the split once, in batches of NumPy arrays.

    Args:
      session: a session whose variables have their values.

    Raises:
      UserError: if the network gives NaN or infinite scores.
    """
    session.run(self._iterator.initializer)
    step = session.make_callable(self._fetches)
    total = self.dataset.num_samples
    if self._max_batches:
      total = min(total, self._max_batches * self.config.batch_size)
    with Progress('Evaluating', total) as progress:
      while True:
        try:
          batch = Batch(*step())
        except tf.errors.OutOfRangeError:
          return
        _check_finite(batch)
        yield batch
        progress.add(len(batch.label))


def _check_finite(batch):
  """Raise UserError if a score or a loss is NaN or infinite."""
  bad = ~np.isfinite(batch.logits).all(axis=1) | ~np.isfinite(batch.loss)
  if bad.any():
    raise errors.UserError(
      f'The network gives image {batch.index[bad.argmax()]} scores that are '
      'NaN or infinite. Evaluate an earlier checkpoint, and train with a lower '
      'learning rate.'
    )


def _evaluate_if_there(evaluator, session, prefix):
  """Return the metrics of a checkpoint; None if it was deleted meanwhile.

  A training run that is followed deletes its older checkpoints, even one that
  is being read.
  """
  try:
    return _evaluate_checkpoint(evaluator, session, prefix)
  except (errors.UserError, tf.errors.OpError):
    following = evaluator.config.eval_interval_secs
    if not following or tf.train.checkpoint_exists(prefix):
      raise
    logging.warning('%s was deleted; waiting for the next one.', prefix)
    return None


def _evaluate_checkpoint(evaluator, session, prefix):
  """Restore a checkpoint, run it, write the results; return its metrics."""
  config, dataset = evaluator.config, evaluator.dataset
  logging.info('Evaluating %s', prefix)
  evaluator.restore(session, prefix)
  running = RunningMetrics(evaluator.num_classes)
  mistakes = ConfidentMistakes()
  with (
    failures.explained(dataset, config.eval_dir),
    predictions.writing(
      config.predictions_file, evaluator.num_classes
    ) as add_rows,
  ):
    for batch in evaluator.batches(session):
      scores = probabilities(batch.logits)
      running.add(batch.label, batch.logits, batch.loss)
      mistakes.add(batch.index, batch.label, scores)
      add_rows(batch.index, batch.label, scores)
    if not running.images:
      raise errors.UserError(
        f'The split {config.dataset_split_name!r} of {config.dataset_name} is '
        'empty.'
      )
  metrics = running.result()
  logging.info('eval/Accuracy[%.8f]', metrics['Accuracy'])
  logging.info('eval/Recall_5[%.8f]', metrics['Recall_5'])
  logging.info('loss %.4f over %d images', metrics['loss'], metrics['images'])
  classes = input_spec.class_names(dataset, config.labels_offset)
  results.write(config, dataset, prefix, metrics, mistakes.result(classes))
  return metrics
