"""Learning rates against their formulas, for every schedule and optimizer."""

import math

import pytest
import tensorflow.compat.v1 as tf

from deployment.training import optimizers
from deployment.training.config import OPTIMIZERS, SCHEDULES, TrainConfig

_SAMPLES = 1000
_STEPS = (0, 1, 9, 10, 19, 20, 55, 1000)
_VALUES = {
  'batch_size': 100,
  'num_epochs_per_decay': 1.0,
  'learning_rate': 0.5,
  'end_learning_rate': 0.1,
  'learning_rate_decay_factor': 0.9,
}


def rates(**changes):
  config = TrainConfig(**_VALUES, **changes)
  step = tf.placeholder(tf.int64, [])
  rate = optimizers.learning_rate(config, step, _SAMPLES)
  with tf.Session() as session:
    return [session.run(rate, {step: value}) for value in _STEPS]


# Ten steps make an epoch here, so the rate decays every ten.
_FORMULAS = {
  'fixed': lambda step: 0.5,
  'exponential': lambda step: 0.5 * 0.9 ** (step // 10),
  'polynomial': lambda step: 0.1 + 0.4 * (1 - min(step, 10) / 10),
  'cosine': lambda step: (
    0.1 + 0.4 * 0.5 * (1 + math.cos(math.pi * min(step / 10, 1)))
  ),
}


@pytest.mark.parametrize('schedule', SCHEDULES)
def test_schedule_follows_its_formula(schedule):
  expected = [_FORMULAS[schedule](step) for step in _STEPS]
  found = rates(learning_rate_decay_type=schedule)
  assert found == pytest.approx(expected, rel=1e-5)


def test_warmup_rises_linearly():
  found = rates(learning_rate_decay_type='fixed', warmup_steps=20)
  expected = [0.5 * min(1, (step + 1) / 20) for step in _STEPS]
  assert found == pytest.approx(expected, rel=1e-5)


def test_warmup_epochs_rise_from_zero():
  found = rates(learning_rate_decay_type='fixed', warmup_epochs=2.0)
  expected = [0.5 * min(1, step / 20) for step in _STEPS]
  assert found == pytest.approx(expected, rel=1e-5)


def test_warmup_epochs_never_exceed_the_schedule():
  found = rates(learning_rate_decay_type='exponential', warmup_epochs=1.5)
  expected = [
    min(0.5 * step / 15, 0.5 * 0.9 ** (step // 10)) for step in _STEPS
  ]
  assert found == pytest.approx(expected, rel=1e-5)


def test_cosine_spans_the_run_where_its_length_is_known():
  found = rates(learning_rate_decay_type='cosine', max_number_of_steps=110)
  assert found[_STEPS.index(55)] == pytest.approx(0.3, rel=1e-5)


def test_synchronous_replicas_shorten_the_decay():
  config = TrainConfig(**_VALUES, sync_replicas=True, replicas_to_aggregate=2)
  assert optimizers.decay_steps(config, _SAMPLES) == 5


@pytest.mark.parametrize(('samples', 'steps'), [(3, 1), (0, 1), (250, 2)])
def test_decay_steps_is_never_zero(samples, steps):
  config = TrainConfig(**_VALUES)
  assert optimizers.decay_steps(config, samples) == steps


@pytest.mark.parametrize('schedule', SCHEDULES)
@pytest.mark.parametrize('optimizer', OPTIMIZERS)
def test_first_step_goes_downhill(optimizer, schedule):
  config = TrainConfig(
    **_VALUES, optimizer=optimizer, learning_rate_decay_type=schedule
  )
  variable = tf.get_variable('x', initializer=[1.0])
  step = tf.train.create_global_step()
  rate = optimizers.learning_rate(config, step, _SAMPLES)
  loss = tf.reduce_sum(tf.square(variable))
  train = optimizers.optimizer(config, rate).minimize(loss, step)
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(train)
    assert session.run(variable)[0] < 1.0
    assert session.run(step) == 1


def test_sgd_moves_by_rate_times_gradient():
  config = TrainConfig(**_VALUES, optimizer='sgd')
  variable = tf.get_variable('x', initializer=[2.0])
  optimizer = optimizers.optimizer(config, 0.25)
  train = optimizer.minimize(tf.reduce_sum(tf.square(variable)))
  with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    session.run(train)
    assert session.run(variable)[0] == pytest.approx(2.0 - 0.25 * 4.0)


def test_clip_scales_all_gradients_together():
  a, b = tf.constant([3.0]), tf.constant([4.0])
  clipped = optimizers.clip([(a, 'va'), (b, 'vb')], 1.0)
  with tf.Session() as session:
    values = session.run([gradient for gradient, _ in clipped])
  assert [float(value[0]) for value in values] == pytest.approx([0.6, 0.8])
  assert [variable for _, variable in clipped] == ['va', 'vb']
