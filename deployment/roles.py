"""Run a process of a cluster as trainer, parameter server or evaluator."""

import dataclasses
import os

from deployment.cluster import members, peers, servers
from deployment.command_line import data_config
from deployment.evaluation import evaluate as evaluation
from deployment.evaluation.config import EvalConfig
from deployment.training import train
from deployment.training.config import TrainConfig
from slim_support import errors

_EVAL_INTERVAL_SECS = 5


def run(config: TrainConfig, cluster: members.Cluster | None) -> int:
  """Run this process as trainer, parameter server or evaluator.

  Args:
    config: the configuration of the run.
    cluster: the cluster and this process's job; None to train alone.

  Returns:
    The exit status.

  Raises:
    UserError: if something is wrong that the user can fix.
  """
  if cluster and cluster.job == 'ps':
    return servers.serve(cluster, config.cluster_timeout_secs)
  if cluster and cluster.job == 'evaluator':
    return evaluate(config, cluster)
  return train.train(config, cluster)


def evaluate(config: TrainConfig, cluster: members.Cluster) -> int:
  """Evaluate every checkpoint that the chief writes, until training ends.

  Waits for the chief first: until it starts, the train_dir may say that an
  earlier run has finished. If the chief does not respond in time, because it
  has finished already, the checkpoint that it left is evaluated.

  Args:
    config: the configuration of the run; its train_dir must be the chief's.
    cluster: the cluster.

  Returns:
    The exit status.

  Raises:
    UserError: if the chief does not respond and there is no train_dir.
  """
  _, workers = peers.of_cluster(cluster)
  try:
    peers.wait(workers[:1], config.cluster_timeout_secs, lambda: False)
  except errors.UserError:
    if not os.path.isdir(config.train_dir):
      raise
  evaluation.evaluate(eval_config(config))
  return 0


def eval_config(config: TrainConfig) -> EvalConfig:
  """Return the configuration of the evaluator of a training run."""
  shared = {
    field.name: getattr(config, field.name)
    for field in dataclasses.fields(data_config.DataConfig)
  }
  return EvalConfig(
    **shared
    | {
      'dataset_split_name': config.evaluator_split_name,
      'batch_size': EvalConfig.batch_size,
      'master': '',
      'eval_image_size': config.train_image_size,
      'moving_average_decay': config.moving_average_decay,
      'checkpoint_path': config.train_dir,
      'eval_dir': os.path.join(config.train_dir, 'eval'),
      'eval_interval_secs': _EVAL_INTERVAL_SECS,
      'eval_timeout_secs': None,
    }
  )
