"""Clones, their devices and what they share."""

import inspect
import types

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets import dataset_factory
from deployment import model_deploy
from deployment.training import config as train_config
from deployment.training import train_graph
from tf_slim_compat import slim

DeploymentConfig = model_deploy.DeploymentConfig


def test_public_names():
  assert model_deploy.Clone._fields == ('outputs', 'scope', 'device')
  assert model_deploy.DeployedModel._fields == (
    'train_op',
    'summary_op',
    'total_loss',
    'clones',
  )
  arguments = {
    'create_clones': ['config', 'model_fn', 'args', 'kwargs'],
    'optimize_clones': [
      'clones',
      'optimizer',
      'regularization_losses',
      'kwargs',
    ],
    'deploy': [
      'config',
      'model_fn',
      'args',
      'kwargs',
      'optimizer',
      'summarize_gradients',
    ],
  }
  for name, expected in arguments.items():
    signature = inspect.signature(getattr(model_deploy, name))
    assert list(signature.parameters) == expected


# fmt: off
@pytest.mark.parametrize(('options', 'expected'), [
  ({}, ('/device:GPU:0', '', '/device:CPU:0', '/device:GPU:0')),
  ({'clone_on_cpu': True},
   ('/device:CPU:0', '', '/device:CPU:0', '/device:CPU:0')),
  ({'num_clones': 2},
   ('/device:GPU:1', 'clone_1', '/device:CPU:0', '/device:CPU:0')),
  ({'num_clones': 2, 'num_ps_tasks': 1, 'num_replicas': 4, 'replica_id': 3},
   ('/job:worker/task:3/device:GPU:1', 'clone_1',
    '/job:worker/task:3/device:CPU:0', None)),
])
# fmt: on
def test_devices(options, expected):
  deploy = DeploymentConfig(**options)
  last = deploy.num_clones - 1
  clone_device, scope, own_cpu, variables = expected
  assert deploy.clone_device(last) == clone_device
  assert deploy.clone_scope(last) == scope
  assert deploy.optimizer_device() == own_cpu
  assert deploy.inputs_device() == own_cpu
  if variables is not None:
    assert deploy.variables_device() == variables
    assert deploy.caching_device() is None
  else:
    op = types.SimpleNamespace(device='/somewhere')
    assert deploy.caching_device()(op) == '/somewhere'


@pytest.mark.parametrize(
  'options',
  [
    {'num_clones': 0},
    {'num_replicas': 0},
    {'num_replicas': 2},
    {'num_replicas': 2, 'num_ps_tasks': 1, 'replica_id': 2},
    {'replica_id': -1},
  ],
)
def test_impossible_deployments_are_refused(options):
  with pytest.raises(ValueError, match='must be|parameter server'):
    DeploymentConfig(**options)
  with pytest.raises(ValueError, match='clone_index'):
    DeploymentConfig(num_clones=2).clone_device(2)


def test_variables_go_round_the_parameter_servers():
  deploy = DeploymentConfig(num_ps_tasks=2, ps_job_name='store')
  with tf.device(deploy.variables_device()):
    devices = [tf.Variable(0.0).device for _ in range(3)]
    with tf.device('/job:elsewhere'):
      assert 'elsewhere' in tf.Variable(0.0).device
  assert devices == [f'/job:store/task:{n}/device:CPU:0' for n in (0, 1, 0)]


def test_plain_variables_find_a_parameter_server_too():
  deploy = DeploymentConfig(2, True, 1, 2, 2)

  def model():
    variables = [tf.get_variable(name, [2]) for name in 'ab']
    return tf.add_n(variables, name='sum')

  clones = model_deploy.create_clones(deploy, model)
  assert [v.device for v in tf.global_variables()] == [
    f'/job:ps/task:{task}/device:CPU:0' for task in (0, 1)
  ]
  assert [clone.outputs.device for clone in clones] == [
    f'/job:worker/task:1/device:CPU:{index}' for index in (0, 1)
  ]


def network(images, labels, batch_norm=False):
  """Returns logits of a small network with L2 and a loss."""
  with slim.arg_scope(
    [slim.conv2d, slim.fully_connected],
    weights_regularizer=slim.l2_regularizer(0.01),
    normalizer_fn=slim.batch_norm if batch_norm else None,
  ):
    net = slim.conv2d(images, 4, [3, 3])
    logits = slim.fully_connected(
      slim.flatten(net), 3, activation_fn=None, normalizer_fn=None
    )
  tf.losses.sparse_softmax_cross_entropy(labels, logits)
  return logits


def feed(clones, total):
  """Returns a function that yields each clone its part of one batch."""
  rng = np.random.RandomState(0)
  images = tf.constant(rng.randn(total, 6, 6, 1), tf.float32)
  labels = tf.constant(rng.randint(0, 3, [total]), tf.int64)
  parts = zip(tf.split(images, clones), tf.split(labels, clones), strict=True)
  return iter(list(parts)).__next__


def cpus(number):
  return tf.Session(
    config=tf.ConfigProto(
      device_count={'CPU': number}, allow_soft_placement=False
    )
  )


def gradients_of(clones, total=32):
  """Returns the loss and the gradients of so many clones."""
  with tf.Graph().as_default(), cpus(clones) as session:
    tf.set_random_seed(3)
    deploy = DeploymentConfig(num_clones=clones, clone_on_cpu=True)
    with tf.device(deploy.inputs_device()):
      next_part = feed(clones, total)
    built = model_deploy.create_clones(deploy, lambda: network(*next_part()))
    loss, gradients = model_deploy.optimize_clones(
      built, tf.train.GradientDescentOptimizer(0.1)
    )
    rng = np.random.RandomState(1)
    variables = [variable for _, variable in gradients]
    session.run(
      [v.assign(0.3 * rng.randn(*v.shape.as_list())) for v in variables]
    )
    names = [variable.op.name for variable in variables]
    values = session.run([gradient for gradient, _ in gradients])
    return session.run(loss), dict(zip(names, values, strict=True))


