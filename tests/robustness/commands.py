"""Runs the scripts as a user does, many times a second; judges how they end."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Ended(NamedTuple):
  """How a command ended; `status` is None if it did not end in time."""

  command: str
  status: int | None
  stdout: str
  stderr: str

  def fault(self, expected=(0, 1)) -> str | None:
    """Returns what is wrong with how the command ended, None if nothing is."""
    lines = [line for line in self.stderr.splitlines() if line.strip()]
    text = f'{self.command}\n  status {self.status}: {self.stderr[-1500:]}'
    if self.status is None:
      return f'did not end in time: {text}'
    if 'Traceback' in self.stderr:
      return f'a traceback: {text}'
    if self.status not in expected:
      return f'an unexpected status: {text}'
    if self.status and not lines:
      return f'no reason: {text}'
    if self.status and len(lines[-1].split()) < 4:
      return f'the last line is not a sentence: {text}'
    return None


class Runner:
  """Runs scripts in forks of one process that has TensorFlow imported.

  Args:
    folder: where the outputs go.
  """

  def __init__(self, folder):
    self._folder = folder
    self._count = 0
    self._process = None

  def _start(self):
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    environment['TF_CPP_MIN_LOG_LEVEL'] = '3'
    environment['CUDA_VISIBLE_DEVICES'] = ''
    self._process = subprocess.Popen(
      [sys.executable, str(pathlib.Path(__file__).with_name('zygote.py'))],
      stdin=subprocess.PIPE,
      stdout=subprocess.PIPE,
      stderr=subprocess.DEVNULL,
      text=True,
      env=environment,
      cwd=self._folder,
    )
    assert self._process.stdout.readline() == 'ready\n'

  def run(self, script, *flags, cwd=None, timeout=60, signal=None) -> Ended:
    """Runs a script of the project with these arguments.

    With the number of a signal, the script gets it after the timeout.
    """
    if self._process is None:
      self._start()
    self._count += 1
    output = self._folder / f'run-{self._count}'
    request = {
      'script': str(ROOT / script),
      'argv': [str(flag) for flag in flags],
      'cwd': str(cwd or self._folder),
      'output': str(output),
      'timeout': timeout,
      'signal': signal,
    }
    self._process.stdin.write(json.dumps(request) + '\n')
    self._process.stdin.flush()
    status = json.loads(self._process.stdout.readline())['status']
    texts = []
    for suffix in ('out', 'err'):
      path = pathlib.Path(f'{output}.{suffix}')
      texts.append(path.read_text(encoding='utf-8', errors='replace'))
      path.unlink()
    command = ' '.join([script, *map(repr, request['argv'])])
    return Ended(command[:600], status, *texts)

  def close(self):
    """Ends the process."""
    if self._process is not None:
      with contextlib.suppress(OSError):
        self._process.stdin.close()
      self._process.wait()
