"""The standard streams of this process."""

import contextlib
import os
import select
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def silent_stderr() -> Iterator[None]:
  """Discard what C++ code writes to standard error while the context lasts."""
  if sys.stderr is not None:
    sys.stderr.flush()
  saved = os.dup(2)
  nowhere = os.open(os.devnull, os.O_WRONLY)
  try:
    os.dup2(nowhere, 2)
    yield
  finally:
    os.dup2(saved, 2)
    os.close(saved)
    os.close(nowhere)


def print_line(text: str) -> None:
  """Print text and a line end at once, whatever characters it holds.

  The bytes of a file name that is not valid in the system's encoding come out
  as they are; characters that the output cannot show are escaped.

  Raises:
    OSError: if standard output cannot take it.
  """
  encoding = getattr(sys.stdout, 'encoding', None) or 'utf-8'
  try:
    data = text.encode(encoding, 'surrogateescape')
  except UnicodeEncodeError:
    data = text.encode(encoding, 'backslashreplace')
  stream = getattr(sys.stdout, 'buffer', None)
  if stream is None:  # A text stream that takes the place of stdout.
    print(data.decode(encoding, 'backslashreplace'), flush=True)
    return
  sys.stdout.flush()
  stream.write(data + b'\n')
  stream.flush()


def escape_unprintable() -> None:
  """Print characters that the console cannot show as backslash escapes."""
  for stream in (sys.stdout, sys.stderr):
    if hasattr(stream, 'reconfigure'):
      stream.reconfigure(errors='backslashreplace')


def flush() -> None:
  """Write out what was printed.

  Raises:
    OSError: if standard output cannot take it.
  """
  if sys.stdout is not None:
    sys.stdout.flush()


def is_closed_by_reader() -> bool:
  """Return whether standard output is a pipe that nobody reads any more."""
  if not hasattr(select, 'poll'):
    return True
  poll = select.poll()
  try:
    poll.register(1, select.POLLOUT)
    events = poll.poll(0)
  except OSError:
    return True
  broken = select.POLLERR | select.POLLHUP | select.POLLNVAL
  return any(event & broken for _, event in events)


def discard_stdout() -> None:
  """Discard what is still to be printed, at the exit of the process too."""
  with contextlib.suppress(OSError):
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def print_error(message: str) -> None:
  """Print a line on standard error, if anybody still reads it."""
  if sys.stderr is not None:
    with contextlib.suppress(OSError, ValueError):
      print(message, file=sys.stderr, flush=True)
