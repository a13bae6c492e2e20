"""Find the images in a folder that holds one folder per class."""

import hashlib
import os
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from datasets.images import headers
from datasets.images.worker import ImageFile
from slim_support import errors

_EXTENSIONS = (
  '.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.gif', '.bmp', '.webp', '.tif',
  '.tiff',
)  # fmt: skip
_SYSTEM_FILES = {'thumbs.db', 'desktop.ini', '__macosx'}


class FoundImage(NamedTuple):
  """An image of a class.

  Attributes:
    file: the location; its name is relative to the folder of all classes.
    class_name: the class.
    key: the name in a form that is the same on all systems.
    split_position: a number in [0, 1) that depends on the key alone. Images
      below the validation fraction are for validation, so adding images does
      not move others to another split.
    num_bytes: length of the file.
    modified_secs: time of the last change, in seconds since 1970.
  """

  file: ImageFile
  class_name: str
  key: str
  split_position: float
  num_bytes: int
  modified_secs: float


class FolderContents(NamedTuple):
  """The contents of a folder of images.

  Attributes:
    images: the images, sorted by class and name.
    unreadable: (name, reason) of each file or folder that cannot be read.
    ignored: names of the files that are not images.
  """

  images: list[FoundImage]
  unreadable: list[tuple[str, str]]
  ignored: list[str]


def normalize(name: str) -> str:
  """Return a file name in the Unicode form that most systems use.

  macOS stores accents as separate characters.

  Args:
    name: the name as the file system gives it.
  """
  return unicodedata.normalize('NFC', name)


def split_position_of(key: str) -> float:
  """Return a number in [0, 1) that depends on the key alone.

  Args:
    key: the name of the image, see `FoundImage`.
  """
  digest = hashlib.sha256(key.encode('utf-8', 'surrogateescape')).digest()
  return int.from_bytes(digest[:8], 'big') / 2**64


def find(image_dir: str) -> FolderContents:
  """Find the images in the class folders of `image_dir`.

  Folders inside a class folder belong to its class. Links are followed, but not
  in circles. Hidden files and folders are skipped.

  Args:
    image_dir: the folder that holds the class folders.

  Raises:
    UserError: if the folder cannot be read, if it has no class folders, or if
      names of classes differ too little or cannot be stored.
  """
  class_names = _class_folders(image_dir)
  images, unreadable, ignored = [], [], []
  for class_name in class_names:
    root = os.path.join(image_dir, class_name)
    found = len(images)
    for path in _walk(root, image_dir, unreadable):
      name = path[len(root) - len(class_name) :]
      try:
        image = _found_image(path, name, normalize(class_name))
      except OSError as error:
        unreadable.append((name, _reason(error)))
        continue
      if image is None:
        ignored.append(name)
      else:
        images.append(image)
    if len(images) == found:
      print(f'Skipping the class folder {root!r}: it has no images.')
  images.sort(key=lambda image: (image.class_name, image.key))
  return FolderContents(images, sorted(unreadable), sorted(ignored))


def _reason(error: OSError) -> str:
  return f'it cannot be read: {error.strerror or error}'


def _class_folders(image_dir: str) -> list[str]:
  """Return the names of the class folders as they are on the disk."""
  if not image_dir or not os.path.isdir(image_dir):
    raise errors.UserError(
      f'There is no folder --image_dir={image_dir}. It must hold one folder of '
      'images for each class.'
    )
  try:
    entries = list(os.scandir(image_dir))
  except OSError as error:
    raise errors.UserError(
      f'--image_dir={image_dir} cannot be read: {error.strerror}.'
    ) from error
  names = sorted(
    entry.name
    for entry in entries
    if _is_folder(entry) and not _is_skipped(entry.name)
  )
  if not names:
    raise errors.UserError(
      f'{image_dir} holds no folders. Put the images of each class into a '
      f'folder with the name of the class, for instance {image_dir}/cat/1.jpg.'
    )
  seen = {}
  for name in names:
    _check_class_name(image_dir, name)
    other = seen.setdefault(normalize(name).casefold(), name)
    if other != name:
      raise errors.UserError(
        f'The class folders {other!r} and {name!r} in {image_dir} differ only '
        'in case or in the encoding of accents. Rename or merge them.'
      )
  return names


def _is_folder(entry: os.DirEntry) -> bool:
  """Return whether an entry is a folder; a link to itself is not."""
  try:
    return entry.is_dir()
  except OSError:
    return False


def _check_class_name(image_dir: str, name: str) -> None:
  """Raise UserError for a name that cannot stand on a line of labels.txt."""
  try:
    name.encode()
  except UnicodeEncodeError:
    can_be_written = False
  else:
    can_be_written = name.strip() == name and all(
      unicodedata.category(letter) != 'Cc' for letter in name
    )
  if not can_be_written:
    raise errors.UserError(
      f'The name of the class folder {name!r} in {image_dir} cannot be written '
      'to a line of labels.txt. Rename the folder.'
    )


def _is_skipped(name: str) -> bool:
  return name.startswith('.') or name.lower() in _SYSTEM_FILES


def _walk(root: str, image_dir: str, unreadable: list) -> Iterator[str]:
  """Yield the paths of the files below a folder; list what is unreadable."""
  outer = os.stat(image_dir)  # A link to it would repeat all other classes.
  folders, visited = [root], {(outer.st_dev, outer.st_ino)}
  while folders:
    folder = folders.pop()
    try:
      status = os.stat(folder)
      if (status.st_dev, status.st_ino) in visited:
        continue
      visited.add((status.st_dev, status.st_ino))
      entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
      unreadable.append((os.path.relpath(folder, image_dir), _reason(error)))
      continue
    for entry in entries:
      if _is_skipped(entry.name):
        continue
      if _is_folder(entry):
        folders.append(entry.path)
      else:
        yield entry.path


def _found_image(path: str, name: str, class_name: str) -> FoundImage | None:
  """Return an image, or None for a file that does not look like one."""
  status = os.stat(path)
  if not name.lower().endswith(_EXTENSIONS):
    if not os.path.isfile(path):
      return None
    with open(path, 'rb') as file:
      if headers.sniff(file.read(16)) is None:
        return None
  name = name.replace(os.sep, '/')
  key = normalize(name)
  return FoundImage(
    ImageFile(name, os.path.abspath(path)),
    class_name,
    key,
    split_position_of(key),
    status.st_size,
    status.st_mtime,
  )
