r"""Writes one image of a converted data set to a file and prints its path.

    python scripts/extract_image.py \
      --dataset_name=digits \
      --dataset_split_name=test \
      --dataset_dir=/tmp/digits \
      --index=0 \
      --output_dir=/tmp

The name of the file says the split, the index and the label.
"""

import dataclasses
import os

import _checkout  # noqa: F401  (finds the modules below)

from datasets import dataset_factory
from deployment import cli, config, flag_fields


@dataclasses.dataclass(frozen=True)
class ExtractConfig(flag_fields.Config):
  """Which image goes where."""

  dataset_name: str = flag_fields.other_default(
    config.DataConfig, 'dataset_name', 'digits'
  )
  dataset_split_name: str = flag_fields.other_default(
    config.DataConfig, 'dataset_split_name', 'test'
  )
  dataset_dir: str = flag_fields.other_default(
    config.DataConfig, 'dataset_dir', None
  )
  index: int = flag_fields.integer(0, 'Number of the image, from 0.', least=0)
  output_dir: str = flag_fields.text('.', 'Folder to write the image to.')


flag_fields.define_flags(ExtractConfig)


def main():
  """Finds the record and writes its image."""
  options = flag_fields.from_flags(ExtractConfig)
  dataset_factory.check_dataset(
    options.dataset_name, options.dataset_split_name, options.dataset_dir
  )
  record = cli.load('deployment.sample_images').record(options)
  split, index = options.dataset_split_name, options.index
  name = f'{split}-{index}-label-{record.label}.{record.format}'
  path = os.path.join(options.output_dir, name)
  with open(path, 'wb') as file:
    file.write(record.encoded)
  print(path)


if __name__ == '__main__':
  cli.run(main)
