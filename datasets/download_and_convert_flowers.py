"""Download the flower photographs and convert them to TFRecords."""

import functools
import os
import random
import tarfile
from typing import Any

from datasets.conversion import engine, image_split, shards
from datasets.downloading import archives, downloads
from datasets.images import worker_pool
from datasets.images.worker import ImageFile
from slim_support import errors

DOWNLOAD = downloads.Download(
  'flower_photos.tgz',
  (
    'https://storage.googleapis.com/download.tensorflow.org/example_images/'
    'flower_photos.tgz',
    'http://download.tensorflow.org/example_images/flower_photos.tgz',
  ),
  228813984,
  '4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c',
)
NUM_VALIDATION = 350
_NUM_SHARDS = 5
_SEED = 0
_MAX_BYTES = 1 << 30  # The published archive unpacks to a quarter of it.
_MAX_MEMBERS = 100_000


def find_images(tar_path: str) -> dict[str, list[ImageFile]]:
  """Return class name -> its images, both sorted.

  Args:
    tar_path: an uncompressed tar with files like `TOP/CLASS/NAME.jpg`.

  Raises:
    UserError: if the archive is damaged or holds no photographs.
  """
  images = {}
  with (
    archives.report_damaged_archive(tar_path),
    tarfile.open(tar_path, 'r:') as tar,
  ):
    for member in archives.safe_members(
      tar, tar_path, max_bytes=_MAX_BYTES, max_members=_MAX_MEMBERS
    ):
      *folders, filename = member.name.removeprefix('./').split('/')
      if len(folders) == 2 and filename.lower().endswith(('.jpg', '.jpeg')):
        name = f'{folders[1]}/{filename}'
        images.setdefault(folders[1], []).append(
          ImageFile(name, tar_path, member.offset_data, member.size)
        )
  if not images:
    raise errors.UserError(
      f'{tar_path} holds no class folders with photographs.'
    )
  return {name: sorted(images[name]) for name in sorted(images)}


def _open(download, num_validation, options, paths, work_folder):
  tar_path = os.path.join(work_folder, 'flower_photos.tar')
  if not os.path.exists(tar_path):
    print(f'Unpacking {download.filename}')
    archives.unpack_gzip(paths[download.filename], tar_path, _MAX_BYTES)
  images = find_images(tar_path)
  labels = {name: label for label, name in enumerate(images)}
  # Sort before shuffling, so that the split is the same on every machine.
  files = [file for name in images for file in images[name]]
  random.Random(_SEED).shuffle(files)
  splits = {
    'train': files[num_validation:],
    'validation': files[:num_validation],
  }
  pool = worker_pool.ImagePool(options.image_policy(), options.num_workers)

  def describe(file):
    return labels[file.name.split('/')[0]], None

  return engine.OpenedSource(
    {label: name for name, label in labels.items()},
    {
      split: engine.Split(
        len(part),
        image_split.ImageSplit(pool, part, describe).read,
        shards.num_shards(options.num_shards or _NUM_SHARDS, len(part)),
      )
      for split, part in splits.items()
    },
    close=pool.close,
  )


def make_source(
  options: engine.Options | None = None,
  *,
  download: downloads.Download = DOWNLOAD,
  num_validation: int = NUM_VALIDATION,
) -> engine.Source:
  """Return the source for the conversion engine.

  Args:
    options: the user's options; None for the defaults.
    download: the archive.
    num_validation: number of images for validation.
  """
  options = options or engine.Options()
  return engine.Source(
    name='flowers',
    downloads=(download,),
    open=functools.partial(_open, download, num_validation, options),
    shard_name=shards.numbered_names('flowers'),
    settings=options.image_settings(),
  )


def run(dataset_dir: str, options: engine.Options | None = None) -> None:
  """Download the photographs and convert them.

  Args:
    dataset_dir: the folder to write to.
    options: the user's options; None for the defaults.

  Raises:
    UserError: see `engine.convert`.
  """
  engine.convert(make_source(options), dataset_dir, options)


class ImageReader:
  """A decoder of JPEG images in a TensorFlow session, for other programs.

  The conversion itself reads the sizes from the headers of the files.
  """

  def __init__(self):
    import tensorflow.compat.v1 as tf

    self._data = tf.placeholder(dtype=tf.string)
    self._image = tf.image.decode_jpeg(self._data, channels=3)

  def read_image_dims(self, sess: Any, image_data: bytes) -> tuple[int, int]:
    """Return the height and width of a JPEG image in pixels.

    Args:
      sess: a TensorFlow session.
      image_data: the contents of the file.
    """
    image = self.decode_jpeg(sess, image_data)
    return image.shape[0], image.shape[1]

  def decode_jpeg(self, sess: Any, image_data: bytes) -> Any:
    """Return the decoded image, uint8 [height, width, 3].

    Args:
      sess: a TensorFlow session.
      image_data: the contents of the file.
    """
    return sess.run(self._image, feed_dict={self._data: image_data})
