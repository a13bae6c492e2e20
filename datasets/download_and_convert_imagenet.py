"""Convert ImageNet ILSVRC2012 to TFRecords, directly from its two archives.

The training archive holds a tar for each of the 1000 WordNet ids, and the
validation archive holds 50,000 JPEGs. They are not unpacked; an index of
offsets is enough. One image is a PNG and 22 are CMYK JPEGs: they become RGB
JPEGs.

Archives in the folder of the data set are used, even if they hold only a part
of the published images. Missing ones are downloaded with the account in the
environment variables IMAGENET_USERNAME and IMAGENET_ACCESS_KEY.
"""

import base64
import functools
import os
import random
import re
import tarfile
from collections.abc import Mapping

from datasets import imagenet, imagenet_boxes
from datasets.conversion import engine, image_split
from datasets.conversion.options import Options
from datasets.downloading import archives, downloads
from datasets.images import worker_pool
from datasets.images.worker import ImageFile
from slim_support import errors, progress

TRAIN_TAR = 'ILSVRC2012_img_train.tar'
VALIDATION_TAR = 'ILSVRC2012_img_val.tar'
BOXES_TAR = 'ILSVRC2012_bbox_train_v2.tar.gz'
BOXES_FOLDER = 'bounding_boxes'
NUM_SHARDS = {'validation': 128, 'train': 1024}
_URL = 'https://image-net.org/data/ILSVRC/2012/'
_SIZES = {TRAIN_TAR: 147897477120, VALIDATION_TAR: 6744924160}
_SHA256 = {
  TRAIN_TAR: 'b08200a27a8e34218a0e58fde36b0fe8f73bc377f4acea2d91602057c3ca45bb',
  VALIDATION_TAR: (
    'c7e06a6c0baccf06d8dbeb6577d71efff84673a5dbdd50633ab44f8ea0456ae0'
  ),
}
_MAX_BYTES = {TRAIN_TAR: 1 << 38, VALIDATION_TAR: 1 << 33}
_SEED = 12345
_VALIDATION_NAME = re.compile(r'ILSVRC2012_val_(\d{8})\.JPEG')


def missing_downloads(dataset_dir: str) -> list[downloads.Download]:
  """Return the archives that are not in the folder.

  Args:
    dataset_dir: the folder of the data set.

  Raises:
    UserError: if an archive is missing and no account is given.
  """
  missing = [
    name
    for name in (TRAIN_TAR, VALIDATION_TAR)
    if not os.path.exists(os.path.join(dataset_dir, name))
  ]
  username = os.environ.get('IMAGENET_USERNAME')
  access_key = os.environ.get('IMAGENET_ACCESS_KEY')
  if missing and not (username and access_key):
    raise errors.UserError(
      f'{dataset_dir} lacks {" and ".join(missing)}. Download them from '
      'https://image-net.org, which needs an account, and place them there; or '
      'set IMAGENET_USERNAME and IMAGENET_ACCESS_KEY and run the same command '
      'again.'
    )
  url = os.environ.get('IMAGENET_URL', _URL).rstrip('/')
  account = base64.b64encode(f'{username}:{access_key}'.encode()).decode()
  return [
    downloads.Download(
      name,
      (f'{url}/{name}',),
      _SIZES[name],
      _SHA256[name],
      authorization=f'Basic {account}',
    )
    for name in missing
  ]


def _index(tar, path: str, start: int) -> list[ImageFile]:
  """Return the locations of the images of an open tar.

  Args:
    tar: the tarfile.TarFile.
    path: the file that contains the tar.
    start: the start of the tar in that file in bytes.
  """
  return [
    ImageFile(
      os.path.basename(member.name),
      path,
      start + member.offset_data,
      member.size,
    )
    for member in archives.safe_members(
      tar, path, max_bytes=_MAX_BYTES[TRAIN_TAR]
    )
    if member.name.upper().endswith('.JPEG')
  ]


def index_train(path: str) -> list[tuple[ImageFile, str]]:
  """Return the training images with their WordNet ids, sorted.

  Args:
    path: the training archive.

  Raises:
    UserError: if the archive is damaged, or holds an unknown WordNet id.
  """
  images = []
  with (
    archives.report_damaged_archive(path),
    tarfile.open(path, 'r:') as outer,
    progress.Progress(f'Indexing {TRAIN_TAR}') as bar,
  ):
    for member in archives.safe_members(
      outer, path, max_bytes=_MAX_BYTES[TRAIN_TAR]
    ):
      synset = os.path.basename(member.name).removesuffix('.tar')
      if not member.name.endswith('.tar'):
        continue
      if synset not in imagenet.synsets():
        raise errors.UserError(
          f'{path}: {member.name} is not one of the 1000 classes of ILSVRC2012.'
        )
      with tarfile.open(fileobj=outer.extractfile(member), mode='r:') as inner:
        files = _index(inner, path, member.offset_data)
      images += [(file, synset) for file in files]
      bar.add(len(files))
  num_synsets = len({synset for unused_file, synset in images})
  if num_synsets < len(imagenet.synsets()):
    print(f'{path} holds images of {num_synsets} of the 1000 classes.')
  return sorted(images)


