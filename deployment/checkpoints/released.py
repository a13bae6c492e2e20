"""Unpack the archive of a released checkpoint."""

import atexit
import os
import re
import shutil
import tempfile

from absl import logging

from datasets.downloading import archives
from slim_support import errors, files

_SUFFIX = r'\.(tar\.gz|tgz|tar)$'
# The largest released checkpoint takes 1.2 GB.
MAX_BYTES = 16 << 30


def is_archive(path: str) -> bool:
  """Return whether a path has the name of a tar archive."""
  return re.search(_SUFFIX, path) is not None


def stem(archive: str) -> str:
  """Return the name of an archive without folder and suffix."""
  return re.sub(_SUFFIX, '', os.path.basename(archive))


def unpack(archive: str) -> str:
  """Return the checkpoint in an archive, which is unpacked if need be.

  It is unpacked once, into a folder beside the archive with the name of the
  archive. Where that cannot be written, it goes into a temporary folder, which
  is removed when the process ends.

  Args:
    archive: a local .tar, .tar.gz or .tgz.

  Returns:
    The checkpoint's prefix.

  Raises:
    UserError: if the archive is damaged, unpacks to more than a checkpoint can
      hold, or has no checkpoint or several.
  """
  folder = re.sub(_SUFFIX, '', archive)
  if not (os.path.isdir(folder) and _checkpoints(folder)):
    folder = _unpacked(archive, folder)
  return only_checkpoint(archive, folder)


def only_checkpoint(archive: str, folder: str) -> str:
  """Return the prefix of the only checkpoint below a folder.

  Args:
    archive: the archive that was unpacked there, for messages.
    folder: the folder.

  Raises:
    UserError: if it holds no checkpoint or several.
  """
  found = _checkpoints(folder)
  if not found:
    raise errors.UserError(f'{archive} holds no checkpoint.')
  if len(found) > 1:
    names = ', '.join(os.path.relpath(prefix, folder) for prefix in found)
    raise errors.UserError(
      f'{archive} holds several checkpoints: {names}. Use '
      f'--checkpoint_path={folder}/NAME with one of them.'
    )
  return found[0]


def _unpacked(archive, folder):
  """Unpack an archive; return the folder that holds its files."""
  if os.path.exists(folder) or not _can_write(os.path.dirname(folder) or '.'):
    folder = tempfile.mkdtemp(prefix='slim-checkpoint-')
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    archives.extract_tar(archive, folder, MAX_BYTES)
  else:
    try:
      with files.new_folder(folder) as temporary:
        files.make_folders(temporary)
        archives.extract_tar(archive, temporary, MAX_BYTES)
    except errors.UserError:
      # Another process may have unpacked the same archive meanwhile.
      if not os.path.isdir(folder):
        raise
  logging.info('Unpacked %s into %s', archive, folder)
  return folder


def _can_write(folder):
  try:
    files.try_to_write(folder)
  except OSError:
    return False
  return True


def _checkpoints(folder):
  """Return the checkpoints in a folder and in the folders inside it."""
  found = set()
  for parent, _, names in os.walk(folder):
    indexed = {
      name.removesuffix('.index') for name in names if name.endswith('.index')
    }
    single = {name for name in names if name.endswith('.ckpt')}
    found |= {os.path.join(parent, name) for name in indexed | single}
  return sorted(found)
