"""Whole clusters on this machine, and what happens when a process is killed."""

import json
import pathlib
import signal
import subprocess
import sys

import pytest

from deployment.checkpoints import locate
from tests.deployment import local_cluster

pytestmark = pytest.mark.slow


@pytest.fixture
def launch(tmp_path, digits_dir):
  """Starts a local cluster; nothing of it is left after the test."""
  running = []

  def start(launcher_flags, **changes):
    running.append(
      local_cluster.LocalCluster(tmp_path, digits_dir, launcher_flags, changes)
    )
    return running[-1]

  yield start
  for each in running:
    each.close()


def test_async_with_an_evaluator(launch):
  local = launch('--ps 2 --workers 2 --evaluator')
  local.check_good_end()
  assert min(len(local.steps(f'worker-{task}')) for task in (0, 1)) > 3
  assert 'Training is finished' in local.log('evaluator-0')
  metrics = pathlib.Path(local.config.train_dir, 'eval', 'metrics.json')
  assert json.loads(metrics.read_text())['step'] == local.saved()[-1]


def test_sync_by_tf_config_and_a_late_ps(digits_dir, tmp_path):
  """A chief with a job of its own, as Kubeflow has it."""
  options = local_cluster.options(
    tmp_path / 'train', digits_dir, sync_replicas=True, replicas_to_aggregate=2
  )
  ports = local_cluster.free_ports(3)
  members = dict(zip(('chief', 'worker', 'ps'), ports, strict=True))
  started = {}

  def start(job):
    content = {
      'cluster': {name: [f'localhost:{p}'] for name, p in members.items()},
      'task': {'type': job, 'index': 0},
    }
    with open(tmp_path / f'{job}.log', 'w', encoding='utf-8') as log:
      started[job] = subprocess.Popen(
        [
          sys.executable,
          local_cluster.ROOT / 'train_image_classifier.py',
          *local_cluster.flags(options),
        ],
        env=local_cluster.environment(TF_CONFIG=json.dumps(content)),
        stdout=log,
        stderr=log,
      )

  def log(job):
    return (tmp_path / f'{job}.log').read_text()

  start('chief')
  start('worker')
  for job in ('chief', 'worker'):
    local_cluster.wait_until(
      lambda job=job: f'Waiting for ps 0 at localhost:{ports[2]}' in log(job),
      lambda job=job: log(job),
    )
  start('ps')
  for process in started.values():
    assert process.wait(local_cluster.LIMIT_SECS) == 0, log('chief')
  assert 'step 190: loss' in log('worker')
  assert local_cluster.accuracy(options) >= 0.95


def test_killed_worker_rejoins(launch):
  local = launch('--ps 1 --workers 2 --max_restarts 1')
  local.wait_for_step('worker-1', 40)
  local.signal('worker-1', signal.SIGKILL)
  local.wait_for_step('worker-0', local.steps('worker-0')[-1] + 20)
  # The chief sleeps lest training end before the worker is back.
  local.signal('worker-0', signal.SIGSTOP)
  local.wait_for('worker-1', 'restart 1(.|\n)*step \\d+: loss')
  local.signal('worker-0', signal.SIGCONT)
  local.check_good_end(restarted='worker-1')


def test_killed_synchronous_worker_is_waited_for(launch):
  local = launch(
    '--ps 1 --workers 2 --max_restarts 1',
    sync_replicas=True,
    replicas_to_aggregate=2,
  )
  local.wait_for_step('worker-1', 40)
  local.signal('worker-1', signal.SIGKILL)
  local.check_good_end(restarted='worker-1')
  _, after = local.log('worker-1').split('restart 1')
  assert 'loss' in after, 'the worker trains again'


