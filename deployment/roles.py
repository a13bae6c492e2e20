"""What a process of a cluster does: train, hold variables, or evaluate."""

import dataclasses
import os

from deployment.cluster import peers, servers
from deployment.command_line import data_config
from deployment.evaluation import evaluate as evaluation
from deployment.evaluation.config import EvalConfig
from deployment.training import train
from slim_support import errors

_EVAL_INTERVAL_SECS = 5


def run(config, cluster) -> int:
  """Plays this process's part.

  Args:
    config: a deployment.training.config.TrainConfig.
    cluster: a deployment.cluster.members.Cluster, None where it trains alone.

  Returns:
    The exit status.

  Raises:
    UserError: if something is wrong that the user can mend.
  """
  if cluster and cluster.job == 'ps':
    return servers.serve(cluster, config.cluster_timeout_secs)
  if cluster and cluster.job == 'evaluator':
    return evaluate(config, cluster)
  return train.train(config, cluster)


def evaluate(config, cluster) -> int:
  """Evaluates every checkpoint that the chief writes, until training is over.

  Waits for the chief first: what lies in the train_dir before may say that an
  earlier run is over. If the chief does not come, because it was faster, what
  it left is evaluated.

  Args:
    config: a TrainConfig; its train_dir must be the chief's.
    cluster: the Cluster.

  Returns:
    The exit status.
  """
  chief = peers.members(cluster)[1][:1]
  try:
    peers.wait(chief, config.cluster_timeout_secs, lambda: False)
  except errors.UserError:
    if not os.path.isdir(config.train_dir):
      raise
  evaluation.evaluate(eval_config(config))
  return 0


def eval_config(config):
  """Returns the EvalConfig that follows a TrainConfig's run."""
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
