"""How a script ends: one line and an exit status instead of a traceback."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from absl import logging

from slim_support import errors, output, signals

USAGE_STATUS = 1


def fail(message: str) -> None:
  """Print a message after the script's name and exit with status 1."""
  _print(message)
  sys.exit(USAGE_STATUS)


def exit_after(function: Callable[[], Any]) -> None:
  """Call a function, then exit with a status that says how it ended.

  SIGTERM and Ctrl-C raise an exception in the main thread, so that `finally`
  blocks run; then the process exits with status 143 or 130. A UserError, a
  full disk and a lack of memory end in one line with status 1, a closed pipe
  on standard output in silence with status 141. Any other exception is a
  fault of this project and keeps its traceback.

  Args:
    function: takes no argument; may raise SystemExit.
  """
  output.escape_unprintable()
  interrupter = signals.Interrupter()
  interrupter.install()
  try:
    status = _status(function)
  except BaseException as error:
    # A signal can surface as another error where it met foreign code.
    number = interrupter.signal
    ending = _interrupted(number) if number else _explanation(error)
    if ending is None:
      raise
    logging.debug('', exc_info=True)
    message, status = ending
    if message:
      _print(message)
    _discard_unprintable()
  interrupter.finish()
  sys.exit(status)


def _status(function):
  """Return the exit status of a function that ends by itself."""
  status = 0
  try:
    function()
  except SystemExit as end:
    status = end.code
  output.flush()
  return status


def _discard_unprintable():
  """Keep Python from complaining at exit of output that cannot be written."""
  try:
    output.flush()
  except OSError:
    output.discard_stdout()


def _interrupted(number):
  message = str(signals.Interruption(number))
  return message, signals.exit_status(number)


def _explanation(error: BaseException) -> tuple[str, int] | None:
  """Return the message and the exit status, None for an unknown error."""
  if isinstance(error, errors.UserError):
    return str(error), USAGE_STATUS
  if isinstance(error, KeyboardInterrupt):
    return _interrupted(signal.SIGINT)
  if isinstance(error, BrokenPipeError) and output.is_closed_by_reader():
    return '', signals.exit_status(signal.SIGPIPE)
  if isinstance(error, MemoryError):
    return 'Out of memory: this process needs more than it can get.', 1
  if isinstance(error, OSError) and error.errno in errors.FULL_DISK:
    where = f' for {error.filename}' if error.filename else ''
    return f'No space is left on the device{where}.', 1
  return None


def _print(message):
  output.print_error(f'{os.path.basename(sys.argv[0])}: {message}')
