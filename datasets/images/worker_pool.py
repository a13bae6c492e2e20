"""A pool of worker processes that inspect images."""

import collections
import concurrent.futures
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

from datasets.images import worker
from datasets.images.worker import ImageFile, Inspection, Policy
from slim_support import cores

_CHUNK = 32  # files in a request: some milliseconds of work
_FEW = 8 * _CHUNK  # too few files to start processes for
_ROOT = os.path.dirname(
  os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
)
_START = (
  'import sys; sys.path.insert(0, sys.argv[1]); '
  'from datasets.images import worker; worker.main()'
)


class ImagePool:
  """A pool of processes that inspect images.

  The processes are not started with `multiprocessing`, which would run the
  user's main script again in each of them. If an image crashes a process, the
  process is replaced and the image is rejected.

  Args:
    policy: the requirements that images must meet.
    num_workers: number of processes; None for one per processor core. With 1,
      the current process does the work.
  """

  def __init__(self, policy: Policy, num_workers: int | None = None):
    self._policy = policy
    self._num_workers = num_workers or cores.usable_cores()
    self._threads = None
    self._workers = []
    self._own = threading.local()  # each thread talks to one process

  def inspect(self, files: Sequence[ImageFile]) -> Iterator[Inspection]:
    """Yield the inspection of each file, in order.

    Args:
      files: the images.
    """
    if self._num_workers == 1 or len(files) <= _FEW:
      for file in files:
        yield worker.inspect(file, self._policy)
      return
    if self._threads is None:
      self._threads = concurrent.futures.ThreadPoolExecutor(
        self._num_workers, initializer=self._start_worker
      )
    waiting = collections.deque()
    chunks = (
      files[start : start + _CHUNK] for start in range(0, len(files), _CHUNK)
    )
    for chunk in itertools.islice(chunks, 3 * self._num_workers):
      waiting.append((chunk, self._threads.submit(self._ask, chunk)))
    while waiting:
      first, future = waiting.popleft()
      for chunk in itertools.islice(chunks, 1):
        waiting.append((chunk, self._threads.submit(self._ask, chunk)))
      if future.cancel():  # the processes are busy or still starting
        yield from map(self._inspect_here, first)
      else:
        yield from future.result()

  def _inspect_here(self, file: ImageFile) -> Inspection:
    """Inspect a file in this process unless it must be decoded."""
    inspection = worker.inspect(file, self._policy, may_reencode=False)
    if inspection is None:
      (inspection,) = self._threads.submit(self._ask, [file]).result()
    return inspection

  def _start_worker(self):
    self._own.worker = _Worker(self._policy)
    self._workers.append(self._own.worker)

  def _ask(self, files: Sequence[ImageFile]) -> list[Inspection]:
    """Return the inspections of files by this thread's process."""
    try:
      return self._own.worker.ask(files)
    except (EOFError, BrokenPipeError, ValueError):
      self._own.worker.close()
      self._start_worker()
    if len(files) == 1:
      return [Inspection('it crashes the decoder')]
    return [inspection for file in files for inspection in self._ask([file])]

  def close(self) -> None:
    """Stop all processes."""
    if self._threads is not None:
      self._threads.shutdown(cancel_futures=True)
      self._threads = None
    for process in self._workers:
      process.close()
    self._workers.clear()


class _Worker:
  """One worker process; see `worker.main` for the protocol."""

  def __init__(self, policy: Policy):
    self._process = subprocess.Popen(
      [sys.executable, '-c', _START, _ROOT],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      # Ctrl-C reaches all processes of a terminal's session: only the parent
      # shall handle it.
      start_new_session=True,
    )
    self._send(policy)

  def _send(self, message):
    self._process.stdin.write(json.dumps(message).encode() + b'\n')
    self._process.stdin.flush()

  def ask(self, files: Sequence[ImageFile]) -> list[Inspection]:
    """Return the inspections of some files.

    Raises:
      EOFError: if the process has died.
    """
    self._send([list(file) for file in files])
    line = self._process.stdout.readline()
    if not line.endswith(b'\n'):
      raise EOFError
    inspections = []
    for *head, size in json.loads(line):
      data = None
      if size is not None:
        data = self._process.stdout.read(size)
        if len(data) < size:
          raise EOFError
      inspections.append(Inspection(*head, data))
    return inspections

  def close(self) -> None:
    """Stop the process."""
    self._process.kill()
    self._process.wait()
    self._process.stdin.close()
    self._process.stdout.close()
