"""Download CIFAR-10 and convert it to TFRecords of PNG images.

It uses the binary version, which needs no unpickling: each record is a label
byte and the 3 x 32 x 32 bytes of the red, green and blue planes.
"""

import functools
import os
import tarfile

import numpy as np

from datasets.conversion import engine
from datasets.download_and_convert_mnist import array_split
from datasets.downloading import archives, downloads
from slim_support import errors

DOWNLOAD = downloads.Download(
  'cifar-10-binary.tar.gz',
  ('https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',),
  170052171,
  'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
)
_FILES = {
  'train': tuple(f'data_batch_{number}.bin' for number in range(1, 6)),
  'test': ('test_batch.bin',),
}
_CLASS_NAMES = (
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
)
_SIDE = 32
_RECORD_BYTES = 1 + 3 * _SIDE * _SIDE
_MAX_BYTES = 1 << 28  # The published archive unpacks to two thirds of it.


def read_batches(path: str) -> dict[str, np.ndarray]:
  """Return file name -> records, uint8 [number, 3073].

  Args:
    path: the archive.

  Raises:
    UserError: if the archive is damaged, or a file is missing or incomplete.
  """
  wanted = {name for names in _FILES.values() for name in names}
  batches = {}
  with archives.report_damaged_archive(path), tarfile.open(path, 'r:gz') as tar:
    for member in archives.safe_members(tar, path, max_bytes=_MAX_BYTES):
      name = os.path.basename(member.name)
      if name in wanted:
        data = tar.extractfile(member).read()
        if not data or len(data) % _RECORD_BYTES:
          raise errors.UserError(
            f'{path}: {name} has {len(data)} bytes, which is not a multiple of '
            f'the {_RECORD_BYTES} bytes of a record.'
          )
        batches[name] = np.frombuffer(data, np.uint8).reshape(-1, _RECORD_BYTES)
  if wanted - set(batches):
    missing = ', '.join(sorted(wanted - set(batches)))
    raise errors.UserError(f'{path} lacks {missing}.')
  return batches


def _open_split(path, batches) -> engine.Split:
  batch = np.concatenate(batches)
  labels = batch[:, 0]
  if labels.max() >= len(_CLASS_NAMES):
    raise errors.UserError(
      f'{path} has the label {labels.max()}, but the classes are 0 to 9.'
    )
  planes = batch[:, 1:].reshape(-1, 3, _SIDE, _SIDE)
  return array_split(planes.transpose(0, 2, 3, 1), labels)


def _open(filename, paths, unused_work_folder) -> engine.OpenedSource:
  print(f'Unpacking {filename}')
  path = paths[filename]
  batches = read_batches(path)
  return engine.OpenedSource(
    dict(enumerate(_CLASS_NAMES)),
    {
      split: _open_split(path, [batches[name] for name in names])
      for split, names in _FILES.items()
    },
  )


def make_source(*, download: downloads.Download = DOWNLOAD) -> engine.Source:
  """Return the source for the conversion engine.

  Args:
    download: the archive.
  """
  return engine.Source(
    name='cifar10',
    downloads=(download,),
    open=functools.partial(_open, download.filename),
  )


def run(dataset_dir: str, options: engine.Options | None = None) -> None:
  """Download CIFAR-10 and convert it.

  Args:
    dataset_dir: the folder to write to.
    options: the user's options; None for the defaults.

  Raises:
    UserError: see `engine.convert`.
  """
  engine.convert(make_source(), dataset_dir, options)
