"""A process that has TensorFlow imported and forks once for each command.

Importing TensorFlow takes seconds, which hundreds of cases cannot pay. This
process imports it once, starts no session, and runs every command in a fork of
itself, as if it had been started from the shell.

    requests    a line of JSON: script, argv, cwd, output (a path), timeout,
                signal (its number, to be sent after the timeout, or null)
    answers     a line of JSON: status, or null after the timeout

The command's standard output and error go to OUTPUT.out and OUTPUT.err.
"""

import contextlib
import json
import os
import runpy
import signal
import sys
import time
import traceback

_MODULES = (
  'tensorflow.compat.v1',
  'tf_slim_compat',
  'deployment.roles',
  'deployment.export.export',
  'deployment.labeling.label',
  'deployment.evaluation.evaluate',
  'datasets.split_summary',
  'datasets.reading',
  'matplotlib.figure',
)

_SECS_AFTER_SIGNAL = 60


def _import_all():
  for name in _MODULES:
    __import__(name)
  import tensorflow.compat.v1 as tf

  tf.logging.set_verbosity(tf.logging.ERROR)
  tf.disable_v2_behavior()


def _run(request):
  """Runs a command in this process, which is a fork; does not return."""
  os.setsid()
  null = os.open(os.devnull, os.O_RDONLY)
  os.dup2(null, 0)
  for descriptor, suffix in ((1, 'out'), (2, 'err')):
    path = f'{request["output"]}.{suffix}'
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, descriptor)
  for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
  signal.signal(signal.SIGINT, signal.default_int_handler)
  status = 1
  try:
    os.chdir(request['cwd'])
    sys.argv = [request['script'], *request['argv']]
    sys.path.insert(0, os.path.dirname(request['script']))
    runpy.run_path(request['script'], run_name='__main__')
    status = 0
  except SystemExit as error:
    status = error.code if isinstance(error.code, int) else bool(error.code)
    if isinstance(error.code, str):
      print(error.code, file=sys.stderr)
  except BaseException:
    traceback.print_exc()
  finally:
    for stream in (sys.stdout, sys.stderr):
      with contextlib.suppress(OSError):
        stream.flush()
    os._exit(int(status))


def _wait(pid, timeout, number=None):
  """Returns the status of a fork, None if it had to be killed.

  With the number of a signal, the fork gets the signal after the timeout and
  has more time to end.
  """
  end = time.monotonic() + timeout
  pause = 0.002
  while time.monotonic() < end:
    found, status = os.waitpid(pid, os.WNOHANG)
    if found:
      return os.waitstatus_to_exitcode(status)
    time.sleep(pause)
    pause = min(0.05, pause * 1.5)
  if number is not None:
    os.kill(pid, number)
    return _wait(pid, _SECS_AFTER_SIGNAL)
  os.killpg(pid, signal.SIGKILL)
  os.waitpid(pid, 0)
  return None


def main():
  """Answers requests until standard input ends."""
  answers = os.fdopen(os.dup(1), 'w')
  os.dup2(2, 1)
  _import_all()
  answers.write('ready\n')
  answers.flush()
  for line in sys.stdin:
    request = json.loads(line)
    pid = os.fork()
    if not pid:
      _run(request)
    status = _wait(pid, request['timeout'], request.get('signal'))
    answers.write(json.dumps({'status': status}) + '\n')
    answers.flush()


if __name__ == '__main__':
  main()
