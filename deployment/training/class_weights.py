"""Weights of the classes in the loss, for data sets that are out of balance."""

import os

from datasets import converted
from slim_support import errors

BALANCED = 'balanced'


def read(config, num_classes: int) -> list[float] | None:
  """Returns the weight of every class of the network, or None.

  'balanced' weighs a class by images / (classes x images of the class), so that
  every class counts the same and the mean weight of an image is 1.

  Args:
    config: a TrainConfig.
    num_classes: classes of the network.

  Raises:
    UserError: if the file or the counts of the data set are not there or do
      not fit.
  """
  if not config.class_weights:
    return None
  if config.class_weights == BALANCED:
    return _balanced(config, num_classes)
  path = config.class_weights
  if not os.path.isfile(path):
    raise errors.UserError(
      f'--class_weights={path}: say {BALANCED!r} or a file with a line '
      'LABEL:WEIGHT for each class.'
    )
  weights = converted.read_label_file(*os.path.split(os.path.abspath(path)))
  try:
    return [float(weights[label]) for label in range(num_classes)]
  except (KeyError, ValueError) as error:
    raise errors.UserError(
      f'--class_weights={path}: it needs a line LABEL:WEIGHT for each label '
      f'from 0 to {num_classes - 1}; trouble with {error}.'
    ) from error


def _balanced(config, num_classes):
  """Returns the weights from the counts that the conversion wrote."""
  written = converted.read_metadata(config.dataset_dir)
  split = (written or {'splits': {}})['splits'].get(config.dataset_split_name)
  if not split or 'samples_per_class' not in split:
    raise errors.UserError(
      f'--class_weights={BALANCED}: {config.dataset_dir} does not say how many '
      'images each class has. Convert the data set again, or name a file.'
    )
  counts = [
    split['samples_per_class'].get(str(label + config.labels_offset), 0)
    for label in range(num_classes)
  ]
  present = sum(count > 0 for count in counts)
  return [sum(counts) / (present * count) if count else 0.0 for count in counts]
