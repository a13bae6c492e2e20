"""The thread that looks after a replica whose main thread may be waiting.

A step may wait inside TensorFlow for another process, and Python runs no
signal handler meanwhile. This thread lets a waiting step go on when there is a
reason to end, and ends the process if that does not help.
"""

import os
import select
import signal
import socket
import sys
import threading
import time

from absl import logging

from deployment.cluster import status_table

_LOOK_SECS = 1
_ASK_SECS = 3
_STILL_SECS = 5
_FIRST_LOG_SECS = 10
_LOG_SECS = 30
_CHIEF_GRACE_SECS = 60
_WORKER_GRACE_SECS = 20


class Watchdog:
  """The thread that looks after a replica.

  Args:
    member: the membership.Member.
  """

  def __init__(self, member):
    self._member = member
    self._stopped = threading.Event()
    self._signal = None
    self._wanted_since = None
    self._others = None

  def start(self):
    """Starts the thread; signals wake it from now on."""
    self._others = _Others(self._member)
    self._reader, self._writer = socket.socketpair()
    self._reader.setblocking(False)
    self._writer.setblocking(False)
    signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
    self._thread = threading.Thread(target=self._run, daemon=True)
    self._thread.start()

  def stop(self):
    """Ends the thread."""
    if not self._stopped.is_set():
      self._stopped.set()
      signal.set_wakeup_fd(-1)

  def _run(self):
    while not self._stopped.is_set():
      self._take_signals()
      status = self._reason_to_end()
      if status is None or self._stopped.is_set():
        continue
      now = time.monotonic()
      self._wanted_since = self._wanted_since or now
      self._member.free()
      chief = self._member.replica.is_chief
      grace = _CHIEF_GRACE_SECS if chief else _WORKER_GRACE_SECS
      if now - self._wanted_since > grace and not self._stopped.is_set():
        _end_process(status, self._member.failure)

  def _take_signals(self):
    """Waits a moment for a signal."""
    readable, _, _ = select.select([self._reader], [], [], _LOOK_SECS)
    if readable:
      for number in self._reader.recv(64):
        if number in (signal.SIGTERM, signal.SIGINT):
          self._signal = number

  def _reason_to_end(self):
    """Returns the exit status if there is a reason, else None."""
    member = self._member
    if self._signal:
      return 128 + self._signal
    self._others.ask()
    member.failure = member.failure or self._others.failure()
    if member.failure:
      return 1
    if member.still_secs() > _STILL_SECS:
      member.look()
      if member.over:
        return 0 if member.over == status_table.FINISHED else 1
    return None


def _end_process(status, failure):
  """Ends a process whose main thread does not come back."""
  print(
    failure or 'The step under way does not end: ending without it.',
    file=sys.stderr,
    flush=True,
  )
  os._exit(status)


class _Others:
  """The processes without which a replica cannot go on."""

  def __init__(self, member):
    replica = member.replica
    self._member = member
    self._needed = list(replica.ps)
    if not replica.is_chief:
      self._needed += replica.workers[:1]
    elif replica.config.sync_replicas:
      self._needed += replica.workers[1:]
    now = time.monotonic()
    self._seen = dict.fromkeys(self._needed, now)
    self._problems = {}
    self._next_ask = now
    self._next_log = now + _FIRST_LOG_SECS

  def ask(self):
    """Asks from time to time whether they are there; says who is not."""
    now = time.monotonic()
    if now < self._next_ask:
      return
    self._problems = {}
    for peer in self._needed:
      problem = peer.problem()
      if problem:
        self._problems[peer] = problem
      else:
        self._seen[peer] = now
    now = time.monotonic()
    self._next_ask = now + _ASK_SECS
    if self._problems and now > self._next_log:
      text = self._text(self._problems)
      if self._waits(_STILL_SECS):
        logging.warning('Waiting for %s.', text)
      else:
        logging.warning('Going on without %s.', text)
      self._next_log = now + _LOG_SECS

  def _text(self, missing):
    return '; '.join(f'{peer} ({self._problems[peer]})' for peer in missing)

  def _waits(self, secs):
    return self._member.still_secs() > secs

  def failure(self) -> str | None:
    """Returns the sentence for somebody who has been away for too long.

    The chief must be there, because nobody else saves; the others must only
    if no step is made without them.
    """
    replica = self._member.replica
    timeout = replica.timeout_secs
    now = time.monotonic()
    away = [
      peer
      for peer in self._problems
      if now - self._seen[peer] > timeout
      and (peer == replica.workers[0] or self._waits(timeout))
    ]
    if not away:
      return None
    return (
      f'Away for --cluster_timeout_secs={timeout}: {self._text(away)}. '
      'Training cannot go on.'
    )
