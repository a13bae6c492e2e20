"""Converts a folder of your own images to TFRecords.

The folder holds one folder a class, with images in it or in folders below it.
"""

import functools
import hashlib
import os

from datasets import converted
from datasets.conversion import engine, image_split, shards
from datasets.conversion.shards import Rejected
from datasets.images import folders, worker_pool
from slim_support import errors

_TRAIN, _VALIDATION = 'train', 'validation'


def split_images(images, fraction: float, settled=None) -> tuple[dict, dict]:
  """Splits images into some to train and some to validate on.

  Where an image goes depends on its own name alone, so that it stays there
  when others are added. Only where that would leave a class out of one of the
  splits, one image is moved.

  Args:
    images: `image_folders.FoundImage`s.
    fraction: how much of each class is for validation.
    settled: key -> split of the images moved by an earlier conversion; they
      stay where they are.

  Returns:
    split -> images in random order; and key -> split of the moved images.
  """
  settled = settled or {}
  by_class, splits, moved = {}, {_TRAIN: [], _VALIDATION: []}, {}
  for image in sorted(images, key=lambda image: image.place):
    by_class.setdefault(image.class_name, []).append(image)
  for members in by_class.values():
    where = {
      image.key: _VALIDATION if image.place < fraction else _TRAIN
      for image in members
    }
    changes = {key: settled[key] for key in where if key in settled}
    where.update(changes)
    used = set(where.values())
    if used == {_TRAIN} and fraction > 0 and len(members) > 1:
      changes[members[0].key] = _VALIDATION
    elif used == {_VALIDATION}:
      changes[members[-1].key] = _TRAIN
    where.update(changes)
    moved.update(changes)
    for image in members:
      splits[where[image.key]].append(image)
  for part in splits.values():
    part.sort(key=lambda image: image.place)
  return splits, moved


def _fingerprint(images) -> str:
  """Returns a digest of the names and lengths of all images."""
  digest = hashlib.sha256()
  for image in images:
    line = f'{image.key}\0{image.length}\n'
    digest.update(line.encode('utf-8', 'surrogateescape'))
  return digest.hexdigest()


def _settled(dataset_dir: str) -> dict:
  """Returns which images an earlier conversion in the folder moved."""
  written = converted.read_metadata(dataset_dir)
  return (written or {}).get('moved', {})


def _look(image_dir: str) -> folders.Findings:
  """Returns what the folder holds, and says what is odd about it."""
  findings = folders.find(image_dir)
  if not findings.images:
    raise errors.UserError(
      f'{image_dir} holds no images: each class needs a folder with JPEGs or '
      'PNGs in it.'
    )
  if findings.ignored:
    print(
      f'Passed over {len(findings.ignored)} files that are not images, for '
      f'instance {findings.ignored[0]!r}.'
    )
  class_names = {image.class_name for image in findings.images}
  if len(class_names) == 1:
    print(f'There is only one class, {class_names.pop()!r}: nothing to learn.')
  return findings


def _open(options, unused_paths, work_folder) -> engine.Content:
  images, broken, _ = _look(options.image_dir)
  class_names = sorted({image.class_name for image in images})
  labels = {name: label for label, name in enumerate(class_names)}
  splits, moved = split_images(
    images,
    options.validation_fraction,
    _settled(os.path.dirname(work_folder)),
  )
  pool = worker_pool.ImagePool(options.image_policy(), options.num_workers)
  describe = functools.partial(
    _describe, {image.file.name: labels[image.class_name] for image in images}
  )
  readers = {}
  for split, part in splits.items():
    if part:
      files = [image.file for image in part]
      readers[split] = engine.Split(
        len(part),
        image_split.ImageSplit(pool, files, describe).read,
        shards.num_shards(options.num_shards, len(part)),
      )
  return engine.Content(
    dict(enumerate(class_names)),
    readers,
    fingerprint={'images': _fingerprint(images)},
    metadata={'moved': moved},
    rejected=[Rejected(*fault) for fault in broken],
    newest=max(image.changed for image in images),
    close=pool.close,
  )


def _describe(label_of: dict, file) -> tuple[int, dict]:
  """Returns the label and the extra features of an image."""
  filename = file.name.encode('utf-8', 'backslashreplace')
  return label_of[file.name], {'image/filename': filename}


def _check(dataset_dir: str, options):
  """Raises UserError for settings that cannot work."""
  if not options.image_dir:
    raise errors.UserError(
      '--image_dir is missing: the folder that holds one folder of images a '
      'class.'
    )
  if not 0 <= options.validation_fraction < 1:
    raise errors.UserError(
      f'--validation_fraction={options.validation_fraction} is not from 0 to '
      'below 1.'
    )
  inner = os.path.realpath(dataset_dir)
  outer = os.path.realpath(options.image_dir)
  if inner.startswith(outer.rstrip(os.sep) + os.sep):
    raise errors.UserError(
      f'--dataset_dir={dataset_dir} lies in --image_dir={options.image_dir}, '
      'where its folders would be taken for classes: choose another.'
    )


def run(dataset_dir: str, options):
  """Converts a folder of images.

  Args:
    dataset_dir: the folder to write to.
    options: `conversion.Options` with its `image_dir`.

  Raises:
    UserError: as `conversion.convert`, and for settings that cannot work.
  """
  _check(dataset_dir, options)
  source = engine.Source(
    name='folder',
    open=functools.partial(_open, options),
    shard_name=shards.numbered_names('folder'),
    settings={
      **options.image_settings(),
      'validation_fraction': options.validation_fraction,
    },
    is_fixed=False,
  )
  engine.convert(source, dataset_dir, options)
