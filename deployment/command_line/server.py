"""Ask over gRPC whether a TensorFlow server responds; wait for --master.

This needs no TensorFlow.
"""

import contextlib
import re
import time
from collections.abc import Callable

from slim_support import errors

_METHOD = '/tensorflow.WorkerService/GetStatus'
_RESPONSE_SECS = 2
_PAUSE_SECS = 0.5
# A proxy does not know the addresses inside a cluster.
_OPTIONS = (('grpc.enable_http_proxy', 0),)
_NO_SERVER = 'another program responds there'


def get_status(address: str) -> tuple[bytes, str | None]:
  """Return what a TensorFlow server says of its devices.

  Args:
    address: 'host:port'.

  Returns:
    The serialized status, which has the names of the devices, and None; or
    nothing, and what is wrong.
  """
  import grpc

  with contextlib.closing(
    grpc.insecure_channel(address, options=_OPTIONS)
  ) as channel:
    try:
      return channel.unary_unary(_METHOD)(b'', timeout=_RESPONSE_SECS), None
    except grpc.RpcError as error:
      return b'', _short(error.details() or str(error.code()))


def _short(details):
  """Return the essential part of a gRPC error."""
  for known in ('Connection refused', 'Domain name not found', 'HTTP/2'):
    if known in details:
      return _NO_SERVER if known == 'HTTP/2' else known
  return details.split('; last error: ')[-1]


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
  while problem := get_status(address[1])[1]:
    if stopped():
      return
    if time.monotonic() - start >= timeout_secs:
      raise errors.UserError(
        f'--master={master} does not answer within '
        f'--cluster_timeout_secs={timeout_secs:g} ({problem}).'
      )
    time.sleep(_PAUSE_SECS)
