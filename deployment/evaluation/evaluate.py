"""Evaluation: every sample of a split once, at one checkpoint or at many."""

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

from datasets import dataset_factory
from deployment.checkpoints.restore import Restorer
from deployment.command_line import data_config
from deployment.evaluation import follow, metrics, results
from deployment.inputs import failures, input_spec, pipeline
from nets import nets_factory
from slim_support import errors, files
from slim_support.progress import Progress


def evaluate(config) -> dict:
  """Evaluates as the configuration says.

  Args:
    config: a deployment.evaluation.config.EvalConfig.

  Returns:
    The metrics of the last checkpoint evaluated, see `metrics.summarize`.

  Raises:
    UserError: if something is wrong that the user can mend.
  """
  files.make_folder('eval_dir', config.eval_dir)
  dataset = dataset_factory.get_dataset(
    config.dataset_name, config.dataset_split_name, config.dataset_dir
  )
  failures.check_not_empty(dataset)
  data_config.check_labels_offset(config, dataset.num_classes)
  with tf.Graph().as_default():
    evaluator = Evaluator(config, dataset)
    with tf.Session(config.master) as session:
      result = {}
      for prefix in follow.checkpoints(config):
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
    spec = input_spec.from_config(config, dataset, config.eval_image_size)
    self.num_classes = spec.num_classes
    batches = pipeline.eval_batches(
      spec, config.batch_size, config.max_num_batches or None
    )
    self._iterator = tf.data.make_initializable_iterator(batches)
    batch = self._iterator.get_next()
    network_fn = nets_factory.get_network_fn(
      config.model_name, num_classes=spec.num_classes, is_training=False
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
    self._restorer = Restorer(bool(config.moving_average_decay))

  def restore(self, session, prefix):
    """Restore the network's weights from a checkpoint; see `Restorer`."""
    self._restorer.restore(session, prefix)

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
      raise errors.UserError(
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
  except (errors.UserError, tf.errors.OpError):
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
  results.write(config, evaluator.dataset, prefix, samples, result)
  return result
