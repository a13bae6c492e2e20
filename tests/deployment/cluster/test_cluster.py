"""Cluster membership from flags and from TF_CONFIG."""

import json

import hypothesis
import hypothesis.strategies as st
import pytest

from deployment import roles
from deployment.cluster import members
from deployment.evaluation import config as eval_config
from deployment.training import config as train_config
from deployment.training import optimizers
from slim_support import errors

Cluster = members.Cluster


def environ(job, index, **members):
  return {
    'TF_CONFIG': json.dumps(
      {'cluster': members, 'task': {'type': job, 'index': index}}
    )
  }


# fmt: off
@pytest.mark.parametrize(('job', 'index', 'listed', 'expected'), [
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
def test_tf_config(job, index, listed, expected):
  found = members.resolve(
    train_config.TrainConfig(), environ(job, index, **listed)
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
  options = train_config.TrainConfig(
    ps_hosts=('p:1',), worker_hosts=('a:1', 'b:1'), job_name=job, task=task
  )
  found = members.resolve(options, environ('worker', 0, chief=['x:1']))
  assert found == expected
  applied = found.apply(options)
  assert (applied.worker_replicas, applied.num_ps_tasks) == (2, 1)
  with pytest.raises(errors.UserError, match='Leave out --num_ps_tasks'):
    found.apply(train_config.TrainConfig(num_ps_tasks=3))


HOSTS = {'ps_hosts': ('p:1',), 'worker_hosts': ('a:1', 'b:1')}


# fmt: off
@pytest.mark.parametrize(('options', 'environment', 'message'), [
  (HOSTS, {}, '--job_name is missing'),
  (HOSTS | {'job_name': 'worker', 'task': 2}, {}, '--task=2: there are 2'),
  (HOSTS | {'job_name': 'ps', 'task': 1}, {}, '--task=1: there are 1'),
  (HOSTS | {'job_name': 'chief', 'task': 1}, {}, 'there is only one chief'),
  (HOSTS | {'job_name': 'ps', 'master': 'grpc://x:1'}, {}, '--master names'),
  (HOSTS | {'job_name': 'ps', 'ps_hosts': ('p',)}, {}, "'p' is not host:port"),
  (HOSTS | {'job_name': 'ps', 'ps_hosts': ('p:0',)}, {}, 'not host:port'),
  (HOSTS | {'job_name': 'ps', 'ps_hosts': ('p:\u0663',)}, {}, 'not host:port'),
  (HOSTS | {'job_name': 'ps', 'ps_hosts': ('grpc://p:1',)}, {}, 'not host:po'),
  (HOSTS | {'job_name': 'ps', 'ps_hosts': ('a:1',)}, {}, 'a:1 is listed twice'),
  (HOSTS | {'job_name': 'ps', 'worker_hosts': ()}, {}, '--worker_hosts is'),
  (HOSTS | {'job_name': 'worker', 'ps_hosts': ()}, {}, 'there is none'),
  ({'worker_replicas': 2, 'num_ps_tasks': 1}, {}, 'need servers'),
  ({'worker_replicas': 2, 'master': 'grpc://x:1'}, {}, 'Use --num_ps_tasks'),
  ({'task': 1, 'num_ps_tasks': 1, 'master': 'grpc://x:1'}, {}, '--task=1'),
  ({}, {'TF_CONFIG': '{'}, 'TF_CONFIG is not valid'),
  ({}, {'TF_CONFIG': '[]'}, 'TF_CONFIG is not valid'),
  ({}, environ('worker', 0, worker=['a:1', 'b:1']), 'there is none'),
  ({}, environ('worker', 5, worker=['a:1', 'b:1'], ps=['c:1']), 'worker 5'),
  ({}, environ('worker', -1, chief=['a:1'], worker=['b:1'], ps=['c:1']),
   'worker -1'),
  ({}, environ('chief', 1, chief=['a:1'], worker=['b:1'], ps=['c:1']),
   'chief 1'),
  ({}, environ('worker', 0, chief=['a:1'], master=['d:1'], ps=['c:1']),
   'a chief and a master'),
  ({}, environ('worker', True, worker=['a:1', 'b:1'], ps=['c:1']), 'index'),
  ({}, environ('worker', 'x', worker=['a:1', 'b:1'], ps=['c:1']), 'not valid'),
  ({}, environ('worker', 0, worker='a:1', ps=['c:1']), 'must be a list'),
  ({}, environ('worker', 0, worker=[1], ps=['c:1']), 'must be a text'),
  ({}, {'TF_CONFIG': '[' * 100000}, 'TF_CONFIG is not valid'),
  ({}, environ('cook', 0, worker=['a:1', 'b:1'], ps=['c:1']), 'cook'),
  ({}, environ('ps', 0, ps=['c:1', 'd:1']), 'no chief and no worker'),
])
# fmt: on
def test_clusters_that_cannot_work(options, environment, message):
  with pytest.raises(errors.UserError, match=message):
    members.resolve(train_config.TrainConfig(**options), environment)


_ADDRESS = st.one_of(
  st.sampled_from(['a:1', 'b:2', 'c:3', 'd:65535', 'a', ':1', 'a:0']),
  st.text(max_size=6),
  st.integers(),
  st.none(),
)
_HOSTS = st.one_of(st.lists(_ADDRESS, max_size=3), st.text(), st.none())
_ROLES = st.sampled_from([*members.JOBS, 'master', 'x', '', None, 3])
_CONTENT = st.one_of(
  st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
  ),
  st.fixed_dictionaries(
    {},
    optional={
      'cluster': st.dictionaries(_ROLES.map(str), _HOSTS) | _HOSTS,
      'task': st.fixed_dictionaries(
        {},
        optional={
          'type': _ROLES,
          'index': st.integers(-2, 4) | st.floats() | st.text(max_size=2),
        },
      )
      | _HOSTS,
    },
  ),
)


@hypothesis.settings(max_examples=300, deadline=None)
@hypothesis.given(st.one_of(_CONTENT.map(json.dumps), st.text()))
def test_any_tf_config_is_a_cluster_or_one_sentence(text):
  found = message = None
  try:
    found = members.resolve(train_config.TrainConfig(), {'TF_CONFIG': text})
  except errors.UserError as error:
    message = str(error)
  if message is not None:
    assert 'TF_CONFIG' in message
    assert len(message.splitlines()) == 1
  if found:
    assert found.job in ('worker', 'ps', 'evaluator')
    assert found.workers
    if found.job != 'evaluator':
      jobs = {'worker': found.workers, 'ps': found.ps}
      assert 0 <= found.task < len(jobs[found.job])


def test_servers_started_elsewhere():
  options = train_config.TrainConfig(
    master='grpc://x:1', task=1, worker_replicas=2, num_ps_tasks=1
  )
  assert members.resolve(options, environ('ps', 0, ps=['a:1'])) is None


def test_the_evaluator_follows_the_run():
  options = train_config.TrainConfig(
    train_dir='/x', train_image_size=48, moving_average_decay=0.9, batch_size=7
  )
  follower = roles.eval_config(options)
  assert follower.checkpoint_path == '/x'
  assert follower.eval_dir == '/x/eval'
  assert follower.dataset_split_name == 'test'
  assert follower.eval_image_size == 48
  assert follower.moving_average_decay == 0.9
  assert follower.batch_size == eval_config.EvalConfig().batch_size


@pytest.mark.parametrize(
  ('changes', 'steps', 'images'),
  [
    ({}, 60, 50),
    ({'num_clones': 2}, 60, 100),
    ({'num_clones': 2, 'decay_by_effective_batch': True}, 30, 100),
    ({'worker_replicas': 3}, 60, 50),
    ({'replicas_to_aggregate': 3, 'sync_replicas': True}, 20, 150),
  ],
)
def test_batch_and_decay(changes, steps, images):
  options = train_config.TrainConfig(batch_size=50, **changes)
  assert optimizers.decay_steps(options, 1500) == steps
  assert options.effective_batch == images
