"""Watchdog thread: unblocks or ends a worker stuck in session.run.

A step may wait inside TensorFlow for another process, and Python runs no
signal handlers meanwhile. When there is a reason to stop, this thread unblocks
the step, and ends the process if that does not help.
"""

import os
import select
import signal
import socket
import sys
import threading
import time
from typing import Protocol

from absl import logging

from deployment.cluster import replica, status_table

_POLL_SECS = 1
_CHECK_SECS = 3
_IDLE_SECS = 5
_FIRST_LOG_SECS = 10
_LOG_SECS = 30
_CHIEF_GRACE_SECS = 60
_WORKER_GRACE_SECS = 20


class Worker(Protocol):
  """What the watchdog needs of a worker_hook.WorkerHook."""

  worker: replica.Replica
  failure: str | None
  run_status: int

  def idle_secs(self) -> float:
    """Return the seconds since the last step."""

  def poll_status(self) -> None:
    """Read the status of the run while a step is blocked."""

  def release(self) -> None:
    """Unblock a step that waits for other workers."""


class Watchdog:
  """The thread that watches a worker.

  Args:
    hook: the session hook of the worker.
  """

  def __init__(self, hook: Worker):
    self._hook = hook
    self._stopped = threading.Event()
    self._signal = None
    self._stop_wanted_since = None
    self._peers = None

  def start(self) -> None:
    """Start the thread; signals wake it from now on."""
    self._peers = _PeerMonitor(self._hook)
    self._reader, self._writer = socket.socketpair()
    self._reader.setblocking(False)
    self._writer.setblocking(False)
    signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
    self._thread = threading.Thread(target=self._run, daemon=True)
    self._thread.start()

  def stop(self) -> None:
    """End the thread."""
    if not self._stopped.is_set():
      self._stopped.set()
      signal.set_wakeup_fd(-1)

  def _run(self):
    while not self._stopped.is_set():
      self._wait_for_signals()
      status = self._status_to_exit_with()
      if status is None or self._stopped.is_set():
        continue
      now = time.monotonic()
      self._stop_wanted_since = self._stop_wanted_since or now
      self._hook.release()
      is_chief = self._hook.worker.is_chief
      grace = _CHIEF_GRACE_SECS if is_chief else _WORKER_GRACE_SECS
      if now - self._stop_wanted_since > grace and not self._stopped.is_set():
        _end_process(status, self._hook.failure)

  def _wait_for_signals(self):
    """Wait a moment for signals."""
    readable, _, _ = select.select([self._reader], [], [], _POLL_SECS)
    if readable:
      for number in self._reader.recv(64):
        if number in (signal.SIGTERM, signal.SIGINT):
          self._signal = number

  def _status_to_exit_with(self):
    """Return the exit status if there is a reason to stop, else None."""
    hook = self._hook
    if self._signal:
      return 128 + self._signal
    self._peers.check()
    hook.failure = hook.failure or self._peers.failure()
    if hook.failure:
      return 1
    if hook.idle_secs() > _IDLE_SECS:
      hook.poll_status()
      if hook.run_status:
        return 0 if hook.run_status == status_table.FINISHED else 1
    return None


def _end_process(status, failure):
  """End a process whose main thread is stuck."""
  print(
    failure or 'The current step does not end: exiting without it.',
    file=sys.stderr,
    flush=True,
  )
  os._exit(status)


class _PeerMonitor:
  """The health of the processes without which a worker cannot train."""

  def __init__(self, hook):
    worker = hook.worker
    self._hook = hook
    self._needed = list(worker.ps)
    if not worker.is_chief:
      self._needed += worker.workers[:1]
    elif worker.config.sync_replicas:
      self._needed += worker.workers[1:]
    now = time.monotonic()
    self._last_healthy = dict.fromkeys(self._needed, now)
    self._problems = {}
    self._next_check = now
    self._next_log = now + _FIRST_LOG_SECS

  def check(self):
    """Check the processes from time to time; log which are unreachable."""
    now = time.monotonic()
    if now < self._next_check:
      return
    self._problems = {}
    for peer in self._needed:
      problem = peer.problem()
      if problem:
        self._problems[peer] = problem
      else:
        self._last_healthy[peer] = now
    now = time.monotonic()
    self._next_check = now + _CHECK_SECS
    if self._problems and now > self._next_log:
      text = self._describe(self._problems)
      if self._hook.idle_secs() > _IDLE_SECS:
        logging.warning('Waiting for %s.', text)
      else:
        logging.warning('Training without %s.', text)
      self._next_log = now + _LOG_SECS

  def _describe(self, unreachable):
    return '; '.join(f'{peer} ({self._problems[peer]})' for peer in unreachable)

  def failure(self) -> str | None:
    """Return the message about a process that was unreachable for too long.

    The chief is always needed, because nobody else saves; the others only if
    no step is possible without them.
    """
    worker = self._hook.worker
    timeout = worker.timeout_secs
    now = time.monotonic()
    lost = [
      peer
      for peer in self._problems
      if now - self._last_healthy[peer] > timeout
      and (peer == worker.workers[0] or self._hook.idle_secs() > timeout)
    ]
    if not lost:
      return None
    return (
      f'No response for --cluster_timeout_secs={timeout} from '
      f'{self._describe(lost)}. Training cannot continue.'
    )
