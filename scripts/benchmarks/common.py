"""What all benchmarks share: taking turns, the machine, tables and JSON."""

import contextlib
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import metadata
from typing import NamedTuple

from absl import flags

_SETTLE_SECS = 0.05
_SETTLE_LOOKS = 60
_READY = 'ready\n'

FLAGS = flags.FLAGS
flags.disclaim_key_flags()  # They belong to the script that wants them.


def define_flags(*names):
  """Define those of --baseline, --repeats and --data_dir, and --json."""
  if 'baseline' in names:
    flags.DEFINE_bool(
      'baseline', False, 'Measure the straightforward way of TensorFlow 1 too.'
    )
  if 'repeats' in names:
    flags.DEFINE_integer(
      'repeats', 7, 'How often each is measured, in turns.', 1
    )
  if 'data_dir' in names:
    flags.DEFINE_string(
      'data_dir',
      None,
      'Keep the generated images here; in a temporary folder else.',
    )
  flags.DEFINE_string('json', None, 'Write the figures to this file too.')


class Contender(NamedTuple):
  """Something whose speed is measured.

  Attributes:
    name: what it is called in the table.
    step: does a piece of the work; returns how many images it took.
    steps: how many pieces are timed at each turn.
    warm_up: how many pieces come first and are not timed. Whatever waits in
      queues at the start of a turn was made during the last one.
    cpu: returns the processor time, in seconds, that it has taken so far.
  """

  name: str
  step: Callable[[], int]
  steps: int
  warm_up: int = 0
  cpu: Callable[[], float] = time.process_time


class Measurement(NamedTuple):
  """How fast something was, over all turns.

  Attributes:
    rates: images/s, one per turn.
    cpu: milliseconds of processor time per image, one per turn.
    seconds: of every step.
  """

  rates: list
  cpu: list
  seconds: list

  @property
  def rate(self) -> float:
    """The median of the images per second."""
    return statistics.median(self.rates)

  @property
  def cpu_ms(self) -> float:
    """The median of the processor time per image."""
    return statistics.median(self.cpu)

  def percentile(self, percent: int) -> float:
    """Return the seconds that a given percentage of the steps stays below."""
    if len(self.seconds) < 2:
      return self.seconds[0]
    return statistics.quantiles(self.seconds, n=100)[percent - 1]

  def ratio(self, other) -> float:
    """Return the median, over the turns, of this rate divided by the other."""
    pairs = zip(self.rates, other.rates, strict=True)
    return statistics.median(mine / its for mine, its in pairs)

  def cpu_ratio(self, other) -> float:
    """Return the median of the other processor time divided by this one."""
    pairs = zip(self.cpu, other.cpu, strict=True)
    return statistics.median(its / mine for mine, its in pairs)


class Answering:
  """A Python process that takes steps as it is asked to, with `answer`.

  Args:
    command: the script and its arguments.
  """

  def __init__(self, command):
    self._process = subprocess.Popen(
      [sys.executable, *command],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      stderr=subprocess.DEVNULL,
      text=True,
    )

  def __enter__(self):
    if self._process.stdout.readline() != _READY:
      self._process.wait()
      raise SystemExit(f'failed: {" ".join(map(str, self._process.args))}')
    return self

  def __exit__(self, *unused_error):
    self._process.kill()
    self._process.__exit__(None, None, None)

  def ask(self, steps: int) -> float:
    """Return the processor time in seconds it has taken after more steps."""
    print(steps, file=self._process.stdin, flush=True)
    return float(self._process.stdout.readline())


def answer(step):
  """Take as many steps as an `Answering` asks for, until it closes.

  Args:
    step: a function of no arguments.
  """
  print(_READY, end='', flush=True)
  for line in sys.stdin:
    for _ in range(int(line)):
      step()
    print(time.process_time(), flush=True)


def take_turns(contenders, repeats: int) -> dict:
  """Measures contenders in turns, so that they share the machine's moods.

  Args:
    contenders: list of Contender.
    repeats: turns of each. One more comes first and does not count.

  Returns:
    Name to Measurement.
  """
  results = {
    contender.name: Measurement([], [], []) for contender in contenders
  }
  for turn in range(repeats + 1):
    # Every second round runs backwards: what follows whom changes.
    for contender in contenders[:: -1 if turn % 2 else 1]:
      _settle({contender.cpu for contender in contenders})
      images, cpu, seconds = _one_turn(contender)
      if turn:
        result = results[contender.name]
        result.rates.append(images / sum(seconds))
        result.cpu.append(1000 * cpu / images)
        result.seconds.extend(seconds)
  return results


