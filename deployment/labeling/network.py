"""A network that is ready to label images."""

import dataclasses
from collections.abc import Callable

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

from deployment.checkpoints import locate
from deployment.export import config as export_config
from deployment.export import (
  exported_files,
  graph_predictor,
  inference_graph,
  model_metadata,
  predictors,
)
from deployment.inputs import image_files
from deployment.labeling import class_names as label_names
from deployment.labeling import config as label_config
from nets import nets_factory
from preprocessing import preprocessing_factory
from slim_support import errors

# The values of TensorFlow's own label_image, for graphs without metadata.
_MEAN, _STD, _SIDE = 0.0, 255.0, 299
_SAME_RANGE = 0.02
_CHANNELS = (1, 3)


@dataclasses.dataclass(frozen=True)
class LabelNetwork:
  """A network with what turns image files into its input and scores into names.

  Attributes:
    predictor: maps prepared images to scores, [images, classes].
    prepare: maps the bytes of an image file, a string tensor, to the prepared
      image, float32 with the shape `image_shape`.
    image_shape: height, width and channels of a prepared image.
    names: the name of each class, None for those without; None if no names are
      known.
  """

  predictor: Callable[[np.ndarray], np.ndarray]
  prepare: Callable[[tf.Tensor], tf.Tensor]
  image_shape: tuple[int, int, int]
  names: list[str | None] | None

  def scores(self, images: np.ndarray) -> np.ndarray:
    """Return the scores of prepared images.

    Args:
      images: [images, height, width, channels].

    Returns:
      [images, classes].

    Raises:
      UserError: if the network does not run, or gives something else.
    """
    try:
      scores = np.asarray(self.predictor(images))
    except (tf.errors.OpError, ValueError, TypeError, RuntimeError) as error:
      if isinstance(error, errors.UserError):
        raise
      shape = [*self.image_shape]
      raise errors.UserError(
        f'The network does not run on float32 images of the shape {shape}: '
        f'{errors.error_summary(error).rstrip(".")}.'
      ) from error
    if (
      scores.ndim != 2
      or len(scores) != len(images)
      or not scores.size
      or not np.issubdtype(scores.dtype, np.floating)
    ):
      raise errors.UserError(
        f'The output of the network is {scores.dtype} of the shape '
        f'{[*scores.shape]} for {len(images)} images, not floating-point '
        'scores of the shape [images, classes]. Name another node with '
        '--output_layer.'
      )
    return scores


def load(options: label_config.LabelConfig) -> LabelNetwork:
  """Return the network that a configuration describes, ready to run.

  Args:
    options: names an exported network or a checkpoint.

  Raises:
    UserError: if it cannot be loaded, or does not fit the flags.
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
  shape = _image_shape(options, metadata, predictor.image_shape)
  network = LabelNetwork(
    predictor=predictor,
    prepare=_preparation(options, metadata, shape),
    image_shape=shape,
    names=None,
  )
  return dataclasses.replace(
    network, names=_names(options, metadata, _num_classes(network))
  )


def _num_classes(network):
  """Return the number of scores; run the network if the graph omits it."""
  known = network.predictor.num_classes
  if isinstance(known, int):
    return known
  image = np.zeros([1, *network.image_shape], np.float32)
  return network.scores(image).shape[1]


def _from_checkpoint(options):
  """Return the predictor and the metadata of a checkpoint."""
  offset = options.labels_offset
  if offset is None:
    row = nets_factory.network(options.model_name)
    offset = row.labels_offset if options.dataset_name == 'imagenet' else 0
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
    export,
    model_metadata.num_classes(export, prefix),
    model_metadata.channels(export, prefix),
  )
  metadata = model_metadata.describe(export, network, prefix)
  averaged = bool(options.moving_average_decay)
  return graph_predictor.from_network(network, prefix, averaged), metadata


def _image_shape(options, metadata, graph_shape):
  """Return height, width and channels of the network's input.

  Args:
    options: the configuration.
    metadata: the metadata of the network, may be empty.
    graph_shape: the same as far as the graph defines them, else None.
  """
  height = _side('input_height', options.input_height, graph_shape[0])
  width = _side('input_width', options.input_width, graph_shape[1])
  channels = graph_shape[2] or metadata.get('channels') or 3
  if channels not in _CHANNELS:
    raise errors.UserError(
      f'The network takes images with {channels} channels; image files have 1 '
      'or 3. Name another node with --input_layer.'
    )
  return height, width, channels


def _side(flag, given, defined):
  """Return the height or the width of the network's input."""
  if given and defined and given != defined:
    raise errors.UserError(
      f'--{flag}={given}: the network takes {defined} pixels. Leave out '
      f'--{flag}.'
    )
  return given or defined or _SIDE


