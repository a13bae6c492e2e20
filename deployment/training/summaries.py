"""What TensorBoard shows of a training run.

Nothing here is computed between two summary steps.
"""

import tensorflow.compat.v1 as tf

_SHOWN_IMAGES = 9


def add(clone, batch, class_names, loss, rate):
  """Adds the summaries of a training graph.

  Args:
    clone: the first model_deploy.Clone; its outputs are the end points, the
      logits among them as 'TrainingLogits'.
    batch: (images, labels) of that clone, as the network sees them.
    class_names: list of the name of each label.
    loss: the total loss, a scalar.
    rate: the learning rate, a scalar.
  """
  images, labels = batch
  end_points = dict(clone.outputs)
  logits = end_points.pop('TrainingLogits')
  correct = tf.equal(tf.argmax(logits, 1), labels)
  accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
  tf.summary.scalar('accuracy/train', accuracy)
  tf.summary.scalar('learning_rate', rate)
  tf.summary.scalar('total_loss', loss)
  for term in tf.get_collection(tf.GraphKeys.LOSSES, clone.scope):
    tf.summary.scalar(f'losses/{term.op.name}', term)
  for name, end_point in end_points.items():
    tf.summary.histogram(f'activations/{name}', end_point)
    tf.summary.scalar(f'sparsity/{name}', tf.nn.zero_fraction(end_point))
  for variable in tf.model_variables():
    tf.summary.histogram(variable.op.name, variable)
  _input_images(images[:_SHOWN_IMAGES], labels[:_SHOWN_IMAGES], class_names)


def _input_images(images, labels, class_names):
  """Shows distorted images as the network sees them, and what they are."""
  tf.summary.image('input', images, max_outputs=_SHOWN_IMAGES)
  names = tf.gather(tf.constant(class_names), labels)
  places = tf.as_string(tf.range(tf.shape(labels)[0]))
  tf.summary.text('input_labels', tf.stack([places, names], axis=1))
