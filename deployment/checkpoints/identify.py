"""Find out which network a checkpoint is of."""

import inspect

import tensorflow.compat.v1 as tf

from deployment.checkpoints import locate, matching
from nets import nets_factory
from tf_slim_compat import slim


def likely_network(prefix: str, but_not: str) -> str | None:
  """Return a network of the library that fits a checkpoint, or None.

  Only networks with the checkpoint's outermost scope are built to compare.

  Args:
    prefix: the checkpoint.
    but_not: a network that is known not to fit.
  """
  names = locate.reader(prefix).get_variable_to_shape_map()
  scopes = {name.split('/')[0] for name in names}
  for name, function in nets_factory.networks_map.items():
    scope = inspect.signature(function).parameters.get('scope')
    if name == but_not or scope is None:
      continue
    if scope.default in scopes and _fits(name, prefix):
      return name
  return None


def image_channels(prefix: str) -> int | None:
  """Return the channels of the images of a checkpoint's network.

  Returns:
    1 or 3 if the checkpoint has convolutions of gray or of color images, else
    None.
  """
  shapes = locate.reader(prefix).get_variable_to_shape_map().values()
  inputs = {shape[2] for shape in shapes if len(shape) == 4}
  found = inputs & {1, 3}
  return found.pop() if len(found) == 1 else None


def split_classifier(
  mismatched: list[matching.Mismatch], num_classes: int
) -> tuple[list[matching.Mismatch], list[matching.Mismatch]]:
  """Part the classifier's variables from the others that do not fit.

  A variable is the classifier's if nothing but its last dimension differs,
  which is the number of classes here.

  Args:
    mismatched: variables with other shapes in the checkpoint.
    num_classes: classes of the network.

  Returns:
    Those of the classifier, and the others.
  """
  classifier = [
    item
    for item in mismatched
    if item.here[-1:] == [num_classes] and item.here[:-1] == item.there[:-1]
  ]
  return classifier, [item for item in mismatched if item not in classifier]


def _fits(name, prefix):
  """Return whether a network's variables fit, its classifier aside."""
  row = nets_factory.network(name)
  channels = [row.channels] if row.channels else [1, 3]
  return any(_fits_for(row, name, prefix, number) for number in channels)


def _fits_for(row, name, prefix, channels):
  """Return whether the network fits if its images have so many channels."""
  with tf.Graph().as_default():
    images = tf.placeholder(
      tf.float32, [1, row.image_size, row.image_size, channels]
    )
    nets_factory.get_network_fn(name, row.classes)(images)
    _, missing, mismatched = matching.match(prefix, slim.get_model_variables())
    _, others = split_classifier(mismatched, row.classes)
    return not missing and not others
