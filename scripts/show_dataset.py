r"""Shows what a converted data set holds.

    python scripts/show_dataset.py \
      --dataset_name=flowers \
      --dataset_dir=/tmp/flowers \
      --split=train

Prints the number of images of each class, their sizes and formats, and writes
a sheet of some of them with their labels, drawn by chance but always the same.
"""

import dataclasses
import os

import _checkout  # noqa: F401  (finds the modules below)
from absl import flags

from datasets import dataset_factory
from deployment.command_line import data_config, entry
from slim_support import files, flag_fields


@dataclasses.dataclass(frozen=True)
class ShowConfig(flag_fields.Config):
  """Which split is shown, and where to."""

  dataset_name: str | None = flag_fields.with_default(
    data_config.DataConfig, 'dataset_name', None
  )
  dataset_dir: str | None = flag_fields.with_default(
    data_config.DataConfig, 'dataset_dir', None
  )
  dataset_split_name: str = flag_fields.with_default(
    data_config.DataConfig, 'dataset_split_name', 'train'
  )
  file_pattern: str | None = flag_fields.string(
    None, 'Which files to read instead of the usual ones.'
  )
  num_images: int = flag_fields.integer(
    48, 'How many images the sheet shows.', minimum=1, maximum=10_000
  )
  sheet: str | None = flag_fields.string(
    None,
    'Where to write the sheet, a PNG; NAME_SPLIT.png in the current folder by '
    'default, and nowhere if empty.',
  )


flag_fields.define_flags(ShowConfig)
flags.DEFINE_alias('split', 'dataset_split_name')


def main():
  """Check the flags, then read the split and draw its sheet."""
  options = flag_fields.from_flags(ShowConfig)
  flag_fields.require(options, 'dataset_name', 'Name the data set to show.')
  name, split = options.dataset_name, options.dataset_split_name
  place = (name, split, options.dataset_dir, options.file_pattern)
  dataset_factory.check_dataset(*place)
  sheet = f'{name}_{split}.png' if options.sheet is None else options.sheet
  if sheet:
    files.check_writable('sheet', sheet)
  split_summary = entry.load('datasets.split_summary')
  dataset = dataset_factory.get_dataset(*place)
  summary = split_summary.read(dataset, options.num_images)
  print(split_summary.describe(summary, dataset))
  if sheet:
    split_summary.draw_sheet(summary, dataset, sheet)
    count = len(summary.samples)
    print(f'\nA sheet of {count} images: {os.path.abspath(sheet)}')


if __name__ == '__main__':
  entry.run(main)
