r"""Write sample images, one folder for each class, for --dataset_name=folder.

    python scripts/make_sample_images.py --output_dir=/tmp/images

The images are random crops of the two photographs that come with scikit-learn.
Needs the extras `digits` and `images`.
"""

import dataclasses
import random

import _checkout  # noqa: F401  (finds the modules below)

from deployment.command_line import entry
from slim_support import errors, files, flag_fields, targets

_SIDE = 200


@dataclasses.dataclass(frozen=True)
class SampleConfig(flag_fields.Config):
  """How many images to write, and where to."""

  output_dir: str | None = flag_fields.string(
    None, 'Folder to write the folders of images to (required).'
  )
  images_per_class: int = flag_fields.integer(
    50, 'Number of images for each class.', minimum=1, maximum=10_000
  )


flag_fields.define_flags(SampleConfig)


def write_crops(photo: str, folder: str, count: int) -> None:
  """Write random crops of a photograph of scikit-learn.

  Args:
    photo: the file name of the photograph, 'china.jpg' or 'flower.jpg'.
    folder: the folder to write 0.jpg, 1.jpg and so on to.
    count: the number of crops.
  """
  images = errors.import_extra('PIL.Image', 'images')
  samples = errors.import_extra('sklearn.datasets', 'digits')
  image = images.fromarray(samples.load_sample_image(photo))
  place = random.Random(photo)
  for number in range(count):
    x = place.randint(0, image.width - _SIDE)
    y = place.randint(0, image.height - _SIDE)
    crop = image.crop((x, y, x + _SIDE, y + _SIDE))
    with files.replacing(files.join(folder, f'{number}.jpg')) as path:
      crop.save(path, format='JPEG')


def main() -> None:
  """Check the flags, then write the images of both classes."""
  config = flag_fields.from_flags(SampleConfig)
  flag_fields.require(config, 'output_dir', 'Name the folder to write to.')
  for name in ('china', 'flower'):
    folder = files.join(config.output_dir, name)
    targets.make_folder('output_dir', folder)
    write_crops(f'{name}.jpg', folder, config.images_per_class)
  print(
    f'Wrote {config.images_per_class} images of each of 2 classes to '
    f'{config.output_dir}.'
  )


if __name__ == '__main__':
  entry.run(main)