def test_two_clones_equal_one_with_the_double_batch():
  loss, gradients = gradients_of(1)
  loss_of_two, gradients_of_two = gradients_of(2)
  assert loss_of_two == pytest.approx(loss, abs=1e-5)
  assert gradients.keys() == gradients_of_two.keys()
  assert len(gradients) == 4
  for name, gradient in gradients.items():
    assert np.abs(gradient).max() > 1e-3, name
    np.testing.assert_allclose(gradients_of_two[name], gradient, atol=1e-5)


def test_regularization_counts_once():
  next_part = feed(3, 12)
  deploy = DeploymentConfig(num_clones=3, clone_on_cpu=True)
  clones = model_deploy.create_clones(deploy, lambda: network(*next_part()))
  total, _ = model_deploy.optimize_clones(
    clones, tf.train.GradientDescentOptimizer(0.1)
  )
  with cpus(3) as session:
    session.run(tf.global_variables_initializer())
    got, losses, penalties = session.run(
      [total, tf.losses.get_losses(), tf.losses.get_regularization_losses()]
    )
  assert len(losses) == 3
  assert len(penalties) == 2
  assert got == pytest.approx(np.mean(losses) + np.sum(penalties), rel=1e-5)


def test_clones_share_variables_and_the_first_updates_batch_norm():
  next_part = feed(2, 8)
  deploy = DeploymentConfig(num_clones=2, clone_on_cpu=True)
  model = model_deploy.deploy(
    deploy,
    lambda: network(*next_part(), batch_norm=True),
    optimizer=tf.train.MomentumOptimizer(0.05, 0.9),
    summarize_gradients=True,
  )
  assert len(tf.model_variables()) == 6
  assert [clone.scope for clone in model.clones] == ['clone_0/', 'clone_1/']
  assert [clone.outputs.device for clone in model.clones] == [
    f'/device:CPU:{index}' for index in (0, 1)
  ]
  assert {variable.device for variable in tf.model_variables()} == {
    '/device:CPU:0'
  }
  moving_mean = next(
    v for v in tf.model_variables() if 'moving_mean' in v.op.name
  )
  first_activations = tf.get_default_graph().get_tensor_by_name(
    'clone_0/Conv/Conv2D:0'
  )
  with cpus(2) as session:
    session.run(tf.global_variables_initializer())
    summary = tf.Summary.FromString(session.run(model.summary_op))
    losses = [session.run(model.train_op) for _ in range(30)]
    session.run(tf.global_variables_initializer())
    before = session.run(first_activations).mean((0, 1, 2))
    session.run(model.train_op)
    np.testing.assert_allclose(
      session.run(moving_mean), 0.001 * before, rtol=1e-3, atol=1e-7
    )
  assert losses[-1] < losses[0] / 2
  shown = {value.tag for value in summary.value}
  assert 'clone_0/losses/clone_loss' in shown
  assert 'clone_1/losses/clone_loss' in shown
  assert 'clone_0/losses/regularization_loss' in shown
  assert 'total_loss' in shown
  assert 'Conv/weights/gradient' in shown


def test_deploy_without_optimizer_does_not_train():
  next_part = feed(1, 8)
  model = model_deploy.deploy(
    DeploymentConfig(clone_on_cpu=True), lambda: network(*next_part())
  )
  assert model.train_op is None
  assert model.total_loss.shape == []
  silent = model_deploy.deploy(
    DeploymentConfig(clone_on_cpu=True), lambda: tf.zeros([])
  )
  assert len(silent.clones) == 1


def test_nothing_to_optimize_is_said():
  clones = model_deploy.create_clones(
    DeploymentConfig(clone_on_cpu=True), lambda: tf.zeros([])
  )
  with pytest.raises(ValueError, match='loss'):
    model_deploy.optimize_clones(clones, tf.train.AdamOptimizer())


def test_devices_of_a_whole_training_graph(digits_dir):
  """Worker 2 of 3: variables on the ps, all the rest on its own devices."""
  options = train_config.TrainConfig(
    dataset_name='digits',
    dataset_dir=digits_dir,
    model_name='mobilenet_v1_025',
    train_image_size=32,
    batch_size=4,
    num_clones=2,
    clone_on_cpu=True,
    moving_average_decay=0.9,
    optimizer='momentum',
    task=2,
    worker_replicas=3,
    num_ps_tasks=2,
    preprocessing_name='lenet',
  )
  deploy = DeploymentConfig(2, True, 2, 3, 2)
  dataset = dataset_factory.get_dataset('digits', 'train', digits_dir)
  train_graph.build(options, deploy, dataset)
  ps = {f'/job:ps/task:{task}/device:CPU:0' for task in (0, 1)}
  variables = tf.global_variables()
  assert {variable.device for variable in variables} == ps
  per_ps = [
    sum(variable.device.startswith(f'/job:ps/task:{task}') for variable in
        tf.model_variables())
    for task in (0, 1)
  ]
  assert abs(per_ps[0] - per_ps[1]) <= 1
  own = '/job:worker/task:2/device:CPU:'
  operations = tf.get_default_graph().get_operations()
  elsewhere = {op.device for op in operations if op.device} - ps
  assert elsewhere == {own + '0', own + '1'}
  inputs = {op.device for op in operations if 'Dataset' in op.type}
  assert inputs == {own + '0'}
  for index in (0, 1):
    convolutions = {
      op.device
      for op in operations
      if op.name.startswith(f'clone_{index}/') and op.type == 'Conv2D'
    }
    assert convolutions == {f'{own}{index}'}
