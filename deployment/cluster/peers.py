"""Health checks of the other cluster processes over gRPC.

A check asks the worker service of a TensorFlow server for its devices, whose
names contain its job and task. This needs no TensorFlow.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence

from absl import logging

from deployment.cluster import members
from deployment.command_line import server
from slim_support import errors

_PAUSE_SECS = 0.5
_LOG_SECS = 10


class Interrupted(Exception):
  """A signal arrived while this process was waiting for another one."""


@dataclasses.dataclass(frozen=True)
class Peer:
  """Another process of the cluster.

  Attributes:
    job: 'ps' or 'worker'.
    task: its number within the job.
    address: its 'host:port'.
  """

  job: str
  task: int
  address: str

  def __str__(self) -> str:
    if self.job == 'worker' and self.task == 0:
      return f'the chief at {self.address}'
    return f'{self.job} {self.task} at {self.address}'

  def problem(self) -> str | None:
    """Return None if the process is healthy, else what is wrong."""
    status, problem = server.get_status(self.address)
    if problem:
      return problem
    expected = f'/job:{self.job}/replica:0/task:{self.task}/'
    if expected.encode() in status:
      return None
    return (
      'another TensorFlow process responds there: do all processes have the '
      'same list of hosts?'
    )


def of_cluster(cluster: members.Cluster) -> tuple[list[Peer], list[Peer]]:
  """Return the parameter servers and the workers of a cluster."""
  return (
    [Peer('ps', task, address) for task, address in enumerate(cluster.ps)],
    [
      Peer('worker', task, address)
      for task, address in enumerate(cluster.workers)
    ],
  )


def wait(
  awaited: Sequence[Peer], timeout_secs: float, stopped: Callable[[], bool]
) -> None:
  """Wait until all of the processes are healthy; log which are missing.

  Args:
    awaited: the processes.
    timeout_secs: for how long at most.
    stopped: returns whether a signal has arrived.

  Raises:
    UserError: if some are not healthy in time; the message says which and why.
    Interrupted: if a signal arrived.
  """
  start = time.monotonic()
  next_log = start + 1
  while True:
    missing = [(peer, peer.problem()) for peer in awaited]
    missing = [(peer, problem) for peer, problem in missing if problem]
    if not missing:
      return
    if stopped():
      raise Interrupted
    now = time.monotonic()
    text = '; '.join(f'{peer} ({problem})' for peer, problem in missing)
    if now - start >= timeout_secs:
      raise errors.UserError(
        f'No response within --cluster_timeout_secs={timeout_secs:g} from '
        f'{text}.'
      )
    if now >= next_log:
      logging.info('Waiting for %s.', text)
      next_log = now + _LOG_SECS
    awaited = [peer for peer, _ in missing]
    time.sleep(_PAUSE_SECS)
