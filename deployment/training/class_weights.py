"""Weights of the classes in the loss, for unbalanced data sets."""

import math
import os
from typing import Any

from datasets import converted
from slim_support import errors, files

BALANCED = 'balanced'


def read(config: Any, num_classes: int) -> list[float] | None:
  """Return the weight of every class of the network, or None.

  'balanced' gives a class the weight images / (classes x images of the class):
  every class then has the same influence, and the mean weight of an image is 1.

  Args:
    config: a TrainConfig.
    num_classes: classes of the network.

  Returns:
    One weight per class, None without --class_weights.

  Raises:
    UserError: if the file or the counts of the data set do not exist or do not
      fit.
  """
  if not config.class_weights:
    return None
  if config.class_weights == BALANCED:
    return _balanced(config, num_classes)
  return _from_file(config.class_weights, num_classes)


def _from_file(path, num_classes):
  """Return the weights that a file gives."""
  if not files.is_file(path):
    raise errors.UserError(
      f'--class_weights={path}: must be {BALANCED!r}, or a file with one line '
      'LABEL:WEIGHT per class.'
    )
  texts = converted.read_label_file(*os.path.split(path))
  labels = range(num_classes)
  missing = [label for label in labels if label not in texts]
  surplus = [label for label in texts if label not in labels]
  if missing or surplus:
    problem = (
      f'label {missing[0]} has no line' if missing
      else f'there is no label {surplus[0]}'
    )  # fmt: skip
    raise errors.UserError(
      f'--class_weights={path}: {problem}. It needs one line LABEL:WEIGHT for '
      f'each label from 0 to {num_classes - 1}.'
    )
  weights = [_weight(path, label, texts[label]) for label in labels]
  if not any(weights):
    raise errors.UserError(
      f'--class_weights={path}: all weights are 0, so there is nothing to '
      'learn. Give at least one class a positive weight.'
    )
  return weights


def _weight(path, label, text):
  """Return the weight on a line."""
  try:
    weight = float(text)
  except ValueError:
    weight = math.nan
  if not (math.isfinite(weight) and weight >= 0):
    raise errors.UserError(
      f'--class_weights={path}: the weight of label {label} must be a finite '
      f'number of at least 0, not {text.strip()[:40]!r}.'
    )
  return weight


def _balanced(config, num_classes):
  """Return the weights from the counts that the conversion wrote."""
  metadata = converted.read_metadata(config.dataset_dir)
  split = (metadata or {'splits': {}})['splits'].get(config.dataset_split_name)
  if not split or 'samples_per_class' not in split:
    raise errors.UserError(
      f'--class_weights={BALANCED}: {config.dataset_dir} does not say how many '
      'images each class has. Convert the data set again, or use a file.'
    )
  counts = [
    split['samples_per_class'].get(str(label + config.labels_offset), 0)
    for label in range(num_classes)
  ]
  present = sum(count > 0 for count in counts)
  if not present:
    raise errors.UserError(
      f'--class_weights={BALANCED}: no image of '
      f'{config.dataset_split_name!r} has a label of the network.'
    )
  return [sum(counts) / (present * count) if count else 0.0 for count in counts]
