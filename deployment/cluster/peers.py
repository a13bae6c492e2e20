"""The other processes of a cluster: do they answer, and are they who they say.

Asks the worker service that every TensorFlow server offers for its devices,
whose names hold job and task. Needs no TensorFlow.
"""

import contextlib
import dataclasses
import time

import grpc
from absl import logging

from slim_support import errors

_METHOD = '/tensorflow.WorkerService/GetStatus'
_ANSWER_SECS = 2
_PAUSE_SECS = 0.5
_LOG_SECS = 10
# A proxy knows nothing about the inside of a cluster.
_OPTIONS = (('grpc.enable_http_proxy', 0),)


class Interrupted(Exception):
  """A signal came while this process was waiting for another one."""


@dataclasses.dataclass(frozen=True)
class Peer:
  """Another process: its job, its number there and its 'host:port'."""

  job: str
  task: int
  address: str

  def __str__(self):
    if self.job == 'worker' and self.task == 0:
      return f'the chief at {self.address}'
    return f'{self.job} {self.task} at {self.address}'

  def problem(self) -> str | None:
    """Returns None if the process answers, else what is wrong."""
    with contextlib.closing(
      grpc.insecure_channel(self.address, _OPTIONS)
    ) as channel:
      try:
        status = channel.unary_unary(_METHOD)(b'', timeout=_ANSWER_SECS)
      except grpc.RpcError as error:
        return _short(error.details())
    expected = f'/job:{self.job}/replica:0/task:{self.task}/'
    if expected.encode() in status:
      return None
    return (
      'another process of TensorFlow answers there: do all processes have '
      'the same list of hosts?'
    )


def _short(details):
  """Returns what matters of gRPC's many words."""
  for known in ('Connection refused', 'Domain name not found', 'HTTP/2'):
    if known in details:
      return {'HTTP/2': 'something else answers there'}.get(known, known)
  return details.split('; last error: ')[-1]


def members(cluster) -> tuple[list[Peer], list[Peer]]:
  """Returns the parameter servers and the workers of a Cluster."""
  return (
    [Peer('ps', task, address) for task, address in enumerate(cluster.ps)],
    [
      Peer('worker', task, address)
      for task, address in enumerate(cluster.workers)
    ],
  )


def wait(awaited, timeout_secs: float, stopped):
  """Waits until all of them answer; says from time to time for whom.

  Args:
    awaited: list of Peer.
    timeout_secs: for how long at most.
    stopped: returns whether a signal has come.

  Raises:
    UserError: if some do not answer in time; it says who and why.
    Interrupted: if a signal came.
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
        f'No answer within --cluster_timeout_secs={timeout_secs:g} from {text}.'
      )
    if now >= next_log:
      logging.info('Waiting for %s.', text)
      next_log = now + _LOG_SECS
    awaited = [peer for peer, _ in missing]
    time.sleep(_PAUSE_SECS)
