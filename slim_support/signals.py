"""SIGTERM and Ctrl-C: end the process in order, or stop at a safe point."""

import atexit
import logging as python_logging
import os
import signal
import sys
import threading
import types
from typing import Any

from absl import logging

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_RETRY_SECS = 0.05


def exit_status(number: int) -> int:
  """Return the exit status of a process that a signal ended, as shells do."""
  return 128 + number


class Interruption(BaseException):
  """Raised in the main thread when a signal asks the process to end.

  Like KeyboardInterrupt it is no Exception, so that `finally` blocks run but
  ordinary handlers let it pass.

  Args:
    number: number of the signal.
  """

  def __init__(self, number: int):
    super().__init__(f'Stopped by {signal.Signals(number).name}.')
    self.number = number


class Interrupter:
  """Turns SIGTERM and Ctrl-C into an Interruption in the main thread.

  A second signal ends the process at once, as does any signal after `finish`.
  Processes that are forked from this one end without an Interruption.

  Attributes:
    signal: number of the signal that came, or None.
  """

  def __init__(self):
    self.signal: int | None = None
    self._is_finished = False
    self._process = os.getpid()
    self._unraisable_hook = None

  def install(self) -> None:
    """Handle the signals from now on."""
    global _installed
    _installed = self
    self._unraisable_hook = sys.unraisablehook
    sys.unraisablehook = self._on_unraisable
    for number in _SIGNALS:
      signal.signal(number, self._handle)
    # Registered first, so that it runs last. After it Python itself would
    # reset the signals, and one would end a process that has done its work.
    atexit.register(self._ignore_signals)

  def _ignore_signals(self):
    for number in _SIGNALS:
      signal.signal(number, signal.SIG_IGN)

  def finish(self) -> None:
    """Let any signal end the process at once: nothing is left to clean up."""
    self._is_finished = True

  def _handle(self, number: int, frame: types.FrameType | None) -> None:
    del frame
    if os.getpid() != self._process:
      signal.signal(number, signal.SIG_DFL)
      os.kill(os.getpid(), number)
      return
    if self.signal is not None or self._is_finished:
      os._exit(exit_status(number))
    self.signal = number
    # It would complain of every operation of a graph that is not finished.
    python_logging.getLogger('tensorflow').setLevel(python_logging.CRITICAL)
    raise Interruption(number)

  def _on_unraisable(self, unraisable: Any) -> None:
    """Try again where Python had to drop the Interruption, as in __del__."""
    if isinstance(unraisable.exc_value, Interruption):
      number, self.signal = unraisable.exc_value.number, None
      timer = threading.Timer(
        _RETRY_SECS, os.kill, args=(self._process, number)
      )
      timer.daemon = True
      timer.start()
      return
    self._unraisable_hook(unraisable)


_installed: Interrupter | None = None


def raise_if_interrupted() -> None:
  """Raise the Interruption again that foreign code has swallowed, if any."""
  if _installed is not None and _installed.signal is not None:
    raise Interruption(_installed.signal)


class Stopper:
  """Turns SIGTERM and Ctrl-C into a request to stop at the next safe point.

  A second signal ends the process at once. Use it as a context manager: the
  previous handlers come back at its end. Only the main thread gets signals; in
  another thread this does nothing.

  Args:
    meaning: what the first signal leads to, for the log.

  Attributes:
    signal: number of the signal that came, or None.
  """

  def __init__(self, meaning: str = 'stopping after this step'):
    self.signal: int | None = None
    self._meaning = meaning
    self._old = {}

  def __enter__(self):
    is_main = threading.current_thread() is threading.main_thread()
    for number in _SIGNALS if is_main else ():
      self._old[number] = signal.signal(number, self._handle)
    return self

  def __exit__(self, *exception):
    for number, handler in self._old.items():
      signal.signal(number, handler)

  def _handle(self, number: int, frame: types.FrameType | None) -> None:
    del frame
    if self.signal is not None:
      signal.signal(number, signal.SIG_DFL)
      os.kill(os.getpid(), number)
    self.signal = number
    name = signal.Signals(number).name
    logging.warning(
      '%s: %s. A second signal stops at once.', name, self._meaning
    )

  @property
  def status(self) -> int:
    """Exit status: 128 + the signal, as a shell reports it; 0 without one."""
    return exit_status(self.signal) if self.signal else 0
