r"""Show the contents of a converted data set.

    python scripts/show_dataset.py \
      --dataset_name=flowers \
      --dataset_dir=/tmp/flowers \
      --split=train

It prints the number of images of each class, their sizes and formats. It also
writes a sheet with a random selection of images and their labels, which is the
same on every run.
"""

import dataclasses
import os

import _checkout  # noqa: F401  (finds the modules below)
from absl import flags

from datasets import dataset_factory
from datasets.images import contact_sheet
from deployment.command_line import data_config, entry
from slim_support import flag_fields, output, targets


@dataclasses.dataclass(frozen=True)
class ShowConfig(flag_fields.Config):
  """The split to show, and the file to write."""

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
    None, 'Files to read instead of the usual ones; %s stands for the split.'
  )
  num_images: int = flag_fields.integer(
    48, 'Number of images on the sheet.', minimum=1, maximum=10_000
  )
  sheet: str | None = flag_fields.string(
    None,
    'File to write the sheet to, .png or .jpg; NAME_SPLIT.png in the current '
    'folder by default. Empty writes no sheet.',
  )


flag_fields.define_flags(ShowConfig)
flags.DEFINE_alias('split', 'dataset_split_name')


def main() -> None:
  """Check the flags, then summarize the split and draw its sheet."""
  options = flag_fields.from_flags(ShowConfig)
  flag_fields.require(
    options, 'dataset_name', 'It is the name of the data set to show.'
  )
  name, split = options.dataset_name, options.dataset_split_name
  place = (name, split, options.dataset_dir, options.file_pattern)
  dataset_factory.check_dataset(*place)
  sheet = f'{name}_{split}.png' if options.sheet is None else options.sheet
  if sheet:
    contact_sheet.image_format(sheet)
    targets.check_writable('sheet', sheet)
  split_summary = entry.load('datasets.split_summary')
  dataset = dataset_factory.get_dataset(*place)
  summary = split_summary.summarize(dataset, options.num_images)
  print(split_summary.describe(summary, dataset))
  if sheet:
    names = dataset.labels_to_names or {}
    by_label = sorted(summary.samples, key=lambda sample: sample[1])
    contact_sheet.draw(
      [(data, str(names.get(label, label))) for data, label in by_label], sheet
    )
    count = len(summary.samples)
    output.print_line(
      f'\nWrote a sheet of {count} images to {os.path.abspath(sheet)}'
    )


if __name__ == '__main__':
  entry.run(main)
