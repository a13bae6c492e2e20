"""Options of a conversion; each field is a flag with the same name."""

import dataclasses
from collections.abc import Callable

from datasets.downloading import downloads
from datasets.images import worker
from slim_support import flag_fields
from slim_support.flag_fields import boolean, float_, integer, string


@dataclasses.dataclass(frozen=True)
class Options(flag_fields.Config):
  """Options of a conversion; the help texts describe them.

  Two fields have no flag: `retry_policy`, for downloads, and `before_writing`,
  which is called before TensorFlow is needed.
  """

  keep_downloads: bool = boolean(
    False,
    'Keep the downloaded archives in --dataset_dir.',
    group='Downloads and processes',
  )
  num_workers: int | None = integer(
    None,
    'Number of processes that read images; one for each core by default.',
    minimum=1,
    maximum=4096,
  )
  num_shards: int | None = integer(
    None,
    'Number of files for each split; 5 for flowers and one per 1,000 images '
    'for a folder by default.',
    minimum=1,
    maximum=100_000,
    group='Images (flowers, folder, imagenet)',
  )
  image_max_side: int | None = integer(
    None,
    'Shrink images whose longer side has more pixels than this.',
    minimum=1,
  )
  max_image_pixels: int = integer(
    worker.MAX_IMAGE_PIXELS,
    'Treat images with more pixels as bad images, because decoding them could '
    'fill the memory.',
    minimum=1,
  )
  skip_bad_images: bool = boolean(
    False,
    'Leave bad images out and list them in bad_images.txt, instead of '
    'stopping with the list.',
  )
  image_dir: str | None = string(
    None,
    'Folder that holds one folder of images for each class (required).',
    group='Your own images (folder)',
  )
  validation_fraction: float = float_(
    0.1, 'Share of each class to keep for validation.', minimum=0, maximum=1
  )
  retry_policy: downloads.RetryPolicy = downloads.RetryPolicy()
  before_writing: Callable[[], object] | None = None

  def image_policy(self) -> worker.Policy:
    """Return the requirements that image files must meet."""
    return worker.Policy(self.max_image_pixels, self.image_max_side)

  def image_settings(self) -> dict[str, int | None]:
    """Return the options that change how images are stored."""
    return {
      'image_max_side': self.image_max_side,
      'max_image_pixels': self.max_image_pixels,
    }
