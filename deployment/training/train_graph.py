"""The graph of a training run: input, clones, loss, optimizer, summaries."""

import contextlib
import dataclasses
from typing import Any, NamedTuple

import tensorflow.compat.v1 as tf

from deployment import model_deploy
from deployment.checkpoints import locate, scopes
from deployment.cluster import sync_replicas
from deployment.inputs import input_spec, pipeline
from deployment.training import (
  acceleration,
  class_weights,
  cpu_gradients,
  distortion_pictures,
  optimizers,
  summaries,
)
from nets import nets_factory
from tf_slim_compat import slim

_AUX_LOSS_WEIGHT = 0.4


@dataclasses.dataclass(frozen=True)
class TrainGraph:
  """What the training loop needs of the graph.

  Attributes:
    train_op: runs one step; returns the total loss.
    progress: 'loss', 'step', 'learning_rate' and 'accuracy' after that step,
      scalars.
    summary_op: all summaries merged, a string.
    num_classes: classes of the network.
    channels: channels of the images.
    sync: the SyncReplicasOptimizer if replicas are synchronous, else None.
  """

  train_op: tf.Tensor
  progress: dict[str, tf.Tensor]
  summary_op: tf.Tensor
  num_classes: int
  channels: int
  sync: tf.train.Optimizer | None = None


class CloneOutputs(NamedTuple):
  """What one clone computes.

  Attributes:
    end_points: activations by name.
    accuracy: share of the clone's images with the right class, a scalar.
  """

  end_points: dict[str, tf.Tensor]
  accuracy: tf.Tensor


def build(
  config: Any,
  deploy: model_deploy.DeploymentConfig,
  dataset: slim.dataset.Dataset,
) -> TrainGraph:
  """Build the graph in the default graph.

  Args:
    config: a TrainConfig.
    deploy: the clones, replicas and parameter servers.
    dataset: the data set to train on.

  Raises:
    UserError: if class weights or scopes do not fit.
  """
  with tf.device(deploy.variables_device()):
    global_step = tf.train.create_global_step()
  spec = input_spec.from_config(config, dataset, config.train_image_size)
  batches = _clone_batches(config, deploy, spec, global_step)
  clones = _clones(config, deploy, spec, batches)
  with tf.device(deploy.inputs_device()):
    distortion_pictures.add(config, spec)
  # The summaries of the network and the input, without those of model_deploy.
  others = tf.get_collection(tf.GraphKeys.SUMMARIES)
  with tf.device(deploy.optimizer_device()):
    rate = optimizers.learning_rate(config, global_step, dataset.num_samples)
    loss, step, sync = _train_step(config, clones, rate, global_step)
    accuracies = [clone.outputs.accuracy for clone in clones]
    accuracy = tf.add_n(accuracies) / len(clones)
  with tf.control_dependencies([step]):
    train_op = tf.identity(loss, name='train_op')
  names = input_spec.class_names(dataset, config.labels_offset)
  return TrainGraph(
    train_op=train_op,
    progress={
      'loss': loss,
      'step': step,
      'learning_rate': rate,
      'accuracy': accuracy,
    },
    summary_op=summaries.merge(clones, batches[0], names, loss, rate, others),
    num_classes=spec.num_classes,
    channels=spec.channels,
    sync=sync,
  )


def _clone_batches(config, deploy, spec, global_step):
  """Return [(images, labels)] for the clones: one batch, split over them.

  The input starts with the images that follow those of the steps done so far.
  The global step is read whenever a session starts.
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
      resuming=locate.latest_by_state(config.train_dir) is not None,
    )
    batch = pipeline.iterator(batches).get_next()
    images = tf.split(batch['image'], deploy.num_clones)
    labels = tf.split(batch['label'], deploy.num_clones)
  return list(zip(images, labels, strict=True))


def _clones(config, deploy, spec, batches):
  """Build the network and its losses once for each batch."""
  network_fn = nets_factory.get_network_fn(
    config.model_name,
    num_classes=spec.num_classes,
    weight_decay=config.weight_decay,
    is_training=not config.freeze_batch_norm,
    batch_norm_decay=config.batch_norm_decay,
  )
  weights = class_weights.read(config, spec.num_classes)
  remaining = iter(batches)
  with (
    cpu_gradients.used() if deploy.clone_on_cpu else contextlib.nullcontext()
  ):
    return model_deploy.create_clones(
      deploy,
      lambda: _clone(
        network_fn,
        *next(remaining),
        weight_of_class=weights or [1.0] * spec.num_classes,
        label_smoothing=config.label_smoothing,
      ),
    )


def _clone(network_fn, images, labels, *, weight_of_class, label_smoothing):
  """Build the network and its losses; return the CloneOutputs."""
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
  correct = tf.equal(tf.argmax(logits, 1), labels)
  return CloneOutputs(end_points, tf.reduce_mean(tf.cast(correct, tf.float32)))


def _trainable(config):
  """Return the variables to train.

  Raises:
    UserError: if a scope matches none of them.
  """
  variables = tf.trainable_variables()
  if not config.trainable_scopes:
    return variables
  return scopes.trainable(config.trainable_scopes, variables)


def _train_step(config, clones, rate, global_step):
  """Return the loss, the step after the update, the SyncReplicasOptimizer.

  The moving averages are updated once a step, with the new weights: by the
  synchronous optimizer, else after the update.
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
  # The loss waits for batch norm's updates. If the gradients did, the start of
  # synchronous replicas would wait for the input.
  updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS, clones[0].scope)
  with tf.control_dependencies(updates):
    loss = tf.identity(loss, name='train_loss')
  last = optimizer.apply_gradients(gradients, global_step=global_step)
  if averages and not sync:
    with tf.control_dependencies([last]):
      last = averages.apply(tf.model_variables())
  with tf.control_dependencies([last, loss]):
    return loss, global_step.read_value(), sync


def _moving_averages(config, global_step):
  """Return what averages the weights over the steps, or None."""
  if not config.moving_average_decay:
    return None
  return tf.train.ExponentialMovingAverage(
    config.moving_average_decay, global_step
  )
