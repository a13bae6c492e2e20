"""The converters by the name of their data set, and their flags."""

import dataclasses
import importlib

from absl import flags

import slim_errors
from datasets.options import Options

flags.disclaim_key_flags()  # they belong to the script that defines them

_MODULES = {
  'cifar10': 'datasets.download_and_convert_cifar10',
  'digits': 'datasets.download_and_convert_digits',
  'flowers': 'datasets.download_and_convert_flowers',
  'folder': 'datasets.download_and_convert_folder',
  'imagenet': 'datasets.download_and_convert_imagenet',
  'mnist': 'datasets.download_and_convert_mnist',
}
_ONLY_FOR = {
  'image_dir': ('folder',),
  'validation_fraction': ('folder',),
  'num_shards': ('flowers', 'folder'),
  'image_max_side': ('flowers', 'folder', 'imagenet'),
  'max_image_pixels': ('flowers', 'folder', 'imagenet'),
  'skip_bad_images': ('flowers', 'folder', 'imagenet'),
}
_AT_LEAST_ONE = (
  'num_shards',
  'image_max_side',
  'max_image_pixels',
  'num_workers',
)


def converter_names() -> list[str]:
  """Returns the names of the data sets that can be converted."""
  return sorted(_MODULES)


def _flag_fields() -> list[dataclasses.Field]:
  return [field for field in dataclasses.fields(Options) if field.metadata]


def define_flags():
  """Defines the flags of download_and_convert_data.py."""
  flags.DEFINE_string(
    'dataset_name',
    None,
    f'The data set to convert: {", ".join(converter_names())}.',
  )
  flags.DEFINE_string('dataset_dir', None, 'The folder to write to.')
  for field in _flag_fields():
    kinds = str(field.type)
    if 'bool' in kinds:
      define = flags.DEFINE_bool
    elif 'int' in kinds:
      define = flags.DEFINE_integer
    elif 'float' in kinds:
      define = flags.DEFINE_float
    else:
      define = flags.DEFINE_string
    define(field.name, field.default, field.metadata['help'])


def run_from_flags(values, before_writing=None):
  """Converts the data set that the flags name.

  Args:
    values: an object with an attribute for each flag.
    before_writing: is called before TensorFlow is needed; None for nothing.

  Raises:
    UserError: if a flag is missing or wrong, or if the conversion fails.
  """
  name = values.dataset_name
  if not name:
    raise slim_errors.UserError(
      f'--dataset_name is missing; known: {", ".join(converter_names())}.'
    )
  if name not in _MODULES:
    raise slim_errors.unknown_name('data set', name, _MODULES)
  if not values.dataset_dir:
    raise slim_errors.UserError(
      '--dataset_dir is missing: the folder to write to.'
    )
  chosen = {field.name: getattr(values, field.name) for field in _flag_fields()}
  _check(name, chosen)
  module = importlib.import_module(_MODULES[name])
  module.run(
    values.dataset_dir, Options(**chosen, before_writing=before_writing)
  )


def _check(name: str, chosen: dict):
  """Raises UserError for a flag that is out of range or has no effect."""
  for flag in _AT_LEAST_ONE:
    if chosen[flag] is not None and chosen[flag] < 1:
      raise slim_errors.UserError(f'--{flag}={chosen[flag]} is less than 1.')
  defaults = Options()
  for flag, names in _ONLY_FOR.items():
    if name not in names and chosen[flag] != getattr(defaults, flag):
      raise slim_errors.UserError(
        f'--{flag} does not apply to {name}, only to {" and ".join(names)}.'
      )
