"""Metadata of an exported network: nodes, input values, classes, origin.

They are written as JSON beside each exported file, so that its users need not
ask what the nodes are called, which values go in, and which class is number 0.
"""

import os
from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging

from datasets import dataset_factory
from deployment.checkpoints import identify, locate, run_folder
from deployment.command_line import data_config
from deployment.export.config import ExportConfig
from deployment.export.inference_graph import InferenceGraph
from deployment.inputs import image_files
from nets import nets_factory
from preprocessing import preprocessing_factory
from slim_support import errors, json_files

FORMAT_VERSION = 1
_METRICS_FILE = 'metrics.json'
_METRICS_SCHEMA = {'checkpoint': str, 'Accuracy': float, 'split': str}
_METRICS = ('Accuracy', 'Recall_5', 'split', 'images', 'step')
# By --labels_offset.
_BACKGROUND = {
  0: '; class 0 is the background',
  1: '; there is no background class',
}


def describe(
  options: ExportConfig,
  network: InferenceGraph,
  checkpoint: str | None = None,
) -> dict[str, Any]:
  """Return the metadata of an export.

  Args:
    options: the configuration.
    network: the network.
    checkpoint: where the weights come from; None without weights.

  Raises:
    UserError: if a file with the class names is damaged.
  """
  family = preprocessing_factory.family(options.preprocessing)
  averaged = bool(options.moving_average_decay)
  return {
    'format_version': FORMAT_VERSION,
    'model_name': options.model_name,
    'dataset_name': options.dataset_name,
    'input': _node(network.images),
    'output': _node(network.probabilities),
    'logits': _node(network.logits),
    'image_size': network.images.shape.as_list()[1],
    'channels': network.images.shape.as_list()[3],
    'decoded_channels': dataset_factory.get_spec(options.dataset_name).channels,
    'preprocessing': options.preprocessing,
    'resizing': family.resizing,
    'values': family.values,
    'input_mean': family.mean,
    'input_std': family.std,
    'num_classes': network.logits.shape.as_list()[1],
    'labels_offset': options.labels_offset,
    'label_convention': _convention(options),
    'labels': _labels(options, network.logits.shape.as_list()[1], checkpoint),
    'checkpoint': checkpoint,
    'step': locate.global_step(checkpoint) if checkpoint else None,
    'moving_averages': averaged,
    'accuracy': _accuracy(checkpoint, averaged) if checkpoint else None,
    'tensorflow': tf.__version__,
  }


def preparation(metadata: dict[str, Any]) -> image_files.Preparation:
  """Return how images must be prepared for an exported network.

  Args:
    metadata: see `describe`.
  """
  return image_files.Preparation(
    preprocessing=metadata['preprocessing'],
    image_size=metadata['image_size'],
    channels=metadata['channels'],
    decoded_channels=metadata['decoded_channels'],
  )


def num_classes(options: ExportConfig, checkpoint: str | None = None) -> int:
  """Return the number of classes of the network.

  The data set's files are not needed if its name determines the classes, or if
  the training run recorded them.

  Args:
    options: the configuration.
    checkpoint: where the weights come from; None without weights.

  Raises:
    UserError: if the number is not known, or --labels_offset leaves no class.
  """
  try:
    classes = dataset_factory.get_num_classes(
      options.dataset_name, options.dataset_dir
    )
  except errors.UserError:
    run = run_folder.read_run(checkpoint) or {}
    if run.get('flags', {}).get('dataset_name') != options.dataset_name:
      raise
    return run['num_classes']
  data_config.check_labels_offset(options, classes)
  return classes - options.labels_offset


