"""Cluster membership, parsed from the flags or from TF_CONFIG.

A cluster has parameter servers (ps), which hold the variables, and workers,
which train. Worker 0 is the chief: it alone writes the train_dir. An evaluator
evaluates the checkpoints; it is not part of TensorFlow's cluster.

The flags are --ps_hosts, --worker_hosts, --job_name and --task. The
environment variable TF_CONFIG has the form that TensorFlow, Kubeflow and the
cloud platforms share. A job `chief` there becomes worker 0, and its `worker` i
becomes worker i + 1.

This needs no TensorFlow, so that mistakes are reported at once.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from slim_support import errors, json_files

JOBS = ('chief', 'worker', 'ps', 'evaluator')
_CHIEFS = ('chief', 'master')
_TF_CONFIG_SCHEMA = {
  'cluster?': {str: [str]},
  'task?': {'type?': (str, type(None)), 'index?': (int, str, type(None))},
}
_TF_CONFIG_EXAMPLE = (
  '{"cluster": {"chief": ["host:port"], "worker": [...], "ps": [...]}, '
  '"task": {"type": "worker", "index": 0}}'
)


@dataclasses.dataclass(frozen=True)
class Cluster:
  """The processes of a cluster, and which of them this one is.

  Attributes:
    job: 'worker', 'ps' or 'evaluator'; the chief is worker 0.
    task: number of this process within its job.
    ps: 'host:port' of every parameter server.
    workers: 'host:port' of every worker, the chief's first.
  """

  job: str
  task: int
  ps: tuple[str, ...]
  workers: tuple[str, ...]

  @property
  def is_chief(self) -> bool:
    """Whether this process is the one that writes the train_dir."""
    return self.job == 'worker' and self.task == 0

  def apply(self, config: Any) -> Any:
    """Return a TrainConfig with the numbers of this cluster.

    Args:
      config: the TrainConfig.

    Raises:
      UserError: if its flags contradict the cluster.
    """
    numbers = {
      'worker_replicas': (len(self.workers), 1),
      'num_ps_tasks': (len(self.ps), 0),
    }
    for name, (number, default) in numbers.items():
      given = getattr(config, name)
      if given not in (number, default):
        raise errors.UserError(
          f'--{name}={given}, but the cluster has {number} such processes. '
          f'Leave out --{name}.'
        )
    return dataclasses.replace(
      config,
      task=self.task,
      **{name: number for name, (number, _) in numbers.items()},
    )


def resolve(config: Any, environ: Mapping[str, str]) -> Cluster | None:
  """Return the cluster of this process, None if it trains alone.

  Args:
    config: the TrainConfig.
    environ: the environment variables; the flags take precedence over
      TF_CONFIG.

  Raises:
    UserError: if the cluster cannot work.
  """
  if config.job_name or config.ps_hosts or config.worker_hosts:
    return _from_flags(config)
  if environ.get('TF_CONFIG') and not config.master:
    return _from_environment(environ['TF_CONFIG'])
  _check_without_hosts(config)
  return None


def split_to_read(config: Any, cluster: Cluster | None) -> str | None:
  """Return the split that a process reads, None for a parameter server."""
  if cluster and cluster.job == 'ps':
    return None
  if cluster and cluster.job == 'evaluator':
    return config.evaluator_split_name
  return config.dataset_split_name


def _check_without_hosts(config):
  """Check the flags of a process alone or of servers started elsewhere."""
  several = config.worker_replicas > 1 or config.num_ps_tasks
  if several and not config.master:
    raise errors.UserError(
      '--worker_replicas and --num_ps_tasks need servers. Use --ps_hosts, '
      '--worker_hosts and --job_name, or --master for servers that are running.'
    )
  if config.worker_replicas > 1 and not config.num_ps_tasks:
    raise errors.UserError(
      f'--worker_replicas={config.worker_replicas}: workers share their '
      'variables on parameter servers. Use --num_ps_tasks.'
    )
  if config.task >= config.worker_replicas:
    raise errors.UserError(
      f'--task={config.task}: with {config.worker_replicas} workers the last '
      f'one is number {config.worker_replicas - 1}. Use --worker_replicas.'
    )


def _from_flags(config):
  """Return the Cluster of --ps_hosts, --worker_hosts, --job_name, --task."""
  if config.master:
    raise errors.UserError(
      '--master names a running server, while --ps_hosts, --worker_hosts and '
      '--job_name start one. Use one or the other.'
    )
  if not config.job_name:
    raise errors.UserError(
      f'--job_name is missing. Use {" or ".join(JOBS)}, the role of this '
      'process.'
    )
  workers = tuple(config.worker_hosts or ())
  if not workers:
    raise errors.UserError(
      '--worker_hosts is missing: host:port of every worker, the chief first.'
    )
  job, task = config.job_name, config.task
  if job == 'chief':
    if task:
      raise errors.UserError(
        f'--job_name=chief --task={task}: there is only one chief, task 0.'
      )
    job = 'worker'
  cluster = Cluster(job, task, tuple(config.ps_hosts or ()), workers)
  return _checked(cluster, '--ps_hosts, --worker_hosts', f'--task={task}')


def _from_environment(text):
  """Return the Cluster of TF_CONFIG, None if it holds one process only."""
  hosts, job, task = _parse_tf_config(text)
  chief = next((hosts[name] for name in _CHIEFS if hosts.get(name)), ())
  workers, ps = (*chief, *hosts.get('worker', ())), hosts.get('ps', ())
  if not ps and len(workers) <= 1 and job != 'evaluator':
    return None
  shown = f'TF_CONFIG: task {job} {task}'
  if job in _CHIEFS:
    if not 0 <= task < len(chief):
      raise errors.UserError(f'{shown}: the cluster has {len(chief)} chiefs.')
    job = 'worker'
  elif job == 'worker':
    if not 0 <= task < len(workers) - len(chief):
      raise errors.UserError(
        f'{shown}: the cluster lists {len(workers) - len(chief)} workers '
        'besides the chief, numbered from 0.'
      )
    task += len(chief)
  elif job not in JOBS:
    raise errors.UserError(f'{shown}: the type must be {" or ".join(JOBS)}.')
  return _checked(Cluster(job, task, ps, workers), 'TF_CONFIG', shown)


def _parse_tf_config(text):
  """Return the hosts of each job, this process's job and its number."""
  try:
    content = json_files.parse(text, {})
    json_files.check(content, _TF_CONFIG_SCHEMA)
    own = content.get('task', {})
    task = int(own.get('index') or 0)
  except (json_files.StructureError, ValueError) as error:
    message = str(error).replace('the file', 'it')
    raise errors.UserError(
      f'TF_CONFIG is not valid: {message}. Use {_TF_CONFIG_EXAMPLE}.'
    ) from error
  hosts = content.get('cluster', {})
  for one, other in (_CHIEFS,):
    if hosts.get(one) and hosts.get(other):
      raise errors.UserError(
        f'TF_CONFIG: the cluster has a {one} and a {other}. Use one of them.'
      )
  hosts = {name: tuple(addresses) for name, addresses in hosts.items()}
  return hosts, own.get('type'), task


