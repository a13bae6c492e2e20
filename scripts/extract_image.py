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

import _checkout  # noqa: F401  (finds the modules below)

from datasets import dataset_factory
from deployment.command_line import data_config, entry
from slim_support import files, flag_fields


@dataclasses.dataclass(frozen=True)
class ExtractConfig(flag_fields.Config):
  """Which image goes where."""

  dataset_name: str = flag_fields.with_default(
    data_config.DataConfig, 'dataset_name', 'digits'
  )
  dataset_split_name: str = flag_fields.with_default(
    data_config.DataConfig, 'dataset_split_name', 'test'
  )
  dataset_dir: str = flag_fields.with_default(
    data_config.DataConfig, 'dataset_dir', None
  )
  index: int = flag_fields.integer(0, 'Number of the image, from 0.', minimum=0)
  output_dir: str = flag_fields.string('.', 'Folder to write the image to.')


flag_fields.define_flags(ExtractConfig)


def main():
  """Finds the record and writes its image."""
  options = flag_fields.from_flags(ExtractConfig)
  dataset_factory.check_dataset(
    options.dataset_name, options.dataset_split_name, options.dataset_dir
  )
  files.make_folder('output_dir', options.output_dir)
  reading = entry.load('datasets.reading')
  split, index = options.dataset_split_name, options.index
  dataset = dataset_factory.get_dataset(
    options.dataset_name, split, options.dataset_dir
  )
  record = reading.record_at(dataset, index)
  name = f'{split}-{index}-label-{record.label}.{record.image_format}'
  path = files.join(options.output_dir, name)
  files.write(path, record.encoded)
  print(path)


if __name__ == '__main__':
  entry.run(main)
