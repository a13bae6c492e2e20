r"""Write one image of a converted data set to a file and print its path.

    python scripts/extract_image.py \
      --dataset_name=digits \
      --dataset_split_name=test \
      --dataset_dir=/tmp/digits \
      --index=0 \
      --output_dir=/tmp

The name of the file states the split, the index and the label.
"""

import dataclasses
import re

import _checkout  # noqa: F401  (finds the modules below)

from datasets import dataset_factory
from datasets.images import headers
from deployment.command_line import data_config, entry
from slim_support import files, flag_fields, output, targets


@dataclasses.dataclass(frozen=True)
class ExtractConfig(flag_fields.Config):
  """The image to write, and the folder to write it to."""

  dataset_name: str = flag_fields.with_default(
    data_config.DataConfig, 'dataset_name', 'digits'
  )
  dataset_split_name: str = flag_fields.with_default(
    data_config.DataConfig, 'dataset_split_name', 'test'
  )
  dataset_dir: str = flag_fields.with_default(
    data_config.DataConfig, 'dataset_dir', None
  )
  index: int = flag_fields.integer(
    0, 'Number of the image, counted from 0.', minimum=0
  )
  output_dir: str = flag_fields.string('.', 'Folder to write the image to.')


flag_fields.define_flags(ExtractConfig)


def main() -> None:
  """Check the flags, then find the record and write its image."""
  options = flag_fields.from_flags(ExtractConfig)
  dataset_factory.check_dataset(
    options.dataset_name, options.dataset_split_name, options.dataset_dir
  )
  targets.make_folder('output_dir', options.output_dir)
  reading = entry.load('datasets.reading')
  split, index = options.dataset_split_name, options.index
  dataset = dataset_factory.get_dataset(
    options.dataset_name, split, options.dataset_dir
  )
  record = reading.record_at(dataset, index)
  # The format that the record states is not trusted in the name of a file.
  extension = headers.sniff(record.encoded) or 'bin'
  split = re.sub(r'[^\w.-]', '_', split)
  path = files.join(
    options.output_dir, f'{split}-{index}-label-{record.label}.{extension}'
  )
  try:
    files.write(path, record.encoded)
  except OSError as error:
    raise files.cannot_write(path, error) from error
  output.print_line(path)


if __name__ == '__main__':
  entry.run(main)
