"""The graph of a training run: input, clones, loss, optimizer, summaries."""

import contextlib
import dataclasses

import tensorflow.compat.v1 as tf

from deployment import model_deploy
from deployment.checkpoints import scopes
from deployment.cluster import sync_replicas
from deployment.inputs import input_spec, pipeline
from deployment.training import (
  acceleration,
  class_weights,
  cpu_gradients,
  optimizers,
  summaries,
)
from nets import nets_factory

_AUX_LOSS_WEIGHT = 0.4


@dataclasses.dataclass(frozen=True)
class TrainGraph:
  """What the training loop needs of the graph.

  Attributes:
    train_op: runs one step; returns the total loss.
    progress: 'loss', 'step' and 'learning_rate', scalars.
    summary_op: all summaries merged, a string.
    num_classes: classes of the network.
    channels: channels of its images.
    sync: the SyncReplicasOptimizer if replicas are synchronous, else None.
  """

  train_op: tf.Tensor
  progress: dict
  summary_op: tf.Tensor
  num_classes: int
  channels: int
  sync: tf.train.Optimizer | None = None


def build(config, deploy, dataset) -> TrainGraph:
  """Builds the graph in the default graph.

  Args:
    config: a TrainConfig.
    deploy: a model_deploy.DeploymentConfig.
    dataset: the slim Dataset to train on.
  """
  with tf.device(deploy.variables_device()):
    global_step = tf.train.create_global_step()
  spec = input_spec.from_config(config, dataset, config.train_image_size)
  network_fn = nets_factory.get_network_fn(
    config.model_name,
    num_classes=spec.num_classes,
    weight_decay=config.weight_decay,
    is_training=not config.freeze_batch_norm,
    batch_norm_decay=config.batch_norm_decay,
  )
  parts = _clone_batches(config, deploy, spec, global_step)
  feed = iter(parts)
  weights = class_weights.read(config, spec.num_classes)
  on_cpu = deploy.clone_on_cpu
  with cpu_gradients.used() if on_cpu else contextlib.nullcontext():
    clones = model_deploy.create_clones(
      deploy,
      lambda: _clone(
        network_fn,
        *next(feed),
        weight_of_class=weights or [1.0] * spec.num_classes,
        label_smoothing=config.label_smoothing,
      ),
    )
  with tf.device(deploy.optimizer_device()):
    rate = optimizers.learning_rate(config, global_step, dataset.num_samples)
    train_op, loss, sync = _train_op(config, clones, rate, global_step)
  names = input_spec.class_names(dataset, config.labels_offset)
  summaries.add(clones[0], parts[0], names, loss, rate)
  return TrainGraph(
    train_op=train_op,
    progress={'loss': loss, 'step': global_step, 'learning_rate': rate},
    summary_op=tf.summary.merge_all(),
    num_classes=spec.num_classes,
    channels=spec.channels,
    sync=sync,
  )


def _clone_batches(config, deploy, spec, global_step):
  """Returns [(images, labels)] for the clones: one batch, split over them.

  The input starts where a run of so many steps has come to; it looks at the
  global step whenever a session starts.
  """
  size = config.batch_size * deploy.num_clones
  per_step = size * config.gradients_per_step
  with tf.device(deploy.inputs_device()):
    batches = pipeline.train_batches(
      spec,
      size,
      seed=config.random_seed,
      start=global_step * per_step // deploy.num_replicas,
      worker=(deploy.replica_id, deploy.num_replicas),
    )
    batch = pipeline.iterator(batches).get_next()
    images = tf.split(batch['image'], deploy.num_clones)
    labels = tf.split(batch['label'], deploy.num_clones)
  return list(zip(images, labels, strict=True))


def _clone(network_fn, images, labels, *, weight_of_class, label_smoothing):
  """Builds the network and its losses; returns its end points."""
  logits, end_points = network_fn(images)
  one_hot = tf.one_hot(labels, len(weight_of_class))
  weights = tf.gather(tf.constant(weight_of_class), labels)
  if 'AuxLogits' in end_points:
    tf.losses.softmax_cross_entropy(
      one_hot,
      end_points['AuxLogits'],
      weights=_AUX_LOSS_WEIGHT * weights,
      label_smoothing=label_smoothing,
      scope='aux_loss',
    )
  tf.losses.softmax_cross_entropy(
    one_hot, logits, weights=weights, label_smoothing=label_smoothing
  )
  end_points['TrainingLogits'] = logits
  return end_points


def _trainable(config):
  """Return the variables to train.

  Raises:
    UserError: if a scope matches none of them.
  """
  variables = tf.trainable_variables()
  if not config.trainable_scopes:
    return variables
  return scopes.trainable(config.trainable_scopes, variables)


def _train_op(config, clones, rate, global_step):
  """Returns the op of one step, the total loss and the SyncReplicasOptimizer.

  The moving averages move once a step: by the synchronous optimizer, else
  after it.
  """
  optimizer = acceleration.optimizer(config, optimizers.optimizer(config, rate))
  averages, sync = _moving_averages(config, global_step), None
  if config.sync_replicas:
    optimizer = sync = sync_replicas.optimizer(optimizer, config, averages)
  loss, gradients = model_deploy.optimize_clones(
    clones, optimizer, var_list=_trainable(config)
  )
  if config.clip_gradient_norm:
    gradients = optimizers.clip(gradients, config.clip_gradient_norm)
  # Batch norm's updates hang on the loss: hung on the gradients they would
  # make the start of synchronous replicas wait for the input.
  updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS, clones[0].scope)
  with tf.control_dependencies(updates):
    loss = tf.identity(loss, name='train_loss')
  last = optimizer.apply_gradients(gradients, global_step=global_step)
  if averages and not sync:
    with tf.control_dependencies([last]):
      last = averages.apply(tf.model_variables())
  with tf.control_dependencies([last]):
    return tf.identity(loss, name='train_op'), loss, sync


def _moving_averages(config, global_step):
  """Returns what averages the weights over the steps, or None."""
  if not config.moving_average_decay:
    return None
  return tf.train.ExponentialMovingAverage(
    config.moving_average_decay, global_step
  )
