"""Convert a folder of your own images to TFRecords.

The folder holds one folder per class, with the images in it or in folders below
it.
"""

import functools
import hashlib
import os
from collections.abc import Iterable, Mapping

from datasets import converted
from datasets.conversion import engine, image_split, shards
from datasets.conversion.shards import RejectedImage
from datasets.images import folders, worker_pool
from slim_support import errors

_TRAIN, _VALIDATION = 'train', 'validation'


def split_images(
  images: Iterable[folders.FoundImage],
  fraction: float,
  earlier_moves: Mapping[str, str] | None = None,
) -> tuple[dict[str, list[folders.FoundImage]], dict[str, str]]:
  """Split images into training and validation images.

  The split of an image depends on its own name alone, so that it stays the same
  when other images are added. The exception is a class that would be missing in
  one of the splits: then one of its images is moved there.

  Args:
    images: the images of all classes.
    fraction: the share of each class for validation, in [0, 1).
    earlier_moves: key -> split of the images that an earlier conversion moved;
      they stay in that split.

  Returns:
    A dict split -> images in random order, and a dict key -> split of the moved
    images.
  """
  earlier_moves = earlier_moves or {}
  by_class, splits, moved = {}, {_TRAIN: [], _VALIDATION: []}, {}
  for image in sorted(images, key=lambda image: image.split_position):
    by_class.setdefault(image.class_name, []).append(image)
  for members in by_class.values():
    where = {
      image.key: _VALIDATION if image.split_position < fraction else _TRAIN
      for image in members
    }
    changes = {
      key: earlier_moves[key]
      for key in where
      if earlier_moves.get(key) in splits
    }
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
    part.sort(key=lambda image: image.split_position)
  return splits, moved


def _fingerprint(images) -> str:
  """Return a checksum of the names and lengths of all images."""
  digest = hashlib.sha256()
  for image in images:
    line = f'{image.key}\0{image.num_bytes}\n'
    digest.update(line.encode('utf-8', 'surrogateescape'))
  return digest.hexdigest()


def _earlier_moves(dataset_dir: str) -> dict[str, str]:
  """Return key -> split of the images that an earlier conversion moved."""
  metadata = converted.read_metadata(dataset_dir)
  return (metadata or {}).get('moved', {})


def _find_images(image_dir: str) -> folders.FolderContents:
  """Return the contents of the folder; print a warning where it is unusual."""
  contents = folders.find(image_dir)
  if not contents.images:
    raise errors.UserError(
      f'{image_dir} holds no images. Put the JPEG or PNG images of each class '
      'into a folder of its own.'
    )
  if contents.ignored:
    print(
      f'Ignoring {len(contents.ignored)} files that are not images, for '
      f'instance {contents.ignored[0]!r}.'
    )
  class_names = {image.class_name for image in contents.images}
  if len(class_names) == 1:
    print(
      f'There is only one class, {class_names.pop()!r}, so there is nothing '
      'to learn.'
    )
  return contents


def _open(options, unused_paths, work_folder) -> engine.OpenedSource:
  images, unreadable, _ = _find_images(options.image_dir)
  class_names = sorted({image.class_name for image in images})
  labels = {name: label for label, name in enumerate(class_names)}
  splits, moved = split_images(
    images,
    options.validation_fraction,
    _earlier_moves(os.path.dirname(work_folder)),
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
  return engine.OpenedSource(
    dict(enumerate(class_names)),
    readers,
    fingerprint={'images': _fingerprint(images)},
    extra_metadata={'moved': moved},
    rejected=[RejectedImage(*fault) for fault in unreadable],
    modified_secs=max(image.modified_secs for image in images),
    close=pool.close,
  )


def _describe(label_of: dict, file) -> tuple[int, dict]:
  """Return the label and the extra features of an image."""
  filename = file.name.encode('utf-8', 'backslashreplace')
  return label_of[file.name], {'image/filename': filename}


def _check(dataset_dir: str, options: engine.Options) -> None:
  """Raise UserError for options that cannot work."""
  if not options.image_dir:
    raise errors.UserError(
      '--image_dir is missing. Name the folder that holds one folder of images '
      'for each class.'
    )
  if options.validation_fraction >= 1:
    raise errors.UserError(
      f'--validation_fraction={options.validation_fraction}: must be less '
      'than 1.'
    )
  inner = os.path.realpath(dataset_dir)
  outer = os.path.realpath(options.image_dir)
  if inner.startswith(outer.rstrip(os.sep) + os.sep):
    raise errors.UserError(
      f'--dataset_dir={dataset_dir} is inside --image_dir={options.image_dir}, '
      'where it would be taken for a class. Use another folder.'
    )


def run(dataset_dir: str, options: engine.Options) -> None:
  """Convert a folder of images.

  Args:
    dataset_dir: the folder to write to.
    options: the user's options; `image_dir` is required.

  Raises:
    UserError: see `engine.convert`; also if options cannot work.
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
    input_can_change=True,
  )
  engine.convert(source, dataset_dir, options)
