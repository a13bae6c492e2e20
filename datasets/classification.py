"""The description of a classification data set.

The module of a data set defines one `ClassificationSpec`. Importing this module
does not import TensorFlow, so that names, splits and sizes are known at once.
"""

import dataclasses
from typing import Any

from datasets import specification


@dataclasses.dataclass(frozen=True)
class ClassificationSpec(specification.DatasetSpec):
  """A data set of images with one label each, stored in TFRecord files.

  See `DatasetSpec` for the attributes.
  """

  def get_split(
    self,
    split_name: str,
    dataset_dir: str,
    file_pattern: str | None = None,
    reader: Any = None,
  ) -> Any:
    """Return one split as a tf-slim `Dataset`, without network access.

    Args:
      split_name: the name of the split, for instance 'train'; see `splits`.
      dataset_dir: the folder that holds the converted files.
      file_pattern: the files to read instead of the usual ones, relative to
        `dataset_dir`; a `%s` in it stands for the split.
      reader: the TensorFlow reader class; None for tf.TFRecordReader.

    Returns:
      A `Dataset` with the usual fields, and with `name`, `split_name`,
      `dataset_dir`, `channels`, `image_shape`, `image_key`, `format_key` and
      `label_key`.

    Raises:
      UserError: if the split is unknown, or if the folder or its files are
        missing, damaged or unreadable.
    """
    from datasets import slim_dataset

    return slim_dataset.make_dataset(
      self, split_name, dataset_dir, file_pattern=file_pattern, reader=reader
    )
