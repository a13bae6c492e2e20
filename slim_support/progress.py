"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import sys
import time


class Progress:
  """A progress bar on a terminal, or plain lines elsewhere.

  Use it as a context manager. With a terminal and tqdm installed it draws a
  bar, otherwise it writes a plain line every `interval` seconds.

  Args:
    label: what is under way, for instance 'Converting train'.
    total: how many units there are, None if that is not known.
    unit: the name of a unit, 'B' for bytes.
    interval: seconds between two plain lines.
  """

  def __init__(
    self,
    label: str,
    total: int | None = None,
    unit: str = 'images',
    interval: float = 10.0,
  ):
    self._label, self._total, self._unit = label, total, unit
    self._interval = interval
    self._done = self._initial = 0
    self._start = self._last = time.monotonic()
    self._bar = _make_bar(label, total, unit)

  def __enter__(self):
    return self

  def __exit__(self, *unused_error):
    if self._bar is not None:
      self._bar.close()
    elif self._last != self._start:
      self._write_line()

  def skip(self, count: int) -> None:
    """Count units that were done before, which do not count as speed."""
    self._done += count
    self._initial += count
    if self._bar is not None:
      self._bar.initial += count
      self._bar.update(count)

  def add(self, count: int = 1) -> None:
    """Count more units as done."""
    self._done += count
    if self._bar is not None:
      self._bar.update(count)
      return
    now = time.monotonic()
    if now - self._last >= self._interval:
      self._last = now
      self._write_line()

  def _write_line(self):
    seconds = max(time.monotonic() - self._start, 1e-6)
    rate = (self._done - self._initial) / seconds
    parts = [f'{self._label}: {_amount(self._done, self._unit)}']
    if self._total:
      parts.append(f'of {_amount(self._total, self._unit)}')
      parts.append(f'({100 * self._done // self._total}%)')
    parts.append(f'{_amount(rate, self._unit)}/s')
    if self._total and rate > 0:
      left = max(self._total - self._done, 0) / rate
      parts.append(f'{left:.0f} s left')
    print(' '.join(parts), file=sys.stderr, flush=True)


def _amount(count: float, unit: str) -> str:
  if unit == 'B':
    return f'{count / 1e6:.1f} MB'
  return f'{count:.0f} {unit}'


def _make_bar(label, total, unit):
  """Return a tqdm bar, or None where there is no terminal or no tqdm."""
  if not sys.stderr.isatty():
    return None
  try:
    from tqdm import tqdm
  except ImportError:
    return None
  return tqdm(
    desc=label, total=total, unit=unit, unit_scale=unit == 'B', file=sys.stderr
  )
