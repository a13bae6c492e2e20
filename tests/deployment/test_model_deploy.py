"""Clones, their devices and what they share."""

import inspect
import types

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets import dataset_factory
from deployment import model_deploy
from deployment.training import config as train_config
from deployment.training import train_graph, train_session
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


CPU, GPU = '/device:CPU:0', '/device:GPU:{}'
PS, WORKER = '/job:ps/task:{}/device:CPU:0', '/job:worker'


# fmt: off
@pytest.mark.parametrize(('options', 'clones', 'own', 'variables'), [
  ({}, [GPU], CPU, CPU),
  ({'clone_on_cpu': True}, [CPU], CPU, CPU),
  ({'num_clones': 2}, [GPU] * 2, CPU, CPU),
  ({'num_clones': 3, 'clone_on_cpu': True}, [CPU] * 3, CPU, CPU),
  ({'num_ps_tasks': 1}, [WORKER + GPU], WORKER + CPU, None),
  ({'num_ps_tasks': 1, 'num_clones': 2}, [WORKER + GPU] * 2, WORKER + CPU,
   None),
  ({'num_ps_tasks': 2, 'num_clones': 2, 'num_replicas': 2, 'replica_id': 1},
   [WORKER + GPU] * 2, WORKER + CPU, None),
  ({'num_ps_tasks': 1, 'worker_job_name': 'w'}, ['/job:w' + GPU],
   '/job:w' + CPU, None),
  # As our own training asks for them.
  ({'exact_placement': True}, [GPU], CPU, GPU),
  ({'exact_placement': True, 'num_clones': 2, 'clone_on_cpu': True},
   ['/device:CPU:{}'] * 2, CPU, CPU),
  ({'exact_placement': True, 'num_ps_tasks': 1, 'num_replicas': 4,
    'replica_id': 3}, [WORKER + '/task:3' + GPU], WORKER + '/task:3' + CPU,
   None),
])
# fmt: on
def test_devices(options, clones, own, variables):
  deploy = DeploymentConfig(**options)
  several = len(clones) > 1
  for index, device in enumerate(clones):
    assert deploy.clone_device(index) == device.format(index)
    assert deploy.clone_scope(index) == (f'clone_{index}' if several else '')
  assert deploy.optimizer_device() == own
  assert deploy.inputs_device() == own
  if variables is not None:
    assert deploy.variables_device() == variables.format(0)
    assert deploy.caching_device() is None
    assert deploy.worker_device == deploy.ps_device == ''
  else:
    op = types.SimpleNamespace(device='/somewhere')
    assert deploy.caching_device()(op) == '/somewhere'
    assert deploy.worker_device == own.removesuffix(CPU)
    assert deploy.ps_device == '/job:ps'


@pytest.mark.parametrize('num_ps_tasks', [1, 2])
def test_variables_of_parameter_servers(num_ps_tasks):
  """In turn; whatever is no variable stays where it is."""
  deploy = DeploymentConfig(num_ps_tasks=num_ps_tasks)
  with tf.device(deploy.variables_device()):
    first, second = tf.Variable(0), tf.Variable(0)
    other = tf.no_op()
    cached = slim.variable('a', [], caching_device=deploy.caching_device())
  last = num_ps_tasks - 1
  assert [v.device for v in (first, second, cached)] == [
    PS.format(task) for task in (0, last, 0)
  ]
  assert first.value().device == first.device
  assert second.value().device == second.device
  assert other.device == cached.value().device == ''


IMAGES = np.zeros([16, 4], np.float32)
LABELS = np.random.RandomState(0).randint(0, 2, [16, 1]).astype(np.float32)
for _row, _label in enumerate(LABELS[:, 0].astype(int)):
  IMAGES[_row, 2 * _label + np.random.RandomState(_row).randint(0, 2)] = 1


def logistic_classifier(inputs, labels, scope='LogisticClassifier'):
  with tf.variable_scope(scope, values=[inputs, labels]):
    outputs = slim.fully_connected(inputs, 1, activation_fn=tf.sigmoid)
    tf.losses.log_loss(labels, outputs)
    return outputs


def batch_norm_classifier(inputs, labels):
  with tf.variable_scope('BatchNormClassifier'):
    inputs = slim.batch_norm(inputs, decay=0.1)
    return logistic_classifier(inputs, labels, 'Logistic')


DEPLOYMENTS = [
  {},
  {'num_clones': 4},
  {'num_clones': 4, 'clone_on_cpu': True},
  {'num_ps_tasks': 1},
  {'num_clones': 2, 'num_ps_tasks': 2},
]


