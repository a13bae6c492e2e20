"""--cache_dataset, --xla and --mixed_precision, as far as a CPU can tell."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets import dataset_factory
from deployment.checkpoints import locate
from deployment.training import acceleration, train, train_graph, train_session
from deployment.training.config import TrainConfig
from slim_support import errors


def options(digits_dir, train_dir, **changes):
  values = {
    'dataset_name': 'digits',
    'dataset_dir': digits_dir,
    'train_dir': str(train_dir),
    'model_name': 'lenet',
    'batch_size': 16,
    'optimizer': 'sgd',
    'learning_rate': 0.02,
    'max_number_of_steps': 6,
    'save_summaries_secs': 0,
    'random_seed': 7,
    'clone_on_cpu': True,
  }
  return TrainConfig(**(values | changes))


def trained(config):
  """Trains; returns the weights of the last checkpoint."""
  assert train.train(config) == 0
  reader = locate.reader(locate.resolve(config.train_dir))
  return {
    name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()
  }


def test_a_copied_data_set_trains_the_same_weights(digits_dir, tmp_path):
  plain = trained(options(digits_dir, tmp_path / 'plain'))
  cache = str(tmp_path / 'cache')
  copied = trained(
    options(
      digits_dir, tmp_path / 'copied', cache_dataset='disk', cache_dir=cache
    )
  )
  assert plain.keys() == copied.keys()
  for name, value in plain.items():
    np.testing.assert_array_equal(value, copied[name], err_msg=name)


def test_a_data_set_in_memory_trains_repeatably(digits_dir, tmp_path):
  one, other = (
    trained(options(digits_dir, tmp_path / name, cache_dataset='memory'))
    for name in ('one', 'other')
  )
  for name, value in one.items():
    np.testing.assert_array_equal(value, other[name], err_msg=name)


def test_bfloat16_takes_nearly_the_same_step(digits_dir, tmp_path):
  plain, halved = (
    trained(
      options(
        digits_dir,
        tmp_path / str(precision),
        mixed_precision=precision,
        max_number_of_steps=1,
        cache_dataset='none',
      )
    )
    for precision in (None, 'bfloat16')
  )
  for name, value in plain.items():
    np.testing.assert_allclose(value, halved[name], atol=0.01, err_msg=name)


@pytest.mark.parametrize(
  ('changes', 'said'),
  [
    ({'xla': True}, '--xla is for GPUs'),
    ({'mixed_precision': 'float16'}, 'float16 needs a GPU'),
    (
      {'mixed_precision': 'bfloat16', 'clone_on_cpu': False},
      'Use float16 on a GPU',
    ),
    (
      {
        'mixed_precision': 'float16',
        'clone_on_cpu': False,
        'sync_replicas': True,
        'worker_replicas': 2,
      },
      'Leave one of them out',
    ),
  ],
)
def test_what_a_device_cannot_do_is_refused(tmp_path, changes, said):
  with pytest.raises(errors.UserError, match=said):
    acceleration.check(options('folder', tmp_path, **changes))


@pytest.mark.parametrize('name', ['mixed_precision', 'cache_dataset'])
def test_an_unknown_choice_is_refused(tmp_path, name):
  with pytest.raises(errors.UserError, match=f'--{name}=other'):
    options('folder', tmp_path, **{name: 'other'})


def test_the_session_is_told(tmp_path):
  asked = options(
    'folder',
    tmp_path,
    xla=True,
    mixed_precision='float16',
    clone_on_cpu=False,
  )
  graph_options = train_session.session_config(asked).graph_options
  assert graph_options.rewrite_options.auto_mixed_precision == 1
  assert graph_options.optimizer_options.global_jit_level == 2
  plain = train_session.session_config(
    options('folder', tmp_path)
  ).graph_options
  assert plain.rewrite_options.auto_mixed_precision == 0
  assert plain.optimizer_options.global_jit_level == 0


def test_float16_scales_the_loss_and_skips_overflows(tmp_path):
  config = options('folder', tmp_path, mixed_precision='float16')
  weight = tf.get_variable('weight', initializer=1.0)
  factor = tf.placeholder(tf.float32, [])
  optimizer = acceleration.optimizer(
    config, tf.train.GradientDescentOptimizer(0.5)
  )
  gradients = optimizer.compute_gradients(weight * factor)
  step = optimizer.apply_gradients(gradients)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(step, {factor: 1.0})
    assert session.run(weight) == 0.5
    session.run(step, {factor: np.inf})
    assert session.run(weight) == 0.5
    session.run(step, {factor: 1.0})
    assert session.run(weight) == 0.0


def test_float16_builds_with_everything_else(digits_dir, tmp_path):
  config = options(
    digits_dir,
    tmp_path,
    mixed_precision='float16',
    clip_gradient_norm=1.0,
    moving_average_decay=0.9,
    num_clones=2,
  )
  dataset = dataset_factory.get_dataset('digits', 'train', digits_dir)
  graph = train_graph.build(config, train_session.deployment(config), dataset)
  with tf.train.MonitoredSession(
    tf.train.ChiefSessionCreator(config=train_session.session_config(config))
  ) as session:
    losses = [session.run(graph.train_op) for _ in range(3)]
  assert np.isfinite(losses).all()
