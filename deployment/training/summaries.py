"""What TensorBoard shows of a training run, besides the curves of the log.

Nothing here is computed between two summary steps.
"""

import tensorflow.compat.v1 as tf

from deployment import model_deploy

_SHOWN_IMAGES = 9


def merge(
  clones: list[model_deploy.Clone],
  batch: tuple[tf.Tensor, tf.Tensor],
  class_names: list[str],
  loss: tf.Tensor,
  rate: tf.Tensor,
  others: list[tf.Tensor],
) -> tf.Tensor:
  """Return the summaries of a training graph, merged, a string scalar.

  Args:
    clones: the clones; their outputs have `end_points`.
    batch: images, [batch, height, width, channels], and labels, [batch], of
      the first clone, as the network takes them.
    class_names: the name of each label.
    loss: the total loss, a scalar.
    rate: the learning rate, a scalar.
    others: further summaries, for instance those of the network.
  """
  found = [
    *others,
    _scalar('learning_rate', rate),
    _scalar('total_loss_1', loss),
    *_losses(clones),
  ]
  for name, end_point in clones[0].outputs.end_points.items():
    found.append(tf.summary.histogram(f'activations/{name}', end_point))
    fraction = tf.nn.zero_fraction(end_point)
    found.append(tf.summary.scalar(f'sparsity/{name}', fraction))
  for variable in tf.model_variables():
    found.append(tf.summary.histogram(variable.op.name, variable))
  found += _input_images(*(part[:_SHOWN_IMAGES] for part in batch), class_names)
  return tf.summary.merge(found)


def _scalar(tag, value):
  """Return a scalar's summary with exactly this tag.

  tf.summary.scalar changes a tag that is the name of an operation.
  """
  return tf.raw_ops.ScalarSummary(tags=tag, values=value)


def _losses(clones):
  """Return the summaries of the parts of the total loss."""
  found = []
  for number, clone in enumerate(clones):
    suffix = f'_{number}' if len(clones) > 1 else ''
    losses = tf.get_collection(tf.GraphKeys.LOSSES, clone.scope)
    clone_loss = tf.add_n(losses) / len(clones)
    found.append(_scalar(f'Losses/clone_loss{suffix}', clone_loss))
  for loss in tf.get_collection(tf.GraphKeys.LOSSES, clones[0].scope):
    found.append(_scalar(f'losses/{loss.op.name}', loss))
  regularization = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
  if regularization:
    total = tf.add_n(regularization)
    found.append(_scalar('Losses/regularization_loss', total))
  return found


def _input_images(images, labels, class_names):
  """Return images as the network takes them, and the names of their labels."""
  names = tf.gather(tf.constant(class_names), labels)
  places = tf.as_string(tf.range(tf.shape(labels)[0]))
  return [
    tf.summary.image('input', images, max_outputs=_SHOWN_IMAGES),
    tf.summary.text('input_labels', tf.stack([places, names], axis=1)),
  ]