def channels(options: ExportConfig, checkpoint: str | None = None) -> int:
  """Return the channels of the images of the network of an ExportConfig.

  Most networks have three. Those that take the channels of the data have those
  of the training run or of the checkpoint, else those of the data set.

  Args:
    options: the configuration.
    checkpoint: where the weights come from; None without weights.
  """
  if options.use_grayscale:
    return 1
  row = nets_factory.network(options.model_name)
  run = run_folder.read_run(checkpoint) or {}
  trained = run.get('channels')
  if checkpoint and not trained:
    trained = identify.image_channels(checkpoint)
  spec = dataset_factory.get_spec(options.dataset_name)
  return row.channels_for(trained or spec.channels)


def _node(tensor) -> dict:
  """Return a tensor's node name, type and shape."""
  return {
    'name': tensor.op.name,
    'dtype': tensor.dtype.name,
    'shape': tensor.shape.as_list(),
  }


def _convention(options) -> str:
  """Return a phrase that says which label class i stands for."""
  offset = options.labels_offset
  label = f'i + {offset}' if offset else 'i'
  text = f'class i is label {label} of {options.dataset_name}'
  if options.dataset_name == 'imagenet':
    text += _BACKGROUND.get(offset, '')
  return text


def _labels(options, classes, checkpoint):
  """Return the name of each class, None if they are not known."""
  try:
    names = dataset_factory.get_class_names(
      options.dataset_name, options.dataset_dir
    )
  except errors.UserError:
    names = None
  if not names:
    run = run_folder.read_run(checkpoint) or {}
    recorded = run.get('flags', {}).get('dataset_name')
    names = run.get('class_names') if recorded == options.dataset_name else {}
  names = {int(label): name for label, name in (names or {}).items()}
  labels = [names.get(i + options.labels_offset) for i in range(classes)]
  return labels if any(labels) else None


def _accuracy(checkpoint, averaged):
  """Return the accuracy that an evaluation of this checkpoint found, or None.

  Only evaluations in the usual places beside the checkpoint are considered.
  """
  folder = os.path.dirname(os.path.abspath(checkpoint))
  for place in (folder, os.path.join(folder, 'eval'), os.path.dirname(folder)):
    path = os.path.join(place, _METRICS_FILE)
    if not os.path.lexists(path):
      continue
    try:
      evaluation = json_files.read(path, _METRICS_SCHEMA, '')
    except errors.UserError as error:
      logging.warning('The accuracy is left out: %s', str(error).rstrip())
      continue
    same = os.path.basename(evaluation['checkpoint']) == os.path.basename(
      checkpoint
    )
    if same and bool(evaluation.get('moving_average_decay')) == averaged:
      return {name: evaluation[name] for name in _METRICS if name in evaluation}
  return None


def format_text(metadata: dict[str, Any]) -> str:
  """Return the metadata for people to read, a line for each fact.

  Args:
    metadata: see `describe`.
  """
  sizes = {
    name: '[' + ', '.join(str(n or '?') for n in metadata[name]['shape']) + ']'
    for name in ('input', 'output', 'logits')
  }
  lines = [
    ('Network', f'{metadata["model_name"]}, {metadata["num_classes"]} classes'),
    (
      'Input',
      f'{metadata["input"]["name"]}, float32 {sizes["input"]}, values '
      f'{metadata["values"]} (preprocessing of {metadata["preprocessing"]})',
    ),
    (
      'Output',
      f'{metadata["output"]["name"]}, float32 {sizes["output"]}, probabilities',
    ),
    ('Logits', f'{metadata["logits"]["name"]}, float32 {sizes["logits"]}'),
    ('Labels', metadata['label_convention']),
  ]
  if metadata['checkpoint']:
    averages = ', moving averages' if metadata['moving_averages'] else ''
    step = f', step {metadata["step"]}' if metadata['step'] else ''
    lines.append(('Weights', f'{metadata["checkpoint"]}{step}{averages}'))
  if metadata['accuracy']:
    accuracy = metadata['accuracy']
    lines.append(
      ('Accuracy', f'{accuracy["Accuracy"]:.4f} on {accuracy["split"]}')
    )
  return '\n'.join(f'{name + ":":10}{text}' for name, text in lines)
