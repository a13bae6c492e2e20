"""What a classification data set is, and its way into a tf-slim Dataset.

A data set's module is one `ClassificationSpec`. Importing this module does not
import TensorFlow, so that names, splits and counts answer at once.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

_CONVERTER = 'download_and_convert_data.py'


@dataclasses.dataclass(frozen=True)
class ClassificationSpec:
  """Images with one label each, in TFRecord files.

  Attributes:
    name: the name of the data set, as in `--dataset_name`.
    splits: split -> the published number of samples, None if it varies.
    num_classes: the published number of classes, None if it varies.
    channels: what images are decoded to, 1 (grayscale) or 3 (RGB).
    image_size: height and width where all images share them, else None.
    file_patterns: file name patterns with `%s` for the split, the one that
      this library writes first, older ones after it.
    descriptions: item -> what it is, in words.
    command: the command that makes the files; `{dataset_dir}` is filled in.
    items: a function that adds keys_to_features and items_to_handlers, for
      data sets with more than an image and a label; called with slim and tf.
    labels_to_names: a function that names the labels if there is no
      labels.txt, or None.
  """

  name: str
  splits: Mapping[str, int | None]
  num_classes: int | None
  channels: int = 3
  image_size: tuple[int, int] | None = None
  file_patterns: tuple[str, ...] = ()
  descriptions: Mapping[str, str] = dataclasses.field(
    default_factory=lambda: {
      'image': 'An image of varying size, uint8.',
      'label': 'The class, an integer.',
    }
  )
  command: str = ''
  items: Any = None
  labels_to_names: Any = None

  def get_split(self, split_name, dataset_dir, file_pattern=None, reader=None):
    """Returns one split as a tf-slim `Dataset`. Reads no network.

    Args:
      split_name: for instance 'train'; the known ones are in `splits`.
      dataset_dir: the folder that holds the converted files.
      file_pattern: which files to read instead of the known names, relative to
        `dataset_dir`; a `%s` in it stands for the split.
      reader: the TensorFlow reader class, tf.TFRecordReader if None.

    Returns:
      A `Dataset` with the usual fields, and `name`, `split_name`,
      `dataset_dir`, `channels`, `image_shape`, `image_key`, `format_key`,
      `label_key`.

    Raises:
      UserError: if the split is unknown, or the folder or its files are not
        there or not whole.
    """
    from datasets import slim_dataset

    return slim_dataset.make(
      self, split_name, dataset_dir, file_pattern=file_pattern, reader=reader
    )

  def how_to_make(self, dataset_dir) -> str:
    """Returns the sentence with the command that makes the files."""
    command = self.command or (
      f'python {_CONVERTER} --dataset_name={self.name} '
      '--dataset_dir={dataset_dir}'
    )
    return f'Make it with: {command.format(dataset_dir=dataset_dir or "DIR")}'
