"""Who is who in a cluster, and the machinery that needs no whole cluster."""

import json
import threading
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import slim_errors
from deployment import (
  board,
  cluster,
  config,
  hooks,
  model_deploy,
  peers,
  roles,
  servers,
  sessions,
  sync_replicas,
)
from tests.deployment import local_cluster

Cluster = cluster.Cluster


def environ(job, index, **members):
  return {
    'TF_CONFIG': json.dumps(
      {'cluster': members, 'task': {'type': job, 'index': index}}
    )
  }


# fmt: off
@pytest.mark.parametrize(('job', 'index', 'members', 'expected'), [
  ('chief', 0, {'chief': ['a:1'], 'worker': ['b:1'], 'ps': ['c:1']},
   Cluster('worker', 0, ('c:1',), ('a:1', 'b:1'))),
  ('master', 0, {'master': ['a:1'], 'worker': ['b:1'], 'ps': ['c:1']},
   Cluster('worker', 0, ('c:1',), ('a:1', 'b:1'))),
  ('worker', 0, {'chief': ['a:1'], 'worker': ['b:1'], 'ps': ['c:1']},
   Cluster('worker', 1, ('c:1',), ('a:1', 'b:1'))),
  ('worker', 1, {'worker': ['a:1', 'b:1'], 'ps': ['c:1']},
   Cluster('worker', 1, ('c:1',), ('a:1', 'b:1'))),
  ('ps', 1, {'worker': ['a:1'], 'ps': ['b:1', 'c:1']},
   Cluster('ps', 1, ('b:1', 'c:1'), ('a:1',))),
  ('evaluator', 0, {'chief': ['a:1'], 'ps': ['c:1']},
   Cluster('evaluator', 0, ('c:1',), ('a:1',))),
  ('chief', 0, {'chief': ['a:1']}, None),
  ('worker', 0, {'worker': ['a:1']}, None),
  ('chief', 0, {}, None),
])
# fmt: on
def test_tf_config(job, index, members, expected):
  found = cluster.resolve(
    config.TrainConfig(), environ(job, index, **members)
  )
  assert found == expected
  if found:
    assert found.is_chief == (found.job == 'worker' and found.task == 0)


# fmt: off
@pytest.mark.parametrize(('job', 'task', 'expected'), [
  ('chief', 0, Cluster('worker', 0, ('p:1',), ('a:1', 'b:1'))),
  ('worker', 1, Cluster('worker', 1, ('p:1',), ('a:1', 'b:1'))),
  ('ps', 0, Cluster('ps', 0, ('p:1',), ('a:1', 'b:1'))),
  ('evaluator', 0, Cluster('evaluator', 0, ('p:1',), ('a:1', 'b:1'))),
])
# fmt: on
def test_flags_go_before_tf_config(job, task, expected):
  options = config.TrainConfig(
    ps_hosts=('p:1',), worker_hosts=('a:1', 'b:1'), job_name=job, task=task
  )
  found = cluster.resolve(options, environ('worker', 0, chief=['x:1']))
  assert found == expected
  applied = found.apply(options)
  assert (applied.worker_replicas, applied.num_ps_tasks) == (2, 1)
  with pytest.raises(slim_errors.UserError, match='Leave out --num_ps_tasks'):
    found.apply(config.TrainConfig(num_ps_tasks=3))


HOSTS = {'ps_hosts': ('p:1',), 'worker_hosts': ('a:1', 'b:1')}


# fmt: off
@pytest.mark.parametrize(('options', 'environment', 'message'), [
  (HOSTS, {}, '--job_name is missing'),
  (HOSTS | {'job_name': 'worker', 'task': 2}, {}, '--task=2: there are 2'),
  (HOSTS | {'job_name': 'ps', 'task': 1}, {}, '--task=1: there are 1'),
  (HOSTS | {'job_name': 'chief', 'task': 1}, {}, 'there is one chief'),
  (HOSTS | {'job_name': 'ps', 'master': 'grpc://x:1'}, {}, '--master names'),
  (HOSTS | {'job_name': 'ps', 'ps_hosts': ('p',)}, {}, "'p' is no host:port"),
  (HOSTS | {'job_name': 'ps', 'ps_hosts': ('p:0',)}, {}, 'no host:port'),
  (HOSTS | {'job_name': 'ps', 'ps_hosts': ('a:1',)}, {}, 'a:1 is there twice'),
  (HOSTS | {'job_name': 'ps', 'worker_hosts': ()}, {}, '--worker_hosts is'),
  (HOSTS | {'job_name': 'worker', 'ps_hosts': ()}, {}, 'there is none'),
  ({'worker_replicas': 2, 'num_ps_tasks': 1}, {}, 'need servers'),
  ({'worker_replicas': 2, 'master': 'grpc://x:1'}, {}, 'Say --num_ps_tasks'),
  ({'task': 1, 'num_ps_tasks': 1, 'master': 'grpc://x:1'}, {}, '--task=1'),
  ({}, {'TF_CONFIG': '{'}, 'TF_CONFIG is not as it should be'),
  ({}, {'TF_CONFIG': '[]'}, 'TF_CONFIG is not as it should be'),
  ({}, environ('worker', 0, worker=['a:1', 'b:1']), 'there is none'),
  ({}, environ('worker', 5, worker=['a:1', 'b:1'], ps=['c:1']), 'worker 5'),
  ({}, environ('cook', 0, worker=['a:1', 'b:1'], ps=['c:1']), 'cook'),
  ({}, environ('ps', 0, ps=['c:1', 'd:1']), 'no chief and no worker'),
])
# fmt: on
def test_what_cannot_work_is_said(options, environment, message):
  with pytest.raises(slim_errors.UserError, match=message):
    cluster.resolve(config.TrainConfig(**options), environment)