def _one_turn(contender):
  """Return images, seconds of processor time and the seconds of each step."""
  for _ in range(contender.warm_up):
    contender.step()
  images, marks, cpu = 0, [time.perf_counter()], contender.cpu()
  for _ in range(contender.steps):
    images += contender.step()
    marks.append(time.perf_counter())
  cpu = contender.cpu() - cpu
  return images, cpu, [end - start for start, end in itertools.pairwise(marks)]


def _settle(clocks):
  """Wait until all threads have filled their queues.

  Args:
    clocks: the functions that return the contenders' processor times.
  """
  for _ in range(_SETTLE_LOOKS):
    cpu = sum(clock() for clock in clocks)
    time.sleep(_SETTLE_SECS)
    if sum(clock() for clock in clocks) - cpu < 0.1 * _SETTLE_SECS:
      return


def machine() -> dict:
  """Return what the figures were measured on, and with."""
  versions = {
    name: metadata.version(name)
    for name in ('tensorflow', 'tf-slim', 'keras', 'numpy')
  }
  return {
    'processor': _processor(),
    'cores': len(os.sched_getaffinity(0)),
    'memory_gb': round(_memory() / 2**30, 1),
    'system': platform.platform(),
    'python': platform.python_version(),
    **versions,
    'onednn': os.environ.get('TF_ENABLE_ONEDNN_OPTS', '1') != '0',
    'commit': _commit(),
    'load': [round(load, 1) for load in os.getloadavg()],
    'command': ' '.join([os.path.basename(sys.argv[0]), *sys.argv[1:]]),
  }


def _processor():
  with contextlib.suppress(OSError), open('/proc/cpuinfo') as file:
    for line in file:
      if line.startswith('model name'):
        return line.partition(':')[2].strip()
  return platform.processor()


def _memory():
  return os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')


def _commit():
  folder = os.path.dirname(os.path.abspath(__file__))
  command = ['git', '-C', folder, 'describe', '--always', '--dirty']
  result = subprocess.run(command, capture_output=True, text=True, check=False)
  return result.stdout.strip() or None


def table(header, rows) -> str:
  """Return rows of cells as a Markdown table."""
  cells = [[str(cell) for cell in row] for row in [header, *rows]]
  widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
  lines = [
    '| ' + ' | '.join(map(str.ljust, row, widths)) + ' |' for row in cells
  ]
  rule = '|' + '|'.join('-' * (width + 2) for width in widths) + '|'
  return '\n'.join([lines[0], rule, *lines[1:]])


def report(title: str, header, rows, figures):
  """Print a table and the machine; writes --json if it is given.

  Args:
    title: what was measured.
    header: the names of the columns.
    rows: list of lists of cells.
    figures: what JSON is to hold beside the machine, anything it can.
  """
  found = machine()
  print(f'\n{title}\n\n{table(header, rows)}\n')
  print(', '.join(f'{name} {value}' for name, value in found.items()))
  if FLAGS.json:
    with open(FLAGS.json, 'w', encoding='utf-8') as file:
      json.dump({'machine': found, 'figures': figures}, file, indent=2)
      file.write('\n')


@contextlib.contextmanager
def data_folder():
  """Yield the folder of the generated images."""
  if FLAGS.data_dir:
    os.makedirs(FLAGS.data_dir, exist_ok=True)
    yield FLAGS.data_dir
  else:
    with temporary_folder() as folder:
      yield folder


def temporary_folder():
  """Return the context of a folder that goes when it ends."""
  return tempfile.TemporaryDirectory(prefix='benchmark-')


def resident_mb() -> float:
  """Return the memory that this process occupies, in 10^6 bytes."""
  with open('/proc/self/statm') as file:
    pages = int(file.read().split()[1])
  return pages * os.sysconf('SC_PAGE_SIZE') / 1e6
