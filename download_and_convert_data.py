r"""Downloads a data set and converts it to TFRecords.

Usage:

  python download_and_convert_data.py \
    --dataset_name=digits \
    --dataset_dir=/tmp/digits

A folder of your own images, one folder a class:

  python download_and_convert_data.py \
    --dataset_name=folder \
    --image_dir=/data/photos \
    --dataset_dir=/tmp/photos

The data set's folder then holds the shards, labels.txt with the names of the
classes, and dataset.json with the number of samples. Run again, the command
finds it done; interrupted, it goes on where it was.
"""

from absl import flags

from datasets import converters
from deployment import cli

converters.define_flags()


def main():
  """Converts the data set that the flags name."""
  converters.run_from_flags(
    flags.FLAGS, before_writing=lambda: cli.load('datasets.records')
  )


if __name__ == '__main__':
  cli.run(main)
