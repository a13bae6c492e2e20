"""Names of networks to the preprocessing that each was trained with.

Importing this module does not import TensorFlow; `get_preprocessing` does.
"""

import functools
import importlib
from collections.abc import Callable
from typing import NamedTuple

from slim_support import errors

_FAMILIES = {
  'cifarnet': ('cifarnet',),
  'inception': (
    'inception',
    'inception_v1',
    'inception_v2',
    'inception_v3',
    'inception_v4',
    'inception_resnet_v2',
    'mobilenet_v1',
    'mobilenet_v1_075',
    'mobilenet_v1_050',
    'mobilenet_v1_025',
    'mobilenet_v2',
    'mobilenet_v2_035',
    'mobilenet_v2_140',
    'mobilenet_v3_small',
    'mobilenet_v3_large',
    'mobilenet_v3_small_minimalistic',
    'mobilenet_v3_large_minimalistic',
    'mobilenet_edgetpu',
    'mobilenet_edgetpu_075',
    'nasnet_cifar',
    'nasnet_mobile',
    'nasnet_large',
    'pnasnet_mobile',
    'pnasnet_large',
  ),
  'lenet': ('lenet',),
  'vgg': (
    'vgg',
    'vgg_a',
    'vgg_16',
    'vgg_19',
    'alexnet_v2',
    'overfeat',
    'resnet_v1_50',
    'resnet_v1_101',
    'resnet_v1_152',
    'resnet_v1_200',
    'resnet_v2_50',
    'resnet_v2_101',
    'resnet_v2_152',
    'resnet_v2_200',
  ),
}

families = {name: family for family in _FAMILIES for name in _FAMILIES[family]}


class Parts(NamedTuple):
  """The preprocessing of a family, in the parts that an input pipeline runs.

  A family has either a plan, for large images, or a start and a finish, for
  small ones, which are quicker to finish a batch at a time.

  Attributes:
    plan: fn(shape, height, width, is_training, seed) -> windows.Plan.
    start: fn(image, height, width, is_training, seed) -> dict of tensors.
    finish: fn(dict of batched tensors) -> float32 images.
    preprocess_image: fn(image, height, width, is_training) -> float32 image.
      For modules that have none of the other three.
  """

  plan: Callable | None = None
  start: Callable | None = None
  finish: Callable | None = None
  preprocess_image: Callable | None = None


def _module(name, suffix='preprocessing'):
  """Returns the module of a network's or a family's preprocessing.

  Raises:
    UserError: if the name is unknown.
  """
  if name not in families:
    raise errors.unknown_name('preprocessing', name, families)
  return importlib.import_module(f'preprocessing.{families[name]}_{suffix}')


def get_parts(name) -> Parts:
  """Returns the preprocessing of a network or of a family, in parts.

  Args:
    name: see `get_preprocessing`.

  Raises:
    UserError: if the name is unknown.
  """
  if families.get(name) in _PLANNED:
    return Parts(plan=_module(name, _PLANNED[families[name]]).plan)
  module = _module(name)
  if not hasattr(module, 'start'):
    return Parts(preprocess_image=module.preprocess_image)
  return Parts(start=module.start, finish=module.finish)


# Which of a family's modules plans.
_PLANNED = {'inception': 'plans', 'vgg': 'preprocessing'}


def get_preprocessing(
  name,
  is_training=False,
  use_grayscale=False,
  height=None,
  width=None,
  **options,
):
  """Returns the preprocessing function of a network or of a family.

  Args:
    name: a network, for instance 'inception_v3', or a family: cifarnet,
      inception, lenet or vgg.
    is_training: whether to distort at random, as for training.
    use_grayscale: whether to reduce images to one channel.
    height: rows of the result where the returned function is not told.
    width: columns of the result where the returned function is not told.
    **options: passed to the family's `preprocess_image`, for instance
      central_fraction or fast_mode (inception), resize_side_min (vgg), padding
      (cifarnet).

  Returns:
    fn(image, output_height=height, output_width=width, **options) that takes
    an image [height, width, channels] of values in [0, 255] (uint8) and
    returns float32 [output_height, output_width, channels].

  Raises:
    UserError: if the name is unknown.
  """
  preprocess = functools.partial(
    _module(name).preprocess_image,
    is_training=is_training,
    use_grayscale=use_grayscale,
    **options,
  )

  def preprocessing_fn(image, output_height=None, output_width=None, **kwargs):
    return preprocess(
      image, output_height or height, output_width or width, **kwargs
    )

  return preprocessing_fn
