"""Servers of a small cluster in this process, and sessions on them."""

import dataclasses
import threading
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment import model_deploy
from deployment.checkpoints import locate
from deployment.cluster import (
  peers,
  servers,
  sessions,
  status_table,
  sync_replicas,
)
from deployment.cluster.members import Cluster
from deployment.cluster.replica import Replica
from deployment.training import config as train_config
from deployment.training import train
from slim_support import errors, signals
from tests.deployment import local_cluster


@pytest.fixture(scope='module')
def spec():
  """Servers of one ps and two workers, in this process."""
  ports = local_cluster.free_ports(3)
  ps, *workers = [f'localhost:{port}' for port in ports]
  members = [('ps', 0), ('worker', 0), ('worker', 1)]
  places = [Cluster(job, n, (ps,), tuple(workers)) for job, n in members]
  return [(place, servers.start(place, tf.ConfigProto())) for place in places]


def never():
  return False


def test_healthy_peers_and_swapped_ones(spec):
  place, _ = spec[0]
  ps, workers = peers.of_cluster(place)
  peers.wait([*ps, *workers], 5, never)
  assert [str(peer).split(' at ')[0] for peer in [*ps, *workers]] == [
    'ps 0',
    'the chief',
    'worker 1',
  ]
  mixed_up = peers.Peer('worker', 1, workers[0].address)
  with pytest.raises(errors.UserError, match='same list of hosts'):
    peers.wait([mixed_up], 0.1, never)


@pytest.mark.parametrize(
  ('host', 'problem'),
  [('localhost', 'Connection refused'), ('no.such.invalid', 'name')],
)
def test_wrong_host_or_port_is_reported_in_time(host, problem):
  (port,) = local_cluster.free_ports(1)
  start = time.monotonic()
  with pytest.raises(
    errors.UserError, match=f'ps 0 at {host}:{port} .*{problem}'
  ):
    peers.wait([peers.Peer('ps', 0, f'{host}:{port}')], 1, never)
  assert time.monotonic() - start < 5
  with pytest.raises(peers.Interrupted):
    peers.wait([peers.Peer('ps', 0, f'{host}:{port}')], 60, lambda: True)


def test_port_in_use_is_reported(spec):
  with pytest.raises(errors.UserError, match='Is the port in use'):
    servers.start(spec[1][0], tf.ConfigProto())


def test_status_is_seen_by_all_and_not_saved(spec):
  (_, server), (_, other), _ = spec
  status_table.publish(
    other.target, 0, ['/job:worker/task:0'], {'x': 7, 'y': 2}
  )
  table = status_table.StatusTable()
  with tf.Session(server.target) as session:
    assert session.run([table.read(key) for key in 'xyz']) == [7, 2, 0]
    session.run(table.write('x', 0))
    assert session.run(table.read('x')) == 0
  assert not tf.get_collection(tf.GraphKeys.SAVEABLE_OBJECTS)


def test_servers_elsewhere_keep_the_model_of_one_run(
  spec, digits_dir, tmp_path, caplog
):
  """--master, twice on one train_dir and once on another."""
  options = local_cluster.options(
    tmp_path / 'first',
    digits_dir,
    master=spec[1][1].target,
    num_ps_tasks=1,
    clone_on_cpu=True,
    batch_size=8,
    max_number_of_steps=3,
  )
  living = 'Resuming with the model that the other workers are training.'
  assert train.train(options) == 0
  assert living not in caplog.text
  for file in (tmp_path / 'first').glob('*ckpt*'):
    file.unlink()
  more = dataclasses.replace(options, max_number_of_steps=5)
  assert train.train(more) == 0
  assert living in caplog.text
  assert locate.step_of(locate.resolve(more.train_dir)) == 5
  caplog.clear()
  other = dataclasses.replace(options, train_dir=str(tmp_path / 'other'))
  assert train.train(other) == 0
  assert living not in caplog.text
  assert locate.step_of(locate.resolve(other.train_dir)) == 3
  caplog.clear()
  assert train.train(other) == 0
  assert 'Step 3 is already reached' in caplog.text


STEPS = 20
BATCHES = np.random.RandomState(0).randn(STEPS, 32, 5).astype(np.float32)
WEIGHTS = np.random.RandomState(1).randn(5, 4).astype(np.float32)


def model(images, targets):
  weights = tf.get_variable('w', initializer=WEIGHTS)
  bias = tf.get_variable('b', [4], initializer=tf.zeros_initializer())
  logits = tf.nn.tanh(tf.matmul(images, weights) + bias)
  tf.losses.mean_squared_error(targets, logits)


def run_training(deploy, optimizer, batches, run):
  """Trains on the batches; run(train_op, feeds) runs the steps."""
  step = tf.train.get_or_create_global_step()
  images = tf.placeholder(tf.float32, [None, 5])
  clones = model_deploy.create_clones(
    deploy, model, [images, tf.sin(images[:, :4])]
  )
  with tf.device(deploy.optimizer_device()):
    _, gradients = model_deploy.optimize_clones(clones, optimizer)
    train_op = optimizer.apply_gradients(gradients, step)
  return run(train_op, [{images: batch} for batch in batches])


def trained_alone():
  def run(train_op, feeds):
    with tf.train.MonitoredSession() as session:
      for feed in feeds:
        session.run(train_op, feed)
      return session.run('w:0')

  with tf.Graph().as_default():
    deploy = model_deploy.DeploymentConfig(clone_on_cpu=True)
    return run_training(
      deploy, tf.train.MomentumOptimizer(0.3, 0.9), BATCHES, run
    )


def trained_by(task, target, train_dir, results):
  """One of two synchronous replicas, with its half of every batch."""
  options = train_config.TrainConfig(
    master=target,
    task=task,
    worker_replicas=2,
    num_ps_tasks=1,
    sync_replicas=True,
    replicas_to_aggregate=2,
    train_dir=train_dir,
  )
  replica = Replica(options, None, signals.Stopper())
  base = tf.train.MomentumOptimizer(0.3, 0.9)
  sync = sync_replicas.optimizer(base, options)

  def run(train_op, feeds):
    creator = sessions.creator(replica, tf.train.Scaffold(), tf.ConfigProto())
    with tf.train.MonitoredSession(
      creator, hooks=[sync_replicas.SyncHook(sync, replica)]
    ) as session:
      for feed in feeds:
        session.run(train_op, feed)
      return session.run(['w:0', tf.train.get_global_step()])

  half = BATCHES[:, 16 * task : 16 * (task + 1)]
  with tf.Graph().as_default():
    deploy = model_deploy.DeploymentConfig(
      1, True, task, 2, 1, exact_placement=True
    )
    with tf.device(deploy.variables_device()):
      tf.train.create_global_step()
    results[task] = run_training(deploy, sync, half, run)


def test_two_synchronous_workers_equal_one_with_the_double_batch(
  spec, tmp_path
):
  results = {}
  threads = [
    threading.Thread(
      target=trained_by,
      args=(task, spec[1 + task][1].target, str(tmp_path), results),
    )
    for task in (0, 1)
  ]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join(60)
  expected = trained_alone()
  assert np.abs(expected - WEIGHTS).max() > 0.1
  for task in (0, 1):
    weights, step = results[task]
    assert step == STEPS
    np.testing.assert_allclose(weights, expected, atol=1e-4)
