"""The converters by the name of their data set, and their configuration.

Importing this module does not import TensorFlow.
"""

import dataclasses
import importlib
from collections.abc import Callable

from datasets.conversion.options import Options
from slim_support import errors, flag_fields
from slim_support.flag_fields import string

_MODULES = {
  'cifar10': 'datasets.download_and_convert_cifar10',
  'digits': 'datasets.download_and_convert_digits',
  'flowers': 'datasets.download_and_convert_flowers',
  'folder': 'datasets.download_and_convert_folder',
  'imagenet': 'datasets.download_and_convert_imagenet',
  'mnist': 'datasets.download_and_convert_mnist',
}
# Flag -> the data sets that it applies to; other flags apply to all.
_ONLY_FOR = {
  'image_dir': ('folder',),
  'validation_fraction': ('folder',),
  'num_shards': ('flowers', 'folder'),
  'image_max_side': ('flowers', 'folder', 'imagenet'),
  'max_image_pixels': ('flowers', 'folder', 'imagenet'),
  'skip_bad_images': ('flowers', 'folder', 'imagenet'),
}


def converter_names() -> list[str]:
  """Return the names of the data sets that can be converted."""
  return sorted(_MODULES)


@dataclasses.dataclass(frozen=True)
class ConvertConfig(Options):
  """Configuration of a conversion."""

  dataset_name: str | None = string(
    None, 'Name of the data set to convert (required).', converter_names,
    group='Data set',
  )  # fmt: skip
  dataset_dir: str | None = string(None, 'Folder to write to (required).')

  def __post_init__(self):
    flag_fields.require(
      self,
      'dataset_name',
      f'Name one of {", ".join(converter_names())}.',
    )
    super().__post_init__()
    flag_fields.require(self, 'dataset_dir', 'Name the folder to write to.')
    for flag, names in _ONLY_FOR.items():
      default = Options.__dataclass_fields__[flag].default
      if self.dataset_name not in names and getattr(self, flag) != default:
        raise errors.UserError(
          f'--{flag} does not apply to {self.dataset_name}, only to '
          f'{" and ".join(names)}.'
        )


def convert(
  config: ConvertConfig, before_writing: Callable[[], object] | None = None
) -> None:
  """Convert the data set that the configuration names.

  Args:
    config: the configuration.
    before_writing: called before TensorFlow is needed, or None.

  Raises:
    UserError: if the conversion fails.
  """
  module = importlib.import_module(_MODULES[config.dataset_name])
  options = dataclasses.replace(config, before_writing=before_writing)
  module.run(config.dataset_dir, options)