def index_validation(path: str) -> list[tuple[ImageFile, str]]:
  """Return the validation images with their WordNet ids, sorted.

  Args:
    path: the validation archive.

  Raises:
    UserError: if the archive is damaged, or the name of an image has no number.
  """
  synsets = imagenet.validation_synsets()
  images = []
  with archives.report_damaged_archive(path), tarfile.open(path, 'r:') as tar:
    for file in _index(tar, path, 0):
      match = _VALIDATION_NAME.fullmatch(file.name)
      if not match or not 1 <= int(match[1]) <= len(synsets):
        raise errors.UserError(
          f'{path}: {file.name!r} is not the name of a validation image, '
          'ILSVRC2012_val_00000001.JPEG to ILSVRC2012_val_00050000.JPEG.'
        )
      images.append((file, synsets[int(match[1]) - 1]))
  return sorted(images)


def find_boxes(dataset_dir: str) -> imagenet_boxes.Boxes:
  """Return the bounding boxes in the folder; none if it has no such files.

  Args:
    dataset_dir: the folder of the data set.

  Raises:
    UserError: if a file of bounding boxes cannot be read.
  """
  for name in (BOXES_FOLDER, BOXES_TAR):
    path = os.path.join(dataset_dir, name)
    if os.path.exists(path):
      print(f'Reading bounding boxes from {path}')
      boxes = imagenet_boxes.read_boxes(path)
      print(
        f'Found boxes of {len(boxes.by_image)} images. Dropped '
        f'{boxes.num_dropped} boxes that are empty or outside their image, and '
        f'{boxes.num_damaged} damaged files.'
      )
      return boxes
  print(f'No bounding boxes: {dataset_dir} has no {BOXES_FOLDER}, {BOXES_TAR}.')
  return imagenet_boxes.Boxes({}, 0, 0)


def _extra_features(file: ImageFile, synset: str, label: int, boxes) -> dict:
  found = boxes.by_image.get(os.path.splitext(file.name)[0], [])
  sides = {
    f'image/object/bbox/{side}': [getattr(box, side) for box in found]
    for side in imagenet_boxes.Box._fields
  }
  return {
    **sides,
    'image/object/bbox/label': [label] * len(found),
    'image/colorspace': b'RGB',
    'image/channels': 3,
    'image/class/synset': synset.encode(),
    'image/class/text': imagenet.synsets()[synset].encode(),
    'image/filename': file.name.encode(),
  }


def _open(dataset_dir, num_shards, options, paths, unused_work):
  errors.import_extra('PIL.Image', 'images')  # Fail now, not at the end.
  paths = {
    name: paths.get(name, os.path.join(dataset_dir, name))
    for name in (TRAIN_TAR, VALIDATION_TAR)
  }
  boxes = find_boxes(dataset_dir)
  images = {
    'validation': index_validation(paths[VALIDATION_TAR]),
    'train': index_train(paths[TRAIN_TAR]),
  }
  labels = {synset: label for label, synset in enumerate(imagenet.synsets(), 1)}
  policy = options.image_policy()._replace(only_jpeg=True)
  pool = worker_pool.ImagePool(policy, options.num_workers)
  splits = {}
  for split, members in images.items():
    random.Random(_SEED).shuffle(members)
    synset_of = {file.name: synset for file, synset in members}

    def describe(file, synset_of=synset_of):
      synset = synset_of[file.name]
      label = labels[synset]
      return label, _extra_features(file, synset, label, boxes)

    reader = image_split.ImageSplit(
      pool, [file for file, _ in members], describe
    )
    splits[split] = engine.Split(len(members), reader.read, num_shards[split])
  return engine.OpenedSource(
    imagenet.create_readable_names_for_imagenet_labels(),
    splits,
    fingerprint={name: os.path.getsize(paths[name]) for name in sorted(paths)},
    close=pool.close,
  )


def _shard_name(split: str, index: int, count: int) -> str:
  return f'{split}-{index:05}-of-{count:05}'


def _closing_line(counts) -> str:
  return '\n'.join(
    f'Finished writing all {count} images in data set.'
    for count in counts.values()
  )


def make_source(
  dataset_dir: str,
  options: Options,
  *,
  num_shards: Mapping[str, int] | None = None,
) -> engine.Source:
  """Return the source for the conversion engine.

  Args:
    dataset_dir: the folder that holds the archives and gets the shards.
    options: the user's options.
    num_shards: split -> number of files; None for the published numbers.
  """
  num_shards = num_shards or NUM_SHARDS
  return engine.Source(
    name='imagenet',
    downloads=functools.partial(missing_downloads, dataset_dir),
    open=functools.partial(_open, dataset_dir, num_shards, options),
    shard_name=_shard_name,
    closing_line=_closing_line,
    settings=options.image_settings(),
    keep_intermediate_files=True,
  )


def run(dataset_dir: str, options: Options | None = None) -> None:
  """Convert ImageNet.

  Args:
    dataset_dir: the folder that holds the archives, and the bounding boxes in
      the folder `bounding_boxes` or in `ILSVRC2012_bbox_train_v2.tar.gz`.
    options: the user's options, None for the defaults; downloads are always
      kept.

  Raises:
    UserError: see `engine.convert`.
  """
  options = options or Options()
  engine.convert(make_source(dataset_dir, options), dataset_dir, options)
