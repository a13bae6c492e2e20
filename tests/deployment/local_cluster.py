"""Runs of scripts/run_local_cluster.sh, watched through their logs."""

import dataclasses
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

import psutil
import tensorflow.compat.v1 as tf

from deployment import roles
from deployment.evaluation import evaluate
from deployment.training import config as train_config

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIMIT_SECS = 300


def options(train_dir, digits_dir, **changes):
  """Returns the TrainConfig of a short run that reaches 0.95."""
  values = {
    'train_dir': str(train_dir),
    'dataset_name': 'digits',
    'dataset_dir': str(digits_dir),
    'model_name': 'lenet',
    'batch_size': 50,
    'optimizer': 'sgd',
    'learning_rate': 0.02,
    'learning_rate_decay_type': 'fixed',
    'max_number_of_steps': 200,
    'log_every_n_steps': 10,
    'save_interval_steps': 50,
    'save_summaries_secs': 0,
    'random_seed': 1,
    'cluster_timeout_secs': 60,
    **changes,
  }
  return train_config.TrainConfig(**values)


def flags(options_):
  """Returns the flags that differ from their defaults."""
  plain = train_config.TrainConfig()
  return [
    f'--{field.name}={getattr(options_, field.name)}'
    for field in dataclasses.fields(options_)
    if getattr(options_, field.name) != getattr(plain, field.name)
  ]


def environment(**more):
  """Returns the environment of a user, quiet, with more variables."""
  quiet = {n: v for n, v in os.environ.items() if n != 'TF_CPP_MIN_LOG_LEVEL'}
  return quiet | more


def accuracy(options_):
  """Returns the test accuracy of a run's last checkpoint."""
  once = dataclasses.replace(
    roles.eval_config(options_), eval_interval_secs=None
  )
  with tf.Graph().as_default():
    return evaluate.evaluate(once)['Accuracy']


def processes(text):
  """Returns the processes whose command line holds a text."""
  return [
    process
    for process in psutil.process_iter(['cmdline'])
    if text in ' '.join(process.info['cmdline'] or ())
  ]


def wait_until(reached, explain, limit_secs=LIMIT_SECS):
  """Waits until reached() is true; returns what it returned."""
  start = time.monotonic()
  while time.monotonic() - start < limit_secs:
    result = reached()
    if result:
      return result
    time.sleep(0.05)
  raise AssertionError(explain())


class LocalCluster:
  """One run of the launcher.

  Args:
    folder: takes train_dir and logs.
    digits_dir: the data set.
    launcher_flags: options of the launcher, a string.
    changes: training options that differ from those of `options`.
  """

  def __init__(self, folder, digits_dir, launcher_flags, changes):
    self.logs = folder / 'logs'
    self.config = options(folder / 'train', digits_dir, **changes)
    self.process = subprocess.Popen(
      [
        ROOT / 'scripts/run_local_cluster.sh',
        '--log_dir',
        self.logs,
        *launcher_flags.split(),
        '--',
        *flags(self.config),
      ],
      env=environment(PYTHON=sys.executable),
      stdout=subprocess.PIPE,
      stderr=subprocess.STDOUT,
      text=True,
    )

  def close(self):
    """Kills what is left of it."""
    for child in processes(self.config.train_dir):
      child.kill()
    self.process.kill()
    self.process.communicate()

  def log(self, name):
    path = self.logs / f'{name}.log'
    return path.read_text() if path.exists() else ''

  def steps(self, name):
    return [int(n) for n in re.findall(r'step (\d+): loss', self.log(name))]

  def saved(self):
    return [
      int(step)
      for step in re.findall('checkpoint of step (\\d+)', self.log('worker-0'))
    ]

  def wait_for(self, name, text):
    """Waits until a process has logged a text."""
    self._wait_until(lambda: re.search(text, self.log(name)), name)

  def wait_for_step(self, name, number):
    """Waits until a process has logged a step of at least this number."""
    self._wait_until(lambda: max(self.steps(name), default=-1) >= number, name)

  def _wait_until(self, reached, name):
    wait_until(
      lambda: reached() or self.process.poll() is not None,
      lambda: self.log(name),
    )
    assert reached(), self.log(name)

  def signal(self, name, number):
    os.kill(int((self.logs / f'{name}.pid').read_text()), number)

  def end(self):
    """Waits for the end; returns the status of every process."""
    output, _ = self.process.communicate(timeout=LIMIT_SECS)
    found = re.findall(r'^(\S+) ended with status (\d+)', output, re.MULTILINE)
    return {name: int(status) for name, status in found}

  def check_good_end(self, restarted=None, lost=None):
    """Checks statuses, orphans, losses, steps and accuracy.

    Args:
      restarted: name of the process that was killed and restarted.
      lost: name of the process that was killed for good.
    """
    statuses = self.end()
    expected = dict.fromkeys(statuses, 0) | ({lost: 137} if lost else {})
    assert statuses == expected, self.log('worker-0')
    assert not processes(self.config.train_dir)
    if restarted:
      assert 'restart 1 after status 137' in self.log(restarted)
    for name in statuses:
      if name.startswith('worker'):
        self._check_steps(name)
    assert accuracy(self.config) >= 0.95

  def _check_steps(self, name):
    """The loss stays a number; no step goes back behind a checkpoint."""
    steps = self.steps(name)
    assert steps, self.log(name)
    assert 'loss nan' not in self.log(name)
    for before, after in zip(steps, steps[1:], strict=False):
      behind = [step for step in self.saved() if step <= before]
      assert after >= max(behind), self.log(name)


def free_ports(number):
  """Returns ports that nobody listens on."""
  sockets = [socket.socket() for _ in range(number)]
  for each in sockets:
    each.bind(('localhost', 0))
  ports = [each.getsockname()[1] for each in sockets]
  for each in sockets:
    each.close()
  return ports