def test_killed_ps_is_restored_from_the_checkpoint(launch):
  local = launch('--ps 2 --workers 2 --max_restarts 1')
  local.wait_for('worker-0', 'checkpoint of step [1-9]')
  local.wait_for_step('worker-1', 60)
  local.signal('ps-1', signal.SIGKILL)
  local.check_good_end(restarted='ps-1')
  assert 'Lost a parameter server' in local.log('worker-0')
  saved = local.saved()
  assert len(saved) > len(set(saved)), 'the restored step is saved again'


@pytest.mark.parametrize('sync', [False, True])
def test_killed_chief_goes_on_with_the_living_model(launch, sync):
  changes = {'sync_replicas': True, 'replicas_to_aggregate': 2} if sync else {}
  local = launch(
    '--ps 1 --workers 2 --max_restarts 1', save_interval_steps=1000, **changes
  )
  local.wait_for_step('worker-0', 60)
  local.signal('worker-0', signal.SIGKILL)
  if not sync:
    local.wait_for_step('worker-1', local.steps('worker-1')[-1] + 20)
    # The worker sleeps lest it reach the end before the chief is back.
    local.signal('worker-1', signal.SIGSTOP)
    local.wait_for('worker-0', 'Resuming with the model')
    local.signal('worker-1', signal.SIGCONT)
  local.check_good_end(restarted='worker-0')
  _, after = local.log('worker-0').split('restart 1')
  assert 'Resuming with the model' in after
  steps = local.steps('worker-0')
  assert steps == sorted(steps)
  assert 'loss' in after, 'the chief trains again'


def test_backup_worker_makes_a_killed_one_dispensable(launch):
  local = launch(
    '--ps 1 --workers 3', sync_replicas=True, replicas_to_aggregate=2
  )
  local.wait_for_step('worker-2', 40)
  local.signal('worker-2', signal.SIGKILL)
  local.check_good_end(lost='worker-2')


def test_sigterm_saves_and_leaves_no_orphans(launch):
  """Also while steps wait for each other."""
  local = launch(
    '--ps 1 --workers 2',
    sync_replicas=True,
    replicas_to_aggregate=2,
    max_number_of_steps=100000,
  )
  local.wait_for_step('worker-0', 30)
  local.process.send_signal(signal.SIGTERM)
  assert set(local.end().values()) == {143}
  assert not local_cluster.processes(local.config.train_dir)
  newest = locate.resolve(local.config.train_dir)
  assert locate.step_of(newest) >= local.steps('worker-0')[-1]
  assert not pathlib.Path(local.config.train_dir, 'finished.json').exists()


def test_failed_chief_ends_the_cluster(launch):
  local = launch('--ps 1 --workers 2', learning_rate=1e30)
  assert set(local.end().values()) <= {1, 143}
  assert 'is NaN or infinite' in local.log('worker-0') + local.log('worker-1')
  assert not local_cluster.processes(local.config.train_dir)


def test_members_that_never_come_are_named_in_time(digits_dir, tmp_path):
  options = local_cluster.options(
    tmp_path / 'train', digits_dir, cluster_timeout_secs=3
  )
  hosts = [f'localhost:{port}' for port in local_cluster.free_ports(4)]
  # Each process for itself: none finds the others at their addresses.
  cases = {
    'ps': (hosts[:1], hosts[1:2], f'No response from the chief at {hosts[1]}'),
    'worker': (hosts[2:3], hosts[3:], f'from ps 0 at {hosts[2]}'),
  }
  started = {
    job: subprocess.Popen(
      [
        sys.executable,
        local_cluster.ROOT / 'train_image_classifier.py',
        *local_cluster.flags(options),
        f'--ps_hosts={",".join(ps)}',
        f'--worker_hosts={",".join(workers)}',
        f'--job_name={job}',
      ],
      env=local_cluster.environment(),
      stderr=subprocess.PIPE,
      text=True,
    )
    for job, (ps, workers, _) in cases.items()
  }
  for job, process in started.items():
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert cases[job][2] in errors.splitlines()[-1]
    assert 'Connection refused' in errors
    assert 'Traceback' not in errors
