"""Who takes part in a training cluster, and which of them this process is.

A cluster has parameter servers (ps), which hold the variables, and workers,
which train; worker 0 is the chief, which alone writes the train_dir. An
evaluator follows the checkpoints and is no member of TensorFlow's cluster.

The flags --ps_hosts, --worker_hosts, --job_name and --task say it, or the
environment variable TF_CONFIG in the form that TensorFlow, Kubeflow and the
cloud platforms share. A chief listed there for itself becomes worker 0, and
its `worker` i becomes worker i + 1.

Needs no TensorFlow, so that a mistake is said at once.
"""

import dataclasses
import json
import re

from slim_support import errors

JOBS = ('chief', 'worker', 'ps', 'evaluator')


@dataclasses.dataclass(frozen=True)
class Cluster:
  """The members of a cluster and this process's place among them.

  Attributes:
    job: 'worker', 'ps' or 'evaluator'; the chief is worker 0.
    task: number of this process within its job.
    ps: 'host:port' of every parameter server.
    workers: 'host:port' of every worker, the chief's first.
  """

  job: str
  task: int
  ps: tuple
  workers: tuple

  @property
  def is_chief(self) -> bool:
    """Whether this process is the one that writes the train_dir."""
    return self.job == 'worker' and self.task == 0

  def apply(self, config):
    """Returns the TrainConfig with the numbers of this cluster.

    Raises:
      UserError: if its own numbers say otherwise.
    """
    numbers = {
      'worker_replicas': (len(self.workers), 1),
      'num_ps_tasks': (len(self.ps), 0),
    }
    for name, (number, default) in numbers.items():
      given = getattr(config, name)
      if given not in (number, default):
        raise errors.UserError(
          f'--{name}={given}, but the hosts of the cluster make {number}. '
          f'Leave out --{name}.'
        )
    return dataclasses.replace(
      config,
      task=self.task,
      **{name: number for name, (number, _) in numbers.items()},
    )


def resolve(config, environ) -> Cluster | None:
  """Returns this process's place in its cluster, None if it trains alone.

  Args:
    config: a TrainConfig.
    environ: the environment, a dict; flags go before its TF_CONFIG.

  Raises:
    UserError: if the cluster cannot work.
  """
  if config.job_name or config.ps_hosts or config.worker_hosts:
    return _from_flags(config)
  if environ.get('TF_CONFIG') and not config.master:
    return _from_environment(environ['TF_CONFIG'])
  _check_alone(config)
  return None


def split_to_read(config, cluster: Cluster | None) -> str | None:
  """Returns which split a process reads, None for a parameter server."""
  if cluster and cluster.job == 'ps':
    return None
  if cluster and cluster.job == 'evaluator':
    return config.evaluator_split_name
  return config.dataset_split_name


def _check_alone(config):
  """Checks the numbers for servers that were started elsewhere."""
  several = config.worker_replicas > 1 or config.num_ps_tasks
  if several and not config.master:
    raise errors.UserError(
      '--worker_replicas and --num_ps_tasks need servers: say --ps_hosts, '
      '--worker_hosts and --job_name, or the --master of servers that run.'
    )
  if config.worker_replicas > 1 and not config.num_ps_tasks:
    raise errors.UserError(
      f'--worker_replicas={config.worker_replicas}: workers share their '
      'variables on parameter servers. Say --num_ps_tasks.'
    )
  if config.task >= config.worker_replicas:
    raise errors.UserError(
      f'--task={config.task}: of {config.worker_replicas} workers the last is '
      f'number {config.worker_replicas - 1}. Say --worker_replicas.'
    )


def _from_flags(config):
  """Returns the Cluster of --ps_hosts, --worker_hosts, --job_name, --task."""
  if config.master:
    raise errors.UserError(
      '--master names a server that runs already; --ps_hosts, --worker_hosts '
      'and --job_name start one. Say the one or the others.'
    )
  if not config.job_name:
    raise errors.UserError(
      f'--job_name is missing: what this process is, {" or ".join(JOBS)}.'
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
        f'--job_name=chief --task={task}: there is one chief, task 0.'
      )
    job = 'worker'
  place = Cluster(job, task, tuple(config.ps_hosts or ()), workers)
  return _checked(place, '--ps_hosts, --worker_hosts', f'--task={task}')


def _from_environment(text):
  """Returns the Cluster of TF_CONFIG, None if it holds one process only."""
  try:
    content = json.loads(text)
    members = content.get('cluster') or {}
    job = content.get('task', {}).get('type')
    task = int(content.get('task', {}).get('index', 0))
    lists = {name: tuple(addresses) for name, addresses in members.items()}
  except (ValueError, TypeError, AttributeError) as error:
    raise errors.UserError(
      f'TF_CONFIG is not as it should be ({error}): {{"cluster": {{"chief": '
      '["host:port"], "worker": [...], "ps": [...]}, "task": {"type": '
      '"worker", "index": 0}}.'
    ) from error
  chief = lists.get('chief') or lists.get('master') or ()
  workers = chief + lists.get('worker', ())
  ps = lists.get('ps', ())
  if not ps and len(workers) <= 1 and job != 'evaluator':
    return None
  shown = f'TF_CONFIG: task {job} {task}'
  if job in ('chief', 'master'):
    job = 'worker'
  elif job == 'worker':
    task += len(chief)
  elif job not in JOBS:
    raise errors.UserError(f'{shown}: the type must be {" or ".join(JOBS)}.')
  return _checked(Cluster(job, task, ps, workers), 'TF_CONFIG', shown)


def _checked(place, source, own):
  """Returns the Cluster if it can work.

  Args:
    place: the Cluster.
    source: where the addresses are from, for the message.
    own: where the own number is from, for the message.
  """
  addresses = [*place.ps, *place.workers]
  for address in addresses:
    port = re.fullmatch(r'\S+:(\d{1,5})', address)
    if not port or not 0 < int(port[1]) < 65536:
      raise errors.UserError(f'{source}: {address!r} is no host:port.')
    if addresses.count(address) > 1:
      raise errors.UserError(f'{source}: {address} is there twice.')
  if not place.workers:
    raise errors.UserError(f'{source}: there is no chief and no worker.')
  if place.job == 'evaluator':
    return place
  if not place.ps:
    raise errors.UserError(
      f'{source}: workers share their variables on parameter servers, and '
      'there is none. For one machine, several devices and no cluster say '
      '--num_clones.'
    )
  number = len(place.ps if place.job == 'ps' else place.workers)
  if not 0 <= place.task < number:
    raise errors.UserError(
      f'{own}: there are {number} processes of the job {place.job}, numbered '
      f'from 0 to {number - 1}.'
    )
  return place
