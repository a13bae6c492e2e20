"""Wait for the TensorFlow server that --master names."""

import contextlib
import re
import time
from collections.abc import Callable

import grpc

from slim_support import errors

_METHOD = '/tensorflow.WorkerService/GetStatus'
_ANSWER_SECS = 2
_PAUSE_SECS = 0.5
# A proxy for the internet does not know the machines of a cluster.
_OPTIONS = (('grpc.enable_http_proxy', 0),)


def wait(
  master: str, timeout_secs: float, stopped: Callable[[], bool] = lambda: False
) -> None:
  """Wait until the server answers.

  A session on a server that is not there would wait for it forever.

  Args:
    master: value of --master; nothing is awaited for '' and 'local'.
    timeout_secs: how long to wait at most.
    stopped: returns whether a signal asked for the end; ends the waiting.

  Raises:
    UserError: if `master` is not an address or does not answer in time.
  """
  if master in ('', 'local'):
    return
  address = re.fullmatch(r'grpc://(\S+:\d{1,5})', master)
  if not address:
    raise errors.UserError(
      f'--master={master}: must be grpc://HOST:PORT, or empty to run here.'
    )
  start = time.monotonic()
  while problem := _problem(address[1]):
    if stopped():
      return
    if time.monotonic() - start >= timeout_secs:
      raise errors.UserError(
        f'--master={master} does not answer within '
        f'--cluster_timeout_secs={timeout_secs:g} ({problem}).'
      )
    time.sleep(_PAUSE_SECS)


def _problem(address):
  """Return None if a TensorFlow server answers, else what is wrong."""
  with contextlib.closing(grpc.insecure_channel(address, _OPTIONS)) as channel:
    try:
      channel.unary_unary(_METHOD)(b'', timeout=_ANSWER_SECS)
    except grpc.RpcError as error:
      return error.details().split('; last error: ')[-1]
  return None