@pytest.mark.parametrize('options', DEPLOYMENTS)
@pytest.mark.parametrize(
  ('model_fn', 'number', 'updates', 'output'),
  [
    (logistic_classifier, 2, 0, 'LogisticClassifier'),
    (batch_norm_classifier, 5, 2, 'BatchNormClassifier/Logistic'),
  ],
)
def test_clones_and_their_gradients(options, model_fn, number, updates, output):
  deploy = DeploymentConfig(**options)
  arguments = (tf.constant(IMAGES), tf.constant(LABELS))
  clones = model_deploy.create_clones(deploy, model_fn, arguments)
  tasks = deploy.num_ps_tasks
  places = [PS.format(n % tasks) if tasks else CPU for n in range(number)]
  variables = slim.get_variables()
  assert [variable.device for variable in variables] == places
  assert [variable.value().device for variable in variables] == places
  several = deploy.num_clones > 1
  assert len(clones) == deploy.num_clones
  for index, clone in enumerate(clones):
    assert clone.scope == (f'clone_{index}/' if several else '')
    assert clone.outputs.op.name == (
      f'{clone.scope}{output}/fully_connected/Sigmoid'
    )
    assert clone.device == deploy.clone_device(index)
  assert len(tf.losses.get_losses()) == len(clones)
  assert len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)) == (
    updates * len(clones)
  )
  total_loss, gradients = model_deploy.optimize_clones(
    clones, tf.train.GradientDescentOptimizer(1.0)
  )
  assert total_loss.op.name == 'total_loss'
  assert [v for _, v in gradients] == tf.trainable_variables()
  place = '' if several else deploy.clone_device(0)
  assert {gradient.device for gradient, _ in gradients} == {place}


def test_deployed_model_trains_without_more_devices_than_one():
  model = model_deploy.deploy(
    DeploymentConfig(num_clones=2, clone_on_cpu=True),
    batch_norm_classifier,
    (tf.constant(IMAGES), tf.constant(LABELS)),
    optimizer=tf.train.GradientDescentOptimizer(1.0),
  )
  assert len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)) == 4
  assert model.total_loss.op.name == 'total_loss'
  assert model.summary_op.op.name == 'summary_op/summary_op'
  assert model.train_op.op.name == 'train_op'
  mean, variance = (
    next(v for v in tf.model_variables() if v.op.name.endswith(name))
    for name in ('moving_mean', 'moving_variance')
  )
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    first = session.run(model.total_loss)
    np.testing.assert_array_equal(session.run(mean), np.zeros(4))
    np.testing.assert_array_equal(session.run(variance), np.ones(4))
    for _ in range(10):
      session.run(model.train_op)
    assert session.run(model.total_loss) < first / 5
    np.testing.assert_allclose(session.run(mean), IMAGES.mean(0), rtol=1e-4)
    np.testing.assert_allclose(
      session.run(variance), IMAGES.var(0, ddof=1), rtol=1e-4
    )
    assert session.run(tf.train.get_global_step()) == 10


@pytest.mark.parametrize(
  'optimizer', [None, tf.train.GradientDescentOptimizer(1.0)]
)
def test_summaries_of_clones_on_gpus_are_on_the_cpu(optimizer):
  def regularized():
    slim.fully_connected(
      tf.ones([10, 20]), 30, weights_regularizer=slim.l2_regularizer(0.001)
    )

  model = model_deploy.deploy(
    DeploymentConfig(num_clones=2), regularized, optimizer=optimizer
  )
  inputs = [*model.summary_op.op.inputs]
  assert inputs
  assert {summary.device for summary in inputs} == {'/device:CPU:0'}


@pytest.mark.parametrize(
  'options',
  [
    {'num_clones': 0},
    {'num_replicas': 0},
    {'num_replicas': 2},
    {'num_replicas': 2, 'num_ps_tasks': 1, 'replica_id': 2},
    {'replica_id': -1},
    {'num_ps_tasks': 1, 'worker_job_name': ''},
    {'num_ps_tasks': 1, 'ps_job_name': ''},
  ],
)
def test_impossible_deployments_are_refused(options):
  with pytest.raises(ValueError, match='must'):
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
  deploy = DeploymentConfig(2, True, 1, 2, 2, exact_placement=True)

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
  deploy = DeploymentConfig(
    num_clones=2, clone_on_cpu=True, exact_placement=True
  )
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
  assert 'clone_0/Losses/clone_loss' in shown
  assert 'clone_0/Losses/regularization_loss' in shown
  assert 'total_loss_1' in shown, 'the tag of the original'
  assert {'Conv/weights/gradient', 'Conv/weights/gradient_norm'} <= shown


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
  deploy = train_session.deployment(options)
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
