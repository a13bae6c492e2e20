r"""Download a data set and convert it to TFRecords.

Usage:

  python download_and_convert_data.py \
    --dataset_name=digits \
    --dataset_dir=/tmp/digits

For your own images, in one folder per class:

  python download_and_convert_data.py \
    --dataset_name=folder \
    --image_dir=/data/photos \
    --dataset_dir=/tmp/photos

The folder --dataset_dir then holds the shards, labels.txt with the names of the
classes, and dataset.json with the number of samples. After an interruption, run
the same command again to continue.
"""

from collections.abc import Sequence

from datasets.conversion import registry
from deployment.command_line import entry
from slim_support import flag_fields

flag_fields.define_flags(registry.ConvertConfig)


def main(argv: Sequence[str] = ()) -> None:
  """Check the flags, then convert the data set that they name.

  Args:
    argv: what was left over after the flags; not used.
  """
  del argv
  config = flag_fields.from_flags(registry.ConvertConfig)
  registry.convert(
    config, before_writing=lambda: entry.load('datasets.conversion.encoding')
  )


if __name__ == '__main__':
  entry.run(main)