def _preparation(options, metadata, shape):
  """Return what turns the bytes of an image file into the network's input."""
  height, width, channels = shape
  _warn_of_other_preprocessing(options, metadata)
  name = options.preprocessing_name or metadata.get('preprocessing')
  if name and options.input_mean is None and options.input_std is None:
    _check_preprocessing(name, height, width)
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
      'The values that the network takes are not known: images are scaled to '
      '[0, 1]. Use --input_mean and --input_std, or --preprocessing_name.'
    )
  return lambda encoded: image_files.scale(
    encoded, height, width, channels, mean=mean, std=std
  )


def _check_preprocessing(name, height, width):
  """Raise UserError if the preprocessing is unknown or cannot be used."""
  preprocessing_factory.family_name(name)
  if height != width:
    raise errors.UserError(
      f'The network takes images of {width} x {height} pixels, but the '
      f'preprocessing {name} makes square ones. Use --input_mean and '
      '--input_std.'
    )


def _first(*values):
  """Return the first value that is not None."""
  return next(value for value in values if value is not None)


def _warn_of_other_preprocessing(options, metadata):
  """Warn if the network was exported with another preprocessing."""
  recorded = metadata.get('preprocessing')
  if options.preprocessing_name and recorded not in (
    None,
    options.preprocessing_name,
  ):
    logging.warning(
      '--preprocessing_name=%s: the network was exported with %s.',
      options.preprocessing_name,
      recorded,
    )


def _warn_of_other_values(metadata, mean, std):
  """Warn if scaling gives other values than the network was trained on."""
  ours = [(value - mean) / std for value in (0, 255)]
  recorded_mean, recorded_std = (
    metadata.get('input_mean'),
    metadata.get('input_std'),
  )
  if recorded_mean is not None and recorded_std:
    right = [(value - recorded_mean) / recorded_std for value in (0, 255)]
    if all(abs(a - b) < _SAME_RANGE for a, b in zip(ours, right, strict=True)):
      return
  logging.warning(
    '--input_mean=%g --input_std=%g give values in [%.3g, %.3g], but the '
    'network takes values %s. Leave out both flags to prepare images as in '
    'evaluation.',
    mean,
    std,
    *ours,
    metadata.get('values', 'of another range'),
  )


def _names(options, metadata, num_classes):
  """Return the name of each class, or None if they are not known."""
  known = metadata.get('labels')
  if not options.labels:
    return known if known and len(known) == num_classes else None
  names = label_names.fit(
    label_names.read(options.labels),
    num_classes,
    options.labels,
    options.labels_offset,
    metadata.get('labels_offset') or 0,
  )
  if known and known != names:
    _warn_of_other_names(options.labels, names, known)
  return names


def _warn_of_other_names(path, names, known):
  """Warn that --labels has other names than the network's metadata."""
  different = ((a, b) for a, b in zip(names, known, strict=False) if a != b)
  logging.warning(
    '--labels=%s has other class names than the export, for instance %r '
    'instead of %r.',
    path,
    *next(different, (len(names), len(known))),
  )
