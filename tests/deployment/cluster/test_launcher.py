"""Options and signals of run_local_cluster.sh, without TensorFlow."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.deployment import local_cluster

LAUNCHER = local_cluster.ROOT / 'scripts' / 'run_local_cluster.sh'


def start(*options, python, **settings):
  return subprocess.Popen(
    ['bash', LAUNCHER, *options],
    env=os.environ | {'PYTHON': str(python)},
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
    **settings,
  )


@pytest.fixture
def python(tmp_path):
  """A program in place of Python that only waits for SIGTERM."""
  program = tmp_path / 'python'
  program.write_text(
    '#!/usr/bin/env bash\n'
    f'[[ "$1" == -c ]] && exec {sys.executable} "$@"\n'
    'echo started "$@"\n'
    f'[[ "$*" != *fails* ]] || exit 3\n'
    'trap "exit 143" TERM\n'
    'while true; do sleep 0.1; done\n'
  )
  program.chmod(0o755)
  return program


# fmt: off
@pytest.mark.parametrize(('options', 'sentence'), [
  (['--port', 'PATH[$(touch injected)]'], 'must be a whole number from 1 to'),
  (['--ps', 'PATH[$(touch injected)]'], 'must be a whole number from 1 to'),
  (['--workers', '$(touch injected)'], 'must be a whole number from 1 to'),
  (['--max_restarts', 'x[$(touch injected)]'], 'must be a whole number from 0'),
  (['--port', 'abc'], '--port abc: must be a whole number from 1 to 65533'),
  (['--port', ''], 'must be a whole number'),
  (['--port', '0'], 'must be a whole number'),
  (['--port', '65534'], 'must be a whole number'),
  (['--port', '99999999999999999999'], 'must be a whole number'),
  (['--ps', '0'], 'must be a whole number'),
  (['--ps', '-1'], 'must be a whole number'),
  (['--workers', '08'], 'must be a whole number'),
  (['--workers', '1e3'], 'must be a whole number'),
  (['--workers', '2\n3'], 'must be a whole number'),
  (['--port'], '--port needs a value'),
  (['--parameter_servers', '2'], 'unknown option --parameter_servers'),
  (['--log_dir', '/dev/null/x'], 'no folder that can be written to'),
])
# fmt: on
def test_wrong_options_start_nothing(python, tmp_path, options, sentence):
  process = start(*options, '--', '--x', python=python, cwd=tmp_path)
  said, complaint = process.communicate(timeout=60)
  assert process.returncode == 1
  assert sentence in complaint
  assert complaint.startswith('run_local_cluster.sh: ')
  assert 'started' not in said
  assert not (tmp_path / 'injected').exists()
  assert not (local_cluster.ROOT / 'injected').exists()


def test_missing_python_is_said(tmp_path):
  process = start('--', '--x', python=tmp_path / 'none')
  _, complaint = process.communicate(timeout=60)
  assert process.returncode == 1
  assert 'there is no program' in complaint


@pytest.mark.parametrize('after', [0.0, 0.2, 1.5])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_all_processes(python, tmp_path, number, after):
  """At any time, also while they are just starting."""
  process = start('--log_dir', tmp_path / 'logs', '--', '--x', python=python)
  while not (tmp_path / 'logs' / 'ps-0.log').exists():
    time.sleep(0.02)
  time.sleep(after)
  process.send_signal(number)
  said, complaint = process.communicate(timeout=60)
  assert process.returncode == 128 + number
  assert complaint == f'run_local_cluster.sh: Stopped by {number.name}.\n'
  assert len(re.findall('ended with status 143', said)) == 3
  assert not local_cluster.processes(str(python))


def test_ports_and_status_of_a_process_that_fails(python, tmp_path):
  process = start(
    *('--port', '40000', '--workers', '1', '--max_restarts', '1'),
    *('--log_dir', tmp_path / 'logs', '--', '--fails'),
    python=python,
  )
  said, _ = process.communicate(timeout=60)
  assert process.returncode == 3
  log = (tmp_path / 'logs' / 'worker-0.log').read_text()
  assert '--ps_hosts=localhost:40000 --worker_hosts=localhost:40001' in log
  assert log.count('restart 1 after status 3') == 1
  assert said.count('ended with status 3') == 2
