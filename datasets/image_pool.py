"""Several processes that look at images, and the samples that come of it."""

import collections
import concurrent.futures
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from datasets import image_worker, records
from datasets.image_worker import ImageFile, Policy, Verdict
from datasets.shards import Rejected

_CHUNK = 32  # files a request: some milliseconds of work
_FEW = 8 * _CHUNK  # not worth starting processes for
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_START = (
  'import sys; sys.path.insert(0, sys.argv[1]); '
  'from datasets import image_worker; image_worker.main()'
)


def default_num_workers() -> int:
  """Returns the number of processors that this process may use."""
  if hasattr(os, 'sched_getaffinity'):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


class ImagePool:
  """Processes that look at images.

  They are started here rather than by `multiprocessing`, which would run the
  user's main script again in each of them. A process that dies of an image is
  replaced, and the image refused.

  Args:
    policy: what is asked of the images.
    num_workers: how many processes; None for one a processor. One means that
      this process does the work itself.
  """

  def __init__(self, policy: Policy, num_workers: int | None = None):
    self._policy = policy
    self._num_workers = num_workers or default_num_workers()
    self._threads = None
    self._workers = []
    self._own = threading.local()  # each thread talks to one process

  def inspect(self, files: Sequence[ImageFile]) -> Iterator[Verdict]:
    """Yields the verdict on each file, in order."""
    if self._num_workers == 1 or len(files) <= _FEW:
      for file in files:
        yield image_worker.inspect(file, self._policy)
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
      if future.cancel():  # the processes are behind, or only starting
        yield from map(self._inspect_here, first)
      else:
        yield from future.result()

  def _inspect_here(self, file: ImageFile) -> Verdict:
    """Looks at a file in this process, unless a decoder could crash on it."""
    verdict = image_worker.inspect(file, self._policy, may_reencode=False)
    if verdict is None:
      (verdict,) = self._threads.submit(self._ask, [file]).result()
    return verdict

  def _start_worker(self):
    self._own.worker = _Worker(self._policy)
    self._workers.append(self._own.worker)

  def _ask(self, files: Sequence[ImageFile]) -> list[Verdict]:
    """Has the thread's process look at some files."""
    try:
      return self._own.worker.ask(files)
    except (EOFError, BrokenPipeError, ValueError):
      self._own.worker.close()
      self._start_worker()
    if len(files) == 1:
      return [Verdict('it made the decoder crash')]
    return [verdict for file in files for verdict in self._ask([file])]

  def close(self):
    """Ends the processes."""
    if self._threads is not None:
      self._threads.shutdown(cancel_futures=True)
      self._threads = None
    for worker in self._workers:
      worker.close()
    self._workers.clear()


class _Worker:
  """One process; see `image_worker.main` for what is said."""

  def __init__(self, policy: Policy):
    self._process = subprocess.Popen(
      [sys.executable, '-c', _START, _ROOT],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
    )
    self._send(policy)

  def _send(self, message):
    self._process.stdin.write(json.dumps(message).encode() + b'\n')
    self._process.stdin.flush()

  def ask(self, files: Sequence[ImageFile]) -> list[Verdict]:
    """Returns the verdicts on some files.

    Raises:
      EOFError: if the process has ended.
    """
    self._send([list(file) for file in files])
    line = self._process.stdout.readline()
    if not line.endswith(b'\n'):
      raise EOFError
    verdicts = []
    for *head, size in json.loads(line):
      data = None
      if size is not None:
        data = self._process.stdout.read(size)
        if len(data) < size:
          raise EOFError
      verdicts.append(Verdict(*head, data))
    return verdicts

  def close(self):
    """Ends the process."""
    self._process.kill()
    self._process.wait()
    self._process.stdin.close()
    self._process.stdout.close()


class ImageSplit:
  """A split of images that lie in files or archives, as the engine reads it.

  Looks ahead over the ends of shards, so that no process waits there.

  Args:
    pool: an `ImagePool`.
    files: the images in their order.
    describe: describe(file) returns the label and the extra features.
  """

  def __init__(
    self,
    pool: ImagePool,
    files: Sequence[ImageFile],
    describe: Callable[[ImageFile], tuple[int, dict | None]],
  ):
    self._pool, self._files, self._describe = pool, files, describe
    self._position, self._verdicts = None, None
    self._decoder = None

  def read(self, start: int, stop: int) -> Iterable:
    """Yields a `records.Sample` or a `Rejected` for each image."""
    if self._position != start:
      self._verdicts = self._pool.inspect(self._files[start:])
    for index in range(start, stop):
      self._position = index + 1
      yield self._to_sample(self._files[index], next(self._verdicts))

  def _to_sample(self, file: ImageFile, verdict: Verdict):
    if verdict.reason:
      return Rejected(file.name, verdict.reason)
    data = verdict.data
    if data is None:
      try:
        data = image_worker.read_image(file)
      except OSError as error:
        return Rejected(file.name, f'it cannot be read: {error.strerror}')
      if len(data) != verdict.size:
        return Rejected(file.name, 'it changed while it was being read')
      if verdict.doubt and not self._decodes(data):
        return Rejected(file.name, verdict.doubt)
    notes = {'reencoded'} if verdict.data is not None else set()
    if verdict.is_rotated:
      notes.add('exif_rotated')
    label, extra = self._describe(file)
    return records.Sample(
      data,
      verdict.image_format,
      verdict.height,
      verdict.width,
      label,
      extra,
      tuple(sorted(notes)),
    )

  def _decodes(self, data: bytes) -> bool:
    """Asks the decoder that training will use about a doubtful image."""
    if self._decoder is None:
      from datasets import image_decoder

      self._decoder = image_decoder.ImageDecoder()
    return self._decoder.decodes(data)
