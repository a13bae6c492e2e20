"""The converters by the name of their data set."""

import importlib

import slim_errors
from datasets import conversion

_MODULES = {
  'digits': 'datasets.download_and_convert_digits',
  'mnist': 'datasets.download_and_convert_mnist',
}


def converter_names() -> list[str]:
  """Returns the names of the data sets that can be converted."""
  return sorted(_MODULES)


def define_flags(flags):
  """Defines the flags of download_and_convert_data.py.

  Args:
    flags: the module absl.flags.
  """
  flags.DEFINE_string(
    'dataset_name',
    None,
    f'The data set to convert: {", ".join(converter_names())}.',
  )
  flags.DEFINE_string('dataset_dir', None, 'The folder to write to.')
  flags.DEFINE_bool(
    'keep_downloads', False, 'Leave downloaded archives in --dataset_dir.'
  )


def run_from_flags(values):
  """Converts the data set that the flags name.

  Args:
    values: an object with an attribute for each flag.

  Raises:
    UserError: if a flag is missing or wrong, or if the conversion fails.
  """
  if not values.dataset_name:
    raise slim_errors.UserError(
      f'--dataset_name is missing; known: {", ".join(converter_names())}.'
    )
  if values.dataset_name not in _MODULES:
    raise slim_errors.unknown_name('data set', values.dataset_name, _MODULES)
  if not values.dataset_dir:
    raise slim_errors.UserError(
      '--dataset_dir is missing: the folder to write to.'
    )
  module = importlib.import_module(_MODULES[values.dataset_name])
  module.run(
    values.dataset_dir,
    conversion.Options(keep_downloads=values.keep_downloads),
  )
