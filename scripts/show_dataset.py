r"""Shows what a converted data set holds.

    python scripts/show_dataset.py \
      --dataset_name=flowers \
      --dataset_dir=/tmp/flowers \
      --split=train

Prints the number of images of each class, their sizes and formats, and writes
a sheet of some of them with their labels, drawn by chance but always the same.
"""

import os

import _checkout  # noqa: F401  (finds the modules below)
from absl import flags

from datasets import dataset_factory
from deployment import cli

FLAGS = flags.FLAGS
flags.DEFINE_string(
  'dataset_name',
  None,
  f'The data set: {", ".join(dataset_factory.dataset_names())}.',
)
flags.DEFINE_string('dataset_dir', None, 'The folder of its files.')
flags.DEFINE_string('split', 'train', 'The split to show.')
flags.DEFINE_string(
  'file_pattern', None, 'Which files to read instead of the usual ones.'
)
flags.DEFINE_integer(
  'num_images', 48, 'How many images the sheet shows.', lower_bound=1
)
flags.DEFINE_string(
  'sheet',
  None,
  'Where to write the sheet; by default NAME_SPLIT.png in the current folder, '
  'and nowhere if empty.',
)


def main():
  """Checks the flags, then reads the split."""
  name, split = FLAGS.dataset_name or '', FLAGS.split
  dataset_factory.check_dataset(
    name, split, FLAGS.dataset_dir, FLAGS.file_pattern
  )
  report_lib = cli.load('datasets.report')
  dataset = dataset_factory.get_dataset(
    name, split, FLAGS.dataset_dir, FLAGS.file_pattern
  )
  report = report_lib.read(dataset, FLAGS.num_images)
  print(report_lib.describe(report, dataset))
  sheet = f'{name}_{split}.png' if FLAGS.sheet is None else FLAGS.sheet
  if sheet:
    report_lib.draw_sheet(report, dataset, sheet)
    print(
      f'\nA sheet of {len(report.samples)} images: {os.path.abspath(sheet)}'
    )


if __name__ == '__main__':
  cli.run(main)
