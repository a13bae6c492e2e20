"""Converts ImageNet ILSVRC2012 to TFRecords, straight from its two tars.

The tar of training images holds a tar for each of the 1000 WordNet ids, that
of validation images 50,000 JPEGs. Neither is unpacked: an index of offsets is
enough. One image is a PNG and 22 are CMYK JPEGs; they become RGB JPEGs.

The tars are used as they lie in the folder, whole or a part of the published
ones. If they are not there they are downloaded with the account that the
environment variables IMAGENET_USERNAME and IMAGENET_ACCESS_KEY name.
"""

import base64
import functools
import os
import random
import re
import tarfile

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
_SEED = 12345
_VALIDATION_NAME = re.compile(r'ILSVRC2012_val_(\d{8})\.JPEG')


def missing_downloads(dataset_dir: str) -> list[downloads.Download]:
  """Returns what has to be downloaded because it is not in the folder.

  Raises:
    UserError: if there is something and no account to download it with.
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
      'https://image-net.org, where an account is needed, and place them '
      'there; or set IMAGENET_USERNAME and IMAGENET_ACCESS_KEY and run the '
      'same command again.'
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
  """Returns where the images of an open tar lie.

  Args:
    tar: the tarfile.TarFile.
    path: the file that it is, or is a part of.
    start: where in that file it starts.
  """
  return [
    ImageFile(
      os.path.basename(member.name),
      path,
      start + member.offset_data,
      member.size,
    )
    for member in archives.safe_members(tar, path)
    if member.name.upper().endswith('.JPEG')
  ]


def index_train(path: str) -> list[tuple[ImageFile, str]]:
  """Returns the training images with their WordNet ids, sorted.

  Raises:
    UserError: if the tar is damaged, or holds an unknown WordNet id.
  """
  images = []
  with (
    archives.report_damaged_archive(path),
    tarfile.open(path, 'r:') as outer,
    progress.Progress(f'Looking through {TRAIN_TAR}') as bar,
  ):
    for member in archives.safe_members(outer, path):
      synset = os.path.basename(member.name).removesuffix('.tar')
      if not member.name.endswith('.tar'):
        continue
      if synset not in imagenet.synsets():
        raise errors.UserError(
          f'{path}: {member.name} is none of the 1000 classes of ILSVRC2012.'
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
  """Returns the validation images with their WordNet ids, sorted.

  Raises:
    UserError: if the tar is damaged, or an image's name has no number.
  """
  synsets = imagenet.validation_synsets()
  images = []
  with archives.report_damaged_archive(path), tarfile.open(path, 'r:') as tar:
    for file in _index(tar, path, 0):
      match = _VALIDATION_NAME.fullmatch(file.name)
      if not match or not 1 <= int(match[1]) <= len(synsets):
        raise errors.UserError(
          f'{path}: {file.name!r} is not named like a validation image, '
          'ILSVRC2012_val_00000001.JPEG to ILSVRC2012_val_00050000.JPEG.'
        )
      images.append((file, synsets[int(match[1]) - 1]))
  return sorted(images)


def find_boxes(dataset_dir: str) -> imagenet_boxes.Boxes:
  """Returns the bounding boxes that lie in the folder, if any do."""
  for name in (BOXES_FOLDER, BOXES_TAR):
    path = os.path.join(dataset_dir, name)
    if os.path.exists(path):
      print(f'Reading bounding boxes from {path}')
      boxes = imagenet_boxes.read_boxes(path)
      print(
        f'Found boxes of {len(boxes.by_image)} images; dropped '
        f'{boxes.num_dropped} boxes that are empty or outside of their image, '
        f'and {boxes.num_damaged} damaged files.'
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
  errors.import_extra('PIL.Image', 'images')  # wanted at the very end
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
  return engine.Content(
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
  dataset_dir: str, options: Options, *, num_shards=None
) -> engine.Source:
  """Returns the source.

  Args:
    dataset_dir: the folder that holds the tars and gets the shards.
    options: what the user asked for.
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
    keeps_finished=True,
  )


def run(dataset_dir: str, options: Options | None = None):
  """Converts ImageNet.

  Args:
    dataset_dir: the folder that holds the tars, and bounding boxes in the
      folder `bounding_boxes` or as `ILSVRC2012_bbox_train_v2.tar.gz`.
    options: None for the usual ones; downloads are always kept.
  """
  options = options or Options()
  engine.convert(make_source(dataset_dir, options), dataset_dir, options)
