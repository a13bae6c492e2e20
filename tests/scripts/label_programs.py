"""The two label_image programs, called in the same way."""

import os
import subprocess

from tests import conftest

FOLDER = conftest.ROOT / 'scripts' / 'label_image_cc'


class CppProgram:
  """The C++ program.

  Args:
    path: where it was built.

  """

  def __init__(self, path):
    self.path = str(path)

  def run(self, *flags, **options):
    """Returns the finished process."""
    return subprocess.run(
      [self.path, *flags],
      capture_output=True,
      check=False,
      timeout=60,
      env=os.environ | {'TF_CPP_MIN_LOG_LEVEL': '3'},
      **options,
    )

  def label(self, *flags):
    """Returns status, standard output, and the last line of standard error."""
    done = self.run(*flags)
    lines = done.stderr.decode(errors='replace').splitlines()
    return done.returncode, done.stdout.decode(), lines[-1] if lines else ''


class PythonProgram:
  """scripts/label_image.py.

  Args:
    runner: a `commands.Runner`.
  """

  def __init__(self, runner):
    self._runner = runner

  def label(self, *flags):
    """Returns status, standard output, and the last line of standard error."""
    done = self._runner.run('scripts/label_image.py', *flags)
    assert 'Traceback' not in done.stderr, done.stderr
    lines = done.stderr.splitlines()
    return done.status, done.stdout, lines[-1] if lines else ''
