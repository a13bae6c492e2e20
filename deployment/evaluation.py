"""Evaluation: every sample of a split once, at one checkpoint or at many."""

import os
import time

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

import slim_errors
from datasets import dataset_factory
from datasets.progress import Progress
from deployment import (
  checkpoints,
  eval_report,
  failures,
  inputs,
  metrics,
  run_record,
  train_graph,
)
from nets import nets_factory


def evaluate(config) -> dict:
  """Evaluates as the configuration says.

  Args:
    config: a deployment.config.EvalConfig.

  Returns:
    The metrics of the last checkpoint evaluated, see `metrics.summarize`.

  Raises:
    UserError: if something is wrong that the user can mend.
  """
  run_record.make_folder('eval_dir', config.eval_dir)
  dataset = dataset_factory.get_dataset(
    config.dataset_name, config.dataset_split_name, config.dataset_dir
  )
  inputs.check_not_empty(dataset)
  with tf.Graph().as_default():
    evaluator = Evaluator(config, dataset)
    with tf.Session(config.master) as session:
      result = {}
      for prefix in _checkpoints(config):
        result = _evaluate_if_there(evaluator, session, prefix) or result
  return result


class Evaluator:
  """The graph of an evaluation, built once and run at any checkpoint.

  Args:
    config: an EvalConfig.
    dataset: the slim Dataset.
  """

  def __init__(self, config, dataset):
    self.config = config
    self.dataset = dataset
    data = train_graph.source(config, dataset, config.eval_image_size)
    self.num_classes = data.num_classes
    batches = inputs.eval_batches(
      data, config.batch_size, config.max_num_batches
    )
    self._iterator = tf.data.make_initializable_iterator(batches)
    batch = self._iterator.get_next()
    network_fn = nets_factory.get_network_fn(
      config.model_name, num_classes=data.num_classes, is_training=False
    )
    logits, _ = network_fn(batch['image'])
    self._fetches = {
      'index': batch['index'],
      'label': batch['label'],
      'logits': logits,
      'loss': tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=batch['label'], logits=logits
      ),
    }
    self._variables = self._names_in_checkpoint()
    self._saver = tf.train.Saver(self._variables, reshape=False)

  def _names_in_checkpoint(self):
    """Returns name in the checkpoint -> variable; averages where asked for."""
    variables = tf.global_variables()
    if not self.config.moving_average_decay:
      return {variable.op.name: variable for variable in variables}
    averages = tf.train.ExponentialMovingAverage(
      self.config.moving_average_decay
    )
    return averages.variables_to_restore(tf.model_variables())

  def restore(self, session, prefix):
    """Gives the network the checkpoint's weights.

    Raises:
      UserError: if they do not fit; it names variables and shapes.
    """
    _, missing, misshapen = checkpoints.assignment(prefix, self._variables)
    if missing and self.config.moving_average_decay:
      raise slim_errors.UserError(
        f'{prefix} has no moving averages ({checkpoints.shorten(missing)}). '
        'Leave out --moving_average_decay.'
      )
    checkpoints.check_fits(prefix, missing, misshapen)
    self._saver.restore(session, prefix)

  def run(self, session) -> dict:
    """Returns index, label, logits and loss of every sample, concatenated."""
    session.run(self._iterator.initializer)
    step = session.make_callable(self._fetches)
    collected = []
    total = self.dataset.num_samples
    if self.config.max_num_batches:
      total = min(total, self.config.max_num_batches * self.config.batch_size)
    with Progress('Evaluating', total) as progress:
      while True:
        try:
          collected.append(step())
        except tf.errors.OutOfRangeError:
          break
        progress.add(len(collected[-1]['label']))
    if not collected:
      raise slim_errors.UserError(
        f'The split {self.config.dataset_split_name!r} of '
        f'{self.config.dataset_name} is empty.'
      )
    return {
      name: np.concatenate([values[name] for values in collected])
      for name in self._fetches
    }


def _evaluate_if_there(evaluator, session, prefix):
  """Returns a checkpoint's metrics; None if it went while a run was followed.

  A training deletes its older checkpoints, also one that is being read.
  """
  try:
    return _evaluate_one(evaluator, session, prefix)
  except (slim_errors.UserError, tf.errors.OpError):
    following = evaluator.config.eval_interval_secs
    if not following or tf.train.checkpoint_exists(prefix):
      raise
    logging.warning('%s is gone, waiting for the next one.', prefix)
    return None


def _evaluate_one(evaluator, session, prefix):
  """Restores, runs and reports one checkpoint; returns its metrics."""
  config = evaluator.config
  logging.info('Evaluating %s', prefix)
  evaluator.restore(session, prefix)
  with failures.explained(evaluator.dataset, config.eval_dir):
    samples = evaluator.run(session)
  predictions = samples['logits'].argmax(axis=1)
  result = metrics.summarize(
    samples['label'],
    predictions,
    metrics.ranks(samples['logits'], samples['label']),
    samples['loss'],
    evaluator.num_classes,
  )
  logging.info('eval/Accuracy[%.8f]', result['Accuracy'])
  logging.info('eval/Recall_5[%.8f]', result['Recall_5'])
  logging.info('loss %.4f over %d images', result['loss'], result['images'])
  eval_report.write(config, evaluator.dataset, prefix, samples, result)
  return result


def _checkpoints(config):
  """Yields the checkpoints to evaluate, in a loop those yet to come."""
  if config.all_checkpoints:
    folder = config.checkpoint_path
    found = checkpoints.prefixes(folder) if os.path.isdir(folder) else []
    if not found:
      raise slim_errors.UserError(
        f'--all_checkpoints: {folder} is no folder of checkpoints.'
      )
    yield from found
  elif config.eval_interval_secs:
    yield from _new_checkpoints(config)
  else:
    yield checkpoints.resolve(config.checkpoint_path)


def _new_checkpoints(config):
  """Yields each newest checkpoint once, until training is over.

  Without a training run that says so: until none comes in time.
  """
  seen, since = None, time.monotonic()
  while True:
    over = run_record.is_finished(config.checkpoint_path)
    newest = _newest(config.checkpoint_path)
    if newest and newest != seen:
      yield newest
      seen, since = newest, time.monotonic()
      continue
    if over and seen:
      logging.info('Training is over, and its last checkpoint is evaluated.')
      return
    if _is_late(config, seen, time.monotonic() - since):
      return
    time.sleep(config.eval_interval_secs)


def _newest(path):
  """Returns the newest checkpoint, None before there is any."""
  try:
    return checkpoints.resolve(path)
  except slim_errors.UserError:
    return None


def _is_late(config, seen, waited_secs):
  """Returns whether a next checkpoint has been waited for too long.

  Raises:
    UserError: if there was none at all.
  """
  timeout = config.eval_timeout_secs
  if timeout is None or waited_secs < timeout:
    return False
  if seen is None:
    raise slim_errors.UserError(
      f'{config.checkpoint_path} held no checkpoint for {timeout} s.'
    )
  return True
