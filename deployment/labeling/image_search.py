"""Finding the image files that --image names."""

import glob
import os
from collections.abc import Iterator

from deployment.labeling import image_loading
from slim_support import errors

_SUFFIXES = ('.jpg', '.jpeg', '.png', '.gif', '.bmp', '.webp')


def find(image: str) -> list[str]:
  """Return the image files that the flag --image names.

  Args:
    image: files, folders (with all images below them) and patterns, separated
      by commas.

  Raises:
    UserError: if a folder or a pattern holds no images.
  """
  found = []
  for part in [image] if os.path.lexists(image) else image.split(','):
    found += _find_one(os.path.expanduser(part.strip()), image)
  return found


def _find_one(part, image):
  """Return the image files of one entry of --image."""
  if not part:
    raise errors.UserError(
      f'--image={image} has an empty entry. Remove the comma that is too many.'
    )
  if os.path.isdir(part):
    found = [*_images_below(part)]
  elif not os.path.lexists(part) and glob.has_magic(part):
    found = sorted(glob.glob(part, recursive=True))
  else:
    found = [part]
  if not found:
    raise errors.UserError(f'--image={part}: there are no images.')
  return found


def _images_below(folder) -> Iterator[str]:
  """Yield the files below a folder that are images or have such a name.

  Links are followed, but no folder is searched twice. A folder that cannot be
  read is given as if it were an image, so that it is reported.
  """
  visited, unreadable = set(), []
  for parent, folders, names in os.walk(
    folder, followlinks=True, onerror=unreadable.append
  ):
    status = os.stat(parent)
    if (status.st_dev, status.st_ino) in visited:
      folders.clear()
      continue
    visited.add((status.st_dev, status.st_ino))
    folders[:] = sorted(name for name in folders if not _is_hidden(name))
    for name in sorted(names):
      path = os.path.join(parent, name)
      if _is_hidden(name):
        continue
      if name.lower().endswith(_SUFFIXES) or image_loading.is_image(path):
        yield path
  yield from (error.filename for error in unreadable)


def _is_hidden(name):
  return name.startswith('.')
