r"""Downloads a data set and converts it to TFRecords.

Usage:

  python download_and_convert_data.py \
    --dataset_name=digits \
    --dataset_dir=/tmp/digits

The folder then holds the shards, labels.txt with the names of the classes, and
dataset.json with the number of samples. Run again, the command finds it done;
interrupted, it goes on where it was.
"""

from absl import app, flags

from datasets import converters

FLAGS = flags.FLAGS

converters.define_flags(flags)


def main(unused_argv):
  """Converts the data set that the flags name."""
  converters.run_from_flags(FLAGS)


if __name__ == '__main__':
  app.run(main)
