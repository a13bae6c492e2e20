"""Download released checkpoints by the name of their network.

Importing this module does not import TensorFlow.
"""

import os
import re
import tempfile

from absl import logging

from datasets.downloading import archives, downloads
from deployment.checkpoints import released
from nets import nets_factory
from nets.pretrained import Checkpoint
from slim_support import errors, files

_STORAGE = 'https://storage.googleapis.com/download.tensorflow.org/'
_MIRROR = 'http://download.tensorflow.org/'
_CHECKSUM_SUFFIX = '.sha256'


def networks() -> list[str]:
  """Return the names of the networks with released checkpoints."""
  return [
    name
    for name in nets_factory.networks()
    if nets_factory.network(name).checkpoints
  ]


def find(model_name: str, image_size: int | None = None) -> Checkpoint:
  """Return the released checkpoint of a network.

  Args:
    model_name: the name of the network.
    image_size: the side of its training images in pixels; None for the
      largest.

  Raises:
    UserError: if none was released for images of that size.
  """
  checkpoints = nets_factory.network(model_name).checkpoints
  for checkpoint in checkpoints:
    if image_size in (None, checkpoint.image_size):
      return checkpoint
  sizes = ', '.join(str(checkpoint.image_size) for checkpoint in checkpoints)
  raise errors.UserError(
    f'--image_size={image_size}: {model_name} was released for {sizes}.'
  )


def listing() -> str:
  """Return the released checkpoints, one on each line."""
  lines = [f'{"model_name":<34}{"size":>5}{"top-1":>7}{"top-5":>7}  archive']
  for name in networks():
    for one in nets_factory.network(name).checkpoints:
      lines.append(
        f'{name:<34}{one.image_size:>5}{one.top_1:>7.1f}{one.top_5:>7.1f}  '
        f'{one.archive}'
      )
  return '\n'.join(lines)


def fetch(
  checkpoint: Checkpoint,
  folder: str,
  retry_policy: downloads.RetryPolicy | None = None,
) -> str:
  """Return the path of the downloaded and verified archive.

  If no checksum was published, that of the first download is written beside
  the archive, and a later download must have the same one.

  Args:
    checkpoint: the checkpoint to download.
    folder: the folder to write the archive to.
    retry_policy: how often to try; None for the default.

  Raises:
    UserError: if it cannot be downloaded, or is not the released archive.
  """
  beside = os.path.join(folder, checkpoint.archive + _CHECKSUM_SUFFIX)
  expected = checkpoint.checksum or _remembered(beside)
  download = downloads.Download(
    checkpoint.archive, _urls(checkpoint), checkpoint.size, expected
  )
  with files.report_full_disk(folder, 'Free some space and try again.'):
    path = downloads.fetch(download, folder, retry_policy)
    try:
      archives.check_tar(path)
    except errors.UserError as error:
      raise errors.UserError(
        f'{error} Delete it and run the same command again.'
      ) from error
    if expected is None:
      found = downloads.checksum(path)
      logging.info('SHA-256 of %s: %s', checkpoint.archive, found)
      files.write(beside, f'{found}  {checkpoint.archive}\n'.encode())
  return path


def _urls(checkpoint):
  """Return the addresses of an archive; over http only if it is verified."""
  url = checkpoint.url
  if checkpoint.checksum and url.startswith(_STORAGE):
    return url, _MIRROR + url.removeprefix(_STORAGE)
  return (url,)


def _remembered(path):
  """Return the checksum in a file, None if there is none."""
  try:
    text = files.read_bytes(path, 1000).decode('ascii', 'replace')
  except OSError:
    return None
  match = re.match('[0-9a-f]{64}\\b', text)
  return match[0] if match else None


def unpack(archive: str, folder: str) -> str:
  """Return the checkpoint in an archive, unpacked into a folder.

  Only the files of the checkpoint are kept. They go into a folder with the
  archive's name if their own name, such as model.ckpt, says nothing.

  Args:
    archive: the archive.
    folder: the folder that the checkpoint's files are to be in.

  Raises:
    UserError: if the archive is damaged, or does not hold one checkpoint.
  """
  with tempfile.TemporaryDirectory(
    prefix='.unpacking-', dir=folder, ignore_cleanup_errors=True
  ) as temporary:
    archives.extract_tar(archive, temporary, released.MAX_BYTES)
    prefix = released.only_checkpoint(archive, temporary)
    name = os.path.basename(prefix)
    if name.startswith('model'):
      folder = os.path.join(folder, released.stem(archive))
      files.make_folders(folder)
    source = os.path.dirname(prefix)
    for file in sorted(files.list_folder(source)):
      if file == name or file.startswith(f'{name}.'):
        files.move(os.path.join(source, file), os.path.join(folder, file))
  return os.path.join(folder, name)


def evaluation_command(
  model_name: str, checkpoint: Checkpoint, prefix: str
) -> str:
  """Return the command that evaluates a downloaded checkpoint.

  Args:
    model_name: the name of the network.
    checkpoint: the released checkpoint.
    prefix: where it was unpacked.
  """
  row = nets_factory.network(model_name)
  flags = [
    f'--model_name={model_name}',
    f'--checkpoint_path={prefix}',
    '--dataset_name=imagenet',
    '--dataset_split_name=validation',
    '--dataset_dir=$HOME/imagenet-data',
  ]
  if checkpoint.image_size != row.image_size:
    flags.append(f'--eval_image_size={checkpoint.image_size}')
  if checkpoint.preprocessing != row.preprocessing:
    flags.append(f'--preprocessing_name={checkpoint.preprocessing}')
  if row.labels_offset:
    flags.append(f'--labels_offset={row.labels_offset}')
  return ' \\\n  '.join(['python eval_image_classifier.py', *flags])


def advice(path: str) -> str:
  """Return a sentence on how to download a missing checkpoint, or ''.

  Args:
    path: a --checkpoint_path; its name decides whether it is a released one.
  """
  name = os.path.basename(path)
  for model_name in networks():
    for position, one in enumerate(
      nets_factory.network(model_name).checkpoints
    ):
      stem = released.stem(one.archive)
      without_date = re.sub(r'_\d{4}_\d\d_\d\d$', '', stem)
      if name in {one.archive, f'{stem}.ckpt', f'{without_date}.ckpt'}:
        size = f' --image_size={one.image_size}' if position else ''
        return (
          ' Download it with: python scripts/download_checkpoint.py '
          f'--model_name={model_name}{size} '
          f'--checkpoint_dir={os.path.dirname(path) or "."}'
        )
  return ''
