"""A network that is ready to label: loaded, fed as it was trained, named."""

import dataclasses
from collections.abc import Callable

from absl import logging

from deployment.checkpoints import locate
from deployment.export import config as export_config
from deployment.export import (
  exported_files,
  inference_graph,
  model_metadata,
  predictors,
)
from deployment.inputs import image_files
from deployment.labeling import class_names as label_names
from nets import nets_factory
from slim_support import errors

# What TensorFlow's own label_image does where nothing says better.
_MEAN, _STD, _SIDE = 0.0, 255.0, 299
_SAME_RANGE = 0.02


@dataclasses.dataclass(frozen=True)
class LabelNetwork:
  """What turns image files into named scores.

  Attributes:
    predictor: prepared images -> scores, [batch, classes].
    prepare: the bytes of an image file, a string tensor -> prepared image.
    names: of the classes, None if they are not known.
  """

  predictor: Callable
  prepare: Callable
  names: list | None


def load(options) -> LabelNetwork:
  """Loads the network of a LabelConfig.

  Raises:
    UserError: if it cannot be loaded, or does not fit what the flags say.
  """
  if options.graph:
    metadata = exported_files.read_metadata(options.graph) or {}
    predictor = predictors.load(
      options.graph,
      options.input_layer or metadata.get('input', {}).get('name'),
      options.output_layer or metadata.get('output', {}).get('name'),
    )
  else:
    predictor, metadata = _from_checkpoint(options)
  return LabelNetwork(
    predictor=predictor,
    prepare=_preparation(options, metadata, predictor.image_shape),
    names=_names(options, metadata, predictor.num_classes),
  )


def _from_checkpoint(options):
  """Returns the predictor and the metadata of a checkpoint."""
  offset = options.labels_offset
  if offset is None:
    of_imagenet = options.dataset_name == 'imagenet'
    row = nets_factory.network(options.model_name)
    offset = row.labels_offset if of_imagenet else 0
  export = export_config.ExportConfig(
    model_name=options.model_name,
    image_size=options.image_size,
    dataset_name=options.dataset_name,
    dataset_dir=options.dataset_dir,
    labels_offset=offset,
    preprocessing_name=options.preprocessing_name,
    use_grayscale=options.use_grayscale,
    checkpoint_path=options.checkpoint_path,
    moving_average_decay=options.moving_average_decay,
  )
  prefix = locate.resolve(options.checkpoint_path)
  network = inference_graph.build(
    export, model_metadata.num_classes(export, prefix)
  )
  metadata = model_metadata.describe(export, network, prefix)
  averaged = bool(options.moving_average_decay)
  return predictors.from_network(network, prefix, averaged), metadata


def _preparation(options, metadata, image_shape):
  """Returns what turns the bytes of an image into the network's input."""
  height = _side('input_height', options.input_height, image_shape[0])
  width = _side('input_width', options.input_width, image_shape[1])
  channels = image_shape[2] or metadata.get('channels', 3)
  name = options.preprocessing_name or metadata.get('preprocessing')
  _warn_of_other_preprocessing(options, metadata)
  if name and options.input_mean is None and options.input_std is None:
    return image_files.Preparation(
      preprocessing=name,
      image_size=height,
      channels=channels,
      decoded_channels=metadata.get('decoded_channels', channels),
    ).apply
  mean = _first(options.input_mean, metadata.get('input_mean'), _MEAN)
  std = _first(options.input_std, metadata.get('input_std'), _STD)
  if metadata:
    _warn_of_other_values(metadata, mean, std)
  elif options.input_mean is None and options.input_std is None:
    logging.warning(
      'Nothing says which values the network takes: images are scaled to '
      '[0, 1]. Say --input_mean and --input_std, or --preprocessing_name.'
    )
  return lambda encoded: image_files.scale(
    encoded, height, width, channels, mean=mean, std=std
  )


def _first(*values):
  """Returns the first value that is not None."""
  return next(value for value in values if value is not None)


def _side(flag, asked, given):
  """Returns the height or width of the network's input."""
  if asked and given and asked != given:
    raise errors.UserError(
      f'--{flag}={asked}: the network takes {given} pixels. Leave out --{flag}.'
    )
  return asked or given or _SIDE


def _warn_of_other_preprocessing(options, metadata):
  trained = metadata.get('preprocessing')
  if options.preprocessing_name and trained not in (
    None,
    options.preprocessing_name,
  ):
    logging.warning(
      '--preprocessing_name=%s: the network was exported with %s.',
      options.preprocessing_name,
      trained,
    )


def _warn_of_other_values(metadata, mean, std):
  """Warns if plain scaling gives values that the network does not know."""
  ours = [(value - mean) / std for value in (0, 255)]
  range_text = f'--input_mean={mean:g} --input_std={std:g} give values in '
  range_text += f'[{ours[0]:.3g}, {ours[1]:.3g}]'
  if metadata['input_mean'] is not None:
    center, width = metadata['input_mean'], metadata['input_std']
    right = [(value - center) / width for value in (0, 255)]
    if all(abs(a - b) < _SAME_RANGE for a, b in zip(ours, right, strict=True)):
      return
  logging.warning(
    '%s, but the network takes values %s. Leave both flags out to prepare '
    'images as in evaluation.',
    range_text,
    metadata['values'],
  )


def _names(options, metadata, num_classes):
  """Returns the name of each class, or None."""
  known = metadata.get('labels')
  if not options.labels:
    return known if known and len(known) == num_classes else None
  offset = _first(options.labels_offset, metadata.get('labels_offset'), 0)
  names = label_names.fit(
    label_names.read(options.labels),
    num_classes,
    offset,
    options.labels,
  )
  if known and known != names:
    logging.warning(
      '--labels=%s names classes otherwise than the export did, for instance '
      '%r instead of %r.',
      options.labels,
      *next((a, b) for a, b in zip(names, known, strict=False) if a != b),
    )
  return names
