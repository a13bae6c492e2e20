"""Preprocessing by name: one row for each family, and functions that apply it.

    preprocess = preprocessing_factory.get_preprocessing('inception_v3')
    image = preprocess(image, 299, 299)

A name is that of a family, for instance 'vgg', or of a network, which stands
for the family that the network was trained with. To add a preprocessing of your
own at run time, put a module or an object with a `preprocess_image` function
into `preprocessing_fn_map`.

Importing this module does not import TensorFlow; `get_preprocessing` does.
"""

import functools
import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

from preprocessing import parts
from slim_support import errors, lazy_map

Parts = parts.Parts


class Family(NamedTuple):
  """A preprocessing, and what users of an exported network must know of it.

  Attributes:
    module: full name of its module.
    values: the values that it gives, in words.
    resizing: how evaluation brings images to the network's size, in words.
    mean: what to subtract from values in [0, 255] to get the same values; None
      if one number for all pixels does not do it.
    std: what to divide the difference by; None like `mean`.
  """

  module: str
  values: str
  resizing: str
  mean: float | None = None
  std: float | None = None


_FAMILIES = {
  'cifarnet': Family(
    'preprocessing.cifarnet_preprocessing',
    values='mean 0 and variance 1 in each image',
    resizing='cropped or padded with zeros about the centre',
  ),
  'inception': Family(
    'preprocessing.inception_preprocessing',
    values='in [-1, 1]',
    resizing='the central 87.5% of each side, resized',
    mean=127.5,
    std=127.5,
  ),
  'lenet': Family(
    'preprocessing.lenet_preprocessing',
    values='in [-1, 1)',
    resizing='cropped or padded with zeros about the centre',
    mean=128.0,
    std=128.0,
  ),
  'vgg': Family(
    'preprocessing.vgg_preprocessing',
    values='in [0, 255] minus 123.68, 116.78, 103.94 (red, green, blue)',
    resizing='the smaller side resized to 256, or to 256 / 224 of the '
    "network's size where that is larger; the centre cropped",
  ),
}


def _lazy_modules():
  return lazy_map.LazyMap({name: row.module for name, row in _FAMILIES.items()})


# Name -> module or object with `preprocess_image(image, height, width,
# is_training, **options)`. It may also have a `plan`, or a `start` and a
# `finish`, as those of this package do; see `parts.Parts`.
preprocessing_fn_map = _lazy_modules()

# Modules with `default_preprocessing()`, which returns network -> name of its
# preprocessing. A network's row is the only place that says which one it takes.
# This package is not built on networks: it needs these modules only to look up
# a name that is not in the map above, and loads them only then.
_NETWORK_REGISTRIES = ('nets.nets_factory',)


def _of_networks() -> dict[str, str | None]:
  """Return network -> name of its preprocessing, None if it names none."""
  found = {}
  for name in _NETWORK_REGISTRIES:
    found |= importlib.import_module(name).default_preprocessing()
  return found


def names() -> list[str]:
  """Return all names that `get_preprocessing` takes."""
  networks = [
    network
    for network, preprocessing in _of_networks().items()
    if preprocessing in preprocessing_fn_map
  ]
  return [*dict.fromkeys([*preprocessing_fn_map, *networks])]


def family_name(name: str) -> str:
  """Return the preprocessing that a name stands for.

  Args:
    name: a preprocessing, which stands for itself, or a network.

  Returns:
    A key of `preprocessing_fn_map`.

  Raises:
    UserError: if the name is unknown, or if it is that of a network that does
      not say which preprocessing it takes.
  """
  if name in preprocessing_fn_map:
    return name
  networks = _of_networks()
  if networks.get(name) in preprocessing_fn_map:
    return networks[name]
  if name in networks:
    raise errors.UserError(
      f'The network {name!r} does not say which preprocessing it takes. Use '
      f'--preprocessing_name, one of {", ".join(sorted(preprocessing_fn_map))}.'
    )
  raise errors.unknown_name('preprocessing', name, names())


def family(name: str) -> Family:
  """Return the row of the preprocessing that a name stands for.

  Args:
    name: a preprocessing or a network.

  Raises:
    UserError: see `family_name`.
  """
  name = family_name(name)
  if preprocessing_fn_map.is_original(name):
    return _FAMILIES[name]
  return Family(
    module='', values=f'as {name} gives them', resizing=f'as {name} does it'
  )


def get_parts(name: str) -> Parts:
  """Return a preprocessing in the parts that an input pipeline runs.

  Args:
    name: a preprocessing or a network.

  Raises:
    UserError: see `family_name`.
  """
  return parts.of(_implementation(name))


def _implementation(name: str) -> Any:
  """Return the module or object with `preprocess_image`."""
  name = family_name(name)
  found = preprocessing_fn_map[name]
  if not callable(getattr(found, 'preprocess_image', None)):
    raise errors.UserError(
      f'preprocessing_fn_map[{name!r}] has no function preprocess_image.'
    )
  return found


def get_preprocessing(
  name: str,
  is_training: bool = False,
  use_grayscale: bool = False,
  height: int | None = None,
  width: int | None = None,
  **options: Any,
) -> Callable:
  """Return the preprocessing function of a network or of a family.

  Args:
    name: a network, for instance 'inception_v3', or a preprocessing, for
      instance 'vgg'.
    is_training: whether to distort at random, as for training.
    use_grayscale: whether to reduce images to one channel.
    height: rows of the result if the returned function is not told.
    width: columns of the result if the returned function is not told.
    **options: passed to `preprocess_image`, for instance central_fraction or
      fast_mode (inception), resize_side_min (vgg), padding (cifarnet).

  Returns:
    fn(image, output_height=height, output_width=width, **options) that takes
    an image [height, width, channels] of values in [0, 255] (uint8) and
    returns float32 [output_height, output_width, channels].

  Raises:
    UserError: see `family_name`.
  """
  function = _implementation(name).preprocess_image
  # Functions that were written before there was this argument lack it.
  if use_grayscale or parts.takes(function, 'use_grayscale'):
    options['use_grayscale'] = use_grayscale
  preprocess = functools.partial(function, is_training=is_training, **options)

  def preprocessing_fn(image, output_height=None, output_width=None, **kwargs):
    return preprocess(
      image, output_height or height, output_width or width, **kwargs
    )

  return preprocessing_fn


def prepare_for_evaluation(name: str, image: Any, side: int) -> Any:
  """Return one decoded image as evaluation gives it to the network.

  Args:
    name: a preprocessing or a network.
    image: [height, width, channels] of values in [0, 255], uint8.
    side: height and width of the result in pixels.

  Returns:
    float32 [side, side, channels].

  Raises:
    UserError: see `family_name`.
  """
  preprocess = get_preprocessing(name, is_training=False)
  return parts.without_summaries(lambda: preprocess(image, side, side))
