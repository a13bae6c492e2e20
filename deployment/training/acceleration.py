"""What --xla and --mixed_precision ask of TensorFlow, and where they can work.

The 16-bit rewrite keeps variables and the loss in float32 and computes
convolutions and matrix products in 16 bits: Micikevicius et al., "Mixed
Precision Training" (arXiv:1710.03740, 2017).
"""

import tensorflow.compat.v1 as tf

from slim_support import errors


def check(config):
  """Raises UserError if the flags ask for what these devices cannot do.

  Args:
    config: a TrainConfig that says where the clones are.
  """
  if config.xla and config.clone_on_cpu:
    raise errors.UserError(
      '--xla is for GPUs: compiled for the CPU, a network trains several times '
      'slower, and the first step takes minutes. Leave it out.'
    )
  if config.mixed_precision == 'float16' and config.clone_on_cpu:
    raise errors.UserError(
      '--mixed_precision=float16 needs a GPU. For the CPU there is bfloat16.'
    )
  if config.mixed_precision == 'bfloat16' and not config.clone_on_cpu:
    raise errors.UserError(
      '--mixed_precision=bfloat16 is for the CPU. Say float16 on a GPU.'
    )
  if config.mixed_precision == 'float16' and config.sync_replicas:
    raise errors.UserError(
      '--mixed_precision=float16 scales the loss in each process by itself, '
      'which --sync_replicas cannot average. Leave one of them out.'
    )


def configure(config, options: tf.ConfigProto):
  """Sets the session's options that the flags ask for."""
  graph = options.graph_options
  on = type(graph.rewrite_options).ON
  if config.xla:
    graph.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_2
  if config.mixed_precision == 'float16':
    graph.rewrite_options.auto_mixed_precision = on
  elif config.mixed_precision == 'bfloat16':
    graph.rewrite_options.auto_mixed_precision_onednn_bfloat16 = on


def optimizer(config, wrapped: tf.train.Optimizer) -> tf.train.Optimizer:
  """Returns an optimizer that scales the loss where small gradients vanish.

  float16 holds nothing below 6e-8. The scale doubles every 2000 steps and
  halves, at the cost of a step, whenever a gradient overflows.
  """
  if config.mixed_precision != 'float16':
    return wrapped
  return tf.train.experimental.MixedPrecisionLossScaleOptimizer(
    wrapped, 'dynamic'
  )
