"""Learning rate schedules and optimizers, by the names that flags give them."""

import math
from typing import Any

import tensorflow.compat.v1 as tf

_POLYNOMIAL_POWER = 1.0
_MOST_STEPS = 2**31 - 1

GradsAndVars = list[tuple[tf.Tensor, tf.Variable]]


def _steps_per_epoch(config, num_samples):
  """Return the steps of an epoch as learning rates count them, a float.

  As published runs have it, clones do not shorten an epoch unless the
  configuration says so.
  """
  images = config.batch_size * config.gradients_per_step
  if config.decay_by_effective_batch:
    images = config.effective_batch
  return num_samples / images


def decay_steps(config: Any, num_samples: int) -> int:
  """Return the steps between two decays of the learning rate, at least 1.

  Args:
    config: a TrainConfig.
    num_samples: images in an epoch.
  """
  steps = _steps_per_epoch(config, num_samples) * config.num_epochs_per_decay
  return max(1, int(min(steps, _MOST_STEPS)))


def _fixed(config, step, num_samples):
  del step, num_samples
  return tf.constant(config.learning_rate, name='fixed_learning_rate')


def _exponential(config, step, num_samples):
  return tf.train.exponential_decay(
    config.learning_rate,
    step,
    decay_steps(config, num_samples),
    config.learning_rate_decay_factor,
    staircase=True,
    name='exponential_decay_learning_rate',
  )


def _polynomial(config, step, num_samples):
  return tf.train.polynomial_decay(
    config.learning_rate,
    step,
    decay_steps(config, num_samples),
    config.end_learning_rate,
    power=_POLYNOMIAL_POWER,
    cycle=False,
    name='polynomial_decay_learning_rate',
  )


def _cosine(config, step, num_samples):
  """Decay over the whole run where its length is known.

  Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts"
  (arXiv:1608.03983, 2016), without restarts.
  """
  length = config.max_number_of_steps or decay_steps(config, num_samples)
  done = tf.minimum(tf.cast(step, tf.float32) / length, 1.0)
  span = config.learning_rate - config.end_learning_rate
  return tf.add(
    config.end_learning_rate,
    span * 0.5 * (1.0 + tf.cos(math.pi * done)),
    name='cosine_decay_learning_rate',
  )


_SCHEDULES = {
  'fixed': _fixed,
  'exponential': _exponential,
  'polynomial': _polynomial,
  'cosine': _cosine,
}


def learning_rate(
  config: Any, global_step: tf.Tensor, num_samples: int
) -> tf.Tensor:
  """Return the learning rate at the global step, a float32 scalar.

  Args:
    config: a TrainConfig.
    global_step: int64 scalar.
    num_samples: images in an epoch.
  """
  schedule = _SCHEDULES[config.learning_rate_decay_type]
  rate = schedule(config, global_step, num_samples)
  step = tf.cast(global_step, tf.float32)
  if config.warmup_steps:
    rate *= tf.minimum((step + 1) / config.warmup_steps, 1.0)
  if config.warmup_epochs:
    length = _steps_per_epoch(config, num_samples) * config.warmup_epochs
    rate = tf.minimum(config.learning_rate * step / length, rate)
  return rate


_OPTIMIZERS = {
  'adadelta': lambda config, rate: tf.train.AdadeltaOptimizer(
    rate, rho=config.adadelta_rho, epsilon=config.opt_epsilon
  ),
  'adagrad': lambda config, rate: tf.train.AdagradOptimizer(
    rate,
    initial_accumulator_value=config.adagrad_initial_accumulator_value,
  ),
  'adam': lambda config, rate: tf.train.AdamOptimizer(
    rate,
    beta1=config.adam_beta1,
    beta2=config.adam_beta2,
    epsilon=config.opt_epsilon,
  ),
  'ftrl': lambda config, rate: tf.train.FtrlOptimizer(
    rate,
    learning_rate_power=config.ftrl_learning_rate_power,
    initial_accumulator_value=config.ftrl_initial_accumulator_value,
    l1_regularization_strength=config.ftrl_l1,
    l2_regularization_strength=config.ftrl_l2,
  ),
  'momentum': lambda config, rate: tf.train.MomentumOptimizer(
    rate, momentum=config.momentum, name='Momentum'
  ),
  'rmsprop': lambda config, rate: tf.train.RMSPropOptimizer(
    rate,
    decay=config.rmsprop_decay,
    momentum=config.rmsprop_momentum,
    epsilon=config.opt_epsilon,
  ),
  'sgd': lambda config, rate: tf.train.GradientDescentOptimizer(rate),
}


def optimizer(config: Any, rate: tf.Tensor | float) -> tf.train.Optimizer:
  """Return the optimizer that the configuration names.

  Args:
    config: a TrainConfig.
    rate: the learning rate, a scalar.
  """
  return _OPTIMIZERS[config.optimizer](config, rate)


def clip(grads_and_vars: GradsAndVars, norm: float) -> GradsAndVars:
  """Scale all gradients together, to a global norm of at most `norm`."""
  gradients, variables = zip(*grads_and_vars, strict=True)
  clipped, _ = tf.clip_by_global_norm(gradients, norm)
  return list(zip(clipped, variables, strict=True))
