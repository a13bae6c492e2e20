"""XLA and mixed precision: check that they can work, and turn them on.

Mixed precision keeps variables and the loss in float32 and computes
convolutions and matrix products in 16 bits: Micikevicius et al., "Mixed
Precision Training" (arXiv:1710.03740, 2017).
"""

from typing import Any

import tensorflow.compat.v1 as tf

from slim_support import errors


def check(config: Any) -> None:
  """Raise UserError if the flags ask for what the devices cannot do.

  Args:
    config: a TrainConfig whose `clone_on_cpu` says where the clones are.
  """
  if config.xla and config.clone_on_cpu:
    raise errors.UserError(
      '--xla is for GPUs: compiled for the CPU, a network trains several times '
      'slower, and the first step takes minutes. Leave it out.'
    )
  if config.mixed_precision == 'float16' and config.clone_on_cpu:
    raise errors.UserError(
      '--mixed_precision=float16 needs a GPU. Use bfloat16 on a CPU.'
    )
  if config.mixed_precision == 'bfloat16' and not config.clone_on_cpu:
    raise errors.UserError(
      '--mixed_precision=bfloat16 is for the CPU. Use float16 on a GPU.'
    )
  if config.mixed_precision == 'float16' and config.sync_replicas:
    raise errors.UserError(
      '--mixed_precision=float16 scales the loss differently in each process, '
      'which --sync_replicas cannot average. Leave one of them out.'
    )


def configure(config: Any, options: tf.ConfigProto) -> None:
  """Set the session options that the flags ask for.

  Args:
    config: a TrainConfig.
    options: the options to change.
  """
  graph = options.graph_options
  on = type(graph.rewrite_options).ON
  if config.xla:
    graph.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_2
  if config.mixed_precision == 'float16':
    graph.rewrite_options.auto_mixed_precision = on
  elif config.mixed_precision == 'bfloat16':
    graph.rewrite_options.auto_mixed_precision_onednn_bfloat16 = on


def optimizer(config: Any, wrapped: tf.train.Optimizer) -> tf.train.Optimizer:
  """Return an optimizer that scales the loss if the gradients are float16.

  float16 cannot represent numbers below 6e-8. The scale doubles every 2000
  steps; whenever a gradient overflows, it halves and that step is skipped.

  Args:
    config: a TrainConfig.
    wrapped: the optimizer that takes the steps.
  """
  if config.mixed_precision != 'float16':
    return wrapped
  return tf.train.experimental.MixedPrecisionLossScaleOptimizer(
    wrapped, 'dynamic'
  )
