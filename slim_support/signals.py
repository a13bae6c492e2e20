"""SIGTERM and Ctrl-C as requests to stop."""

import os
import signal

from absl import logging


class Stopper:
  """Turns SIGTERM and Ctrl-C into a request to stop at the next safe point.

  A second signal ends the process at once. Use it as a context: the previous
  handlers come back at its end.

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
    for number in (signal.SIGTERM, signal.SIGINT):
      self._old[number] = signal.signal(number, self._handle)
    return self

  def __exit__(self, *exception):
    for number, handler in self._old.items():
      signal.signal(number, handler)

  def _handle(self, number, frame):
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
    return 128 + self.signal if self.signal else 0
