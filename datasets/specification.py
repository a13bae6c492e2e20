"""The properties of a data set that are known before its files are read."""

import dataclasses
import shlex
from collections.abc import Callable, Mapping

_CONVERTER = 'download_and_convert_data.py'


@dataclasses.dataclass(frozen=True)
class DatasetSpec:
  """A data set of images with one label each, stored in TFRecord files.

  Attributes:
    name: the name of the data set, as in `--dataset_name`.
    splits: split -> the published number of samples, None if it varies.
    num_classes: the published number of classes, None if it varies.
    channels: the channels that images are decoded to, 1 (gray) or 3 (RGB).
    image_size: (height, width) in pixels if all images share them, else None.
    file_patterns: file name patterns with `%s` for the split. The first is the
      one that this library writes, the others are older ones.
    descriptions: item -> what it is, in words.
    conversion_command: the command that makes the files, with `{dataset_dir}`
      for the folder; empty for download_and_convert_data.py, None if this
      library cannot make them.
    add_items: add_items(keys_to_features, items_to_handlers) adds what the
      records hold beside an image and a label; None if there is nothing.
    default_class_names: returns label -> name for folders without labels.txt;
      None if the names are not known.
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
  conversion_command: str | None = ''
  add_items: Callable[[dict, dict], None] | None = None
  default_class_names: Callable[[], dict[int, str] | None] | None = None

  def conversion_hint(self, dataset_dir: str | None) -> str:
    """Return the sentence with the command that makes the files.

    Args:
      dataset_dir: the folder of the data set; None or empty for 'DIR'.
    """
    if self.conversion_command is None:
      return 'Use --dataset_dir with the folder that holds its files.'
    command = self.conversion_command or (
      f'python {_CONVERTER} --dataset_name={self.name} '
      '--dataset_dir={dataset_dir}'
    )
    folder = shlex.quote(dataset_dir) if dataset_dir else 'DIR'
    return f'Make it with `{command.replace("{dataset_dir}", folder)}`.'