def _checked(cluster, source, own):
  """Return the Cluster if it can work.

  Args:
    cluster: the Cluster.
    source: where the addresses come from, for the message.
    own: where the number of this process comes from, for the message.
  """
  _check_addresses([*cluster.ps, *cluster.workers], source)
  if not cluster.workers:
    raise errors.UserError(f'{source}: there is no chief and no worker.')
  if cluster.job == 'evaluator':
    return cluster
  if not cluster.ps:
    raise errors.UserError(
      f'{source}: workers share their variables on parameter servers, but '
      'there is none. To use several devices of one machine without a '
      'cluster, use --num_clones.'
    )
  number = len(cluster.ps if cluster.job == 'ps' else cluster.workers)
  if not 0 <= cluster.task < number:
    raise errors.UserError(
      f'{own}: there are {number} processes of the job {cluster.job}, numbered '
      f'from 0 to {number - 1}.'
    )
  return cluster


def _check_addresses(addresses, source):
  """Raise UserError unless every address is a host:port of its own."""
  for address in addresses:
    port = re.fullmatch(r'[^\s,/]+:([0-9]{1,5})', address)
    if not port or not 0 < int(port[1]) < 65536:
      raise errors.UserError(f'{source}: {address!r} is not host:port.')
    if addresses.count(address) > 1:
      raise errors.UserError(f'{source}: {address} is listed twice.')