def test_servers_started_elsewhere():
  options = config.TrainConfig(
    master='grpc://x:1', task=1, worker_replicas=2, num_ps_tasks=1
  )
  assert cluster.resolve(options, environ('ps', 0, ps=['a:1'])) is None


def test_the_evaluator_follows_the_run():
  options = config.TrainConfig(
    train_dir='/x', train_image_size=48, moving_average_decay=0.9, batch_size=7
  )
  follower = roles.eval_config(options)
  assert follower.checkpoint_path == '/x'
  assert follower.eval_dir == '/x/eval'
  assert follower.dataset_split_name == 'test'
  assert follower.eval_image_size == 48
  assert follower.moving_average_decay == 0.9
  assert follower.batch_size == config.EvalConfig().batch_size


@pytest.fixture(scope='module')
def spec():
  """Servers of one ps and two workers, in this process."""
  ports = local_cluster.free_ports(3)
  ps, *workers = [f'localhost:{port}' for port in ports]
  members = [('ps', 0), ('worker', 0), ('worker', 1)]
  places = [Cluster(job, n, (ps,), tuple(workers)) for job, n in members]
  return [
    (place, servers.start(place, tf.ConfigProto())) for place in places
  ]


def never():
  return False


def test_peers_answer_and_are_who_they_should_be(spec):
  place, _ = spec[0]
  ps, workers = peers.members(place)
  peers.wait([*ps, *workers], 5, never)
  assert [str(peer).split(' at ')[0] for peer in [*ps, *workers]] == [
    'ps 0',
    'the chief',
    'worker 1',
  ]
  mixed_up = peers.Peer('worker', 1, workers[0].address)
  with pytest.raises(slim_errors.UserError, match='same list of hosts'):
    peers.wait([mixed_up], 0.1, never)


@pytest.mark.parametrize(
  ('host', 'problem'),
  [('localhost', 'Connection refused'), ('no.such.invalid', 'name')],
)
def test_wrong_host_or_port_is_said_in_time(host, problem):
  (port,) = local_cluster.free_ports(1)
  start = time.monotonic()
  with pytest.raises(
    slim_errors.UserError, match=f'ps 0 at {host}:{port} .*{problem}'
  ):
    peers.wait([peers.Peer('ps', 0, f'{host}:{port}')], 1, never)
  assert time.monotonic() - start < 5
  with pytest.raises(peers.Interrupted):
    peers.wait([peers.Peer('ps', 0, f'{host}:{port}')], 60, lambda: True)


def test_taken_port_is_said(spec):
  with pytest.raises(slim_errors.UserError, match='is it taken'):
    servers.start(spec[1][0], tf.ConfigProto())


def test_notes_are_seen_by_all_and_not_saved(spec):
  (_, server), (_, other), _ = spec
  board.tell(other.target, 0, ['/job:worker/task:0'], {'x': 7, 'y': 2})
  notes = board.Board()
  with tf.Session(server.target) as session:
    assert session.run([notes.read(key) for key in 'xyz']) == [7, 2, 0]
    session.run(notes.write('x', 0))
    assert session.run(notes.read('x')) == 0
  assert not tf.get_collection(tf.GraphKeys.SAVEABLE_OBJECTS)


STEPS = 20
BATCHES = np.random.RandomState(0).randn(STEPS, 32, 5).astype(np.float32)
WEIGHTS = np.random.RandomState(1).randn(5, 4).astype(np.float32)


def model(images, targets):
  weights = tf.get_variable('w', initializer=WEIGHTS)
  bias = tf.get_variable('b', [4], initializer=tf.zeros_initializer())
  logits = tf.nn.tanh(tf.matmul(images, weights) + bias)
  tf.losses.mean_squared_error(targets, logits)


def train(deploy, optimizer, batches, run):
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
    return train(deploy, tf.train.MomentumOptimizer(0.3, 0.9), BATCHES, run)


def trained_by(task, target, train_dir, results):
  """One of two synchronous replicas, with its half of every batch."""
  options = config.TrainConfig(
    master=target,
    task=task,
    worker_replicas=2,
    num_ps_tasks=1,
    sync_replicas=True,
    replicas_to_aggregate=2,
    train_dir=train_dir,
  )
  replica = sessions.Replica(options, None, hooks.Stopper())
  base = tf.train.MomentumOptimizer(0.3, 0.9)
  sync = sync_replicas.optimizer(base, options)

  def run(train_op, feeds):
    creator = sessions.creator(replica, tf.train.Scaffold(), tf.ConfigProto())
    with tf.train.MonitoredSession(
      creator, hooks=[sync_replicas.Hook(sync, replica)]
    ) as session:
      for feed in feeds:
        session.run(train_op, feed)
      return session.run(['w:0', tf.train.get_global_step()])

  half = BATCHES[:, 16 * task : 16 * (task + 1)]
  with tf.Graph().as_default():
    deploy = model_deploy.DeploymentConfig(1, True, task, 2, 1)
    with tf.device(deploy.variables_device()):
      tf.train.create_global_step()
    results[task] = train(deploy, sync, half, run)


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
