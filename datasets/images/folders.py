"""Finding of images in a folder of one folder a class."""

import hashlib
import os
import unicodedata
from typing import NamedTuple

from datasets.images import headers
from datasets.images.worker import ImageFile
from slim_support import errors

_EXTENSIONS = (
  '.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.gif', '.bmp', '.webp', '.tif',
  '.tiff',
)  # fmt: skip
_NO_IMAGES = {'thumbs.db', 'desktop.ini', '__macosx'}


class FoundImage(NamedTuple):
  """An image of a class.

  Attributes:
    file: where it lies; its name is relative to the folder of all classes.
    class_name: its class.
    key: its name in a form that does not depend on the machine.
    place: a number in [0, 1) that follows from the key alone. Images are split
      by it: what lies below the fraction is for validation, so further images
      do not move those that are there.
    length: of the file in bytes.
    changed: when it was last changed, in seconds since 1970.
  """

  file: ImageFile
  class_name: str
  key: str
  place: float
  length: int
  changed: float


class Findings(NamedTuple):
  """What a folder holds.

  Attributes:
    images: the images, sorted by class and name.
    broken: (name, reason) of what cannot be read.
    ignored: names of files that are not images.
  """

  images: list[FoundImage]
  broken: list[tuple[str, str]]
  ignored: list[str]


def normalize(name: str) -> str:
  """Returns a file name as it is on most systems (macOS splits accents off)."""
  return unicodedata.normalize('NFC', name)


def place_of(key: str) -> float:
  """Returns the place of an image; see `FoundImage`."""
  digest = hashlib.sha256(key.encode('utf-8', 'surrogateescape')).digest()
  return int.from_bytes(digest[:8], 'big') / 2**64


def find(image_dir: str) -> Findings:
  """Looks for images below the class folders of `image_dir`.

  Folders in a class folder belong to its class. Links are followed, but not in
  circles. Hidden files and folders are passed over.

  Raises:
    UserError: if there are no classes, or names that cannot be told apart or
      written down.
  """
  class_names = _class_folders(image_dir)
  images, broken, ignored = [], [], []
  for class_name in class_names:
    root = os.path.join(image_dir, class_name)
    found = len(images)
    for path in _walk(root, image_dir, broken):
      name = path[len(root) - len(class_name) :]
      try:
        image = _look_at(path, name, normalize(class_name))
      except OSError as error:
        broken.append((name, f'it cannot be read: {error.strerror}'))
        continue
      if image is None:
        ignored.append(name)
      else:
        images.append(image)
    if len(images) == found:
      print(f'The class folder {root} holds no images; it is left out.')
  images.sort(key=lambda image: (image.class_name, image.key))
  return Findings(images, sorted(broken), sorted(ignored))


def _class_folders(image_dir: str) -> list[str]:
  """Returns the names of the class folders as they are on the disk."""
  if not image_dir or not os.path.isdir(image_dir):
    raise errors.UserError(
      f'There is no folder --image_dir={image_dir}; it has to hold one folder '
      'a class, with the images in it.'
    )
  names = sorted(
    entry.name
    for entry in os.scandir(image_dir)
    if entry.is_dir() and not _is_passed_over(entry.name)
  )
  if not names:
    raise errors.UserError(
      f'{image_dir} holds no folders: put the images of each class into a '
      f"folder of the class's name, for instance {image_dir}/cat/1.jpg."
    )
  seen = {}
  for name in names:
    _check_class_name(image_dir, name)
    other = seen.setdefault(normalize(name).casefold(), name)
    if other != name:
      raise errors.UserError(
        f'The class folders {other!r} and {name!r} in {image_dir} differ only '
        'in case or in the spelling of accents: rename or merge them.'
      )
  return names


def _check_class_name(image_dir: str, name: str):
  """Raises UserError for a name that has no place in a line of labels.txt."""
  try:
    name.encode()
  except UnicodeEncodeError:
    is_fit = False
  else:
    is_fit = name.strip() == name and all(
      unicodedata.category(letter) != 'Cc' for letter in name
    )
  if not is_fit:
    raise errors.UserError(
      f'The class folder {name!r} in {image_dir} cannot be written to a line '
      'of labels.txt: rename it.'
    )


def _is_passed_over(name: str) -> bool:
  return name.startswith('.') or name.lower() in _NO_IMAGES


def _walk(root: str, image_dir: str, broken: list):
  """Yields the paths of the files below a folder; notes what cannot be read."""
  outer = os.stat(image_dir)  # a link to it would repeat all other classes
  folders, visited = [root], {(outer.st_dev, outer.st_ino)}
  while folders:
    folder = folders.pop()
    status = os.stat(folder)
    if (status.st_dev, status.st_ino) in visited:
      continue
    visited.add((status.st_dev, status.st_ino))
    try:
      entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
      broken.append((folder, f'it cannot be read: {error.strerror}'))
      continue
    for entry in entries:
      if _is_passed_over(entry.name):
        continue
      if entry.is_dir():
        folders.append(entry.path)
      else:
        yield entry.path


def _look_at(path: str, name: str, class_name: str) -> FoundImage | None:
  """Returns an image, None for a file that neither is one nor claims to be."""
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
    place_of(key),
    status.st_size,
    status.st_mtime,
  )
