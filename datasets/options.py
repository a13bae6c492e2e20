"""What a user may ask of a conversion; each field is a flag of that name."""

import dataclasses
from collections.abc import Callable

from datasets import downloads, image_worker


def _field(default, text: str):
  return dataclasses.field(default=default, metadata={'help': text})


@dataclasses.dataclass(frozen=True)
class Options:
  """What a user may ask of a conversion; see the texts of the fields.

  Two have no flag: `patience`, how long to wait for servers, and
  `before_writing`, which is called before TensorFlow is needed.
  """

  image_dir: str | None = _field(
    None, 'The folder that holds one folder of images a class.'
  )
  validation_fraction: float = _field(
    0.1, 'How much of each class is kept for validation, from 0 to below 1.'
  )
  num_shards: int | None = _field(
    None,
    'Into how many files a split is written; by default 5 for flowers, and '
    'one a thousand images for a folder.',
  )
  image_max_side: int | None = _field(
    None, 'Shrink images whose longer side has more pixels than this.'
  )
  max_image_pixels: int = _field(
    image_worker.MAX_IMAGE_PIXELS,
    'An image of more pixels is bad: it may be made to fill the memory.',
  )
  skip_bad_images: bool = _field(
    False,
    'Leave bad images out and list them in bad_images.txt, instead of '
    'stopping with the list.',
  )
  keep_downloads: bool = _field(
    False, 'Leave downloaded archives in --dataset_dir.'
  )
  num_workers: int | None = _field(
    None, 'How many processes look at images; by default one a processor.'
  )
  patience: downloads.Patience = downloads.Patience()
  before_writing: Callable[[], object] | None = None

  def image_policy(self) -> image_worker.Policy:
    """Returns what is asked of image files."""
    return image_worker.Policy(self.max_image_pixels, self.image_max_side)

  def image_settings(self) -> dict:
    """Returns the settings that change how images are stored."""
    return {
      'image_max_side': self.image_max_side,
      'max_image_pixels': self.max_image_pixels,
    }
