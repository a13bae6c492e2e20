"""Download MNIST and convert it to TFRecords of PNG images.

The files have the IDX format: a magic number that states the type and the
number of dimensions, then the dimensions, then the data.
"""

import functools
import math
from collections.abc import Mapping

import numpy as np

from datasets.conversion import encoding, engine
from datasets.downloading import archives, downloads
from datasets.images import png
from slim_support import errors

_URLS = (
  'https://storage.googleapis.com/cvdf-datasets/mnist/',
  'https://ossci-datasets.s3.amazonaws.com/mnist/',
)
_CLASS_NAMES = (
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
)
_MAX_BYTES = 1 << 28  # The largest file has 47 MB.
_UNSIGNED_BYTE = 8


def _download(filename: str, size: int, sha256: str) -> downloads.Download:
  return downloads.Download(
    filename, tuple(url + filename for url in _URLS), size, sha256
  )


_FILES = {
  'train': (
    _download(
      'train-images-idx3-ubyte.gz',
      9912422,
      '440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609',
    ),
    _download(
      'train-labels-idx1-ubyte.gz',
      28881,
      '3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c',
    ),
  ),
  'test': (
    _download(
      't10k-images-idx3-ubyte.gz',
      1648877,
      '8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6',
    ),
    _download(
      't10k-labels-idx1-ubyte.gz',
      4542,
      'f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6',
    ),
  ),
}


def read_idx(path: str, num_dimensions: int) -> np.ndarray:
  """Return the array in a gzipped IDX file, uint8.

  Args:
    path: the file.
    num_dimensions: the number of dimensions that the array must have.

  Raises:
    UserError: if the file is damaged or holds something else.
  """
  return parse_idx(archives.read_gzip(path, _MAX_BYTES), num_dimensions, path)


def parse_idx(data: bytes, num_dimensions: int, path: str) -> np.ndarray:
  """Return the array in IDX data, uint8.

  Args:
    data: the contents of an unpacked IDX file.
    num_dimensions: the number of dimensions that the array must have.
    path: the name of the file, for messages.

  Raises:
    UserError: if the data are damaged or hold something else.
  """
  magic = _UNSIGNED_BYTE << 8 | num_dimensions
  start = 4 + 4 * num_dimensions
  found = int.from_bytes(data[:4], 'big')
  if len(data) < start or found != magic:
    raise errors.UserError(
      f'{path} is not an IDX file with {num_dimensions} dimensions: it starts '
      f'with the number {found}, expected {magic}.'
    )
  shape = [int(size) for size in np.frombuffer(data[4:start], '>u4')]
  if len(data) - start != math.prod(shape):
    raise errors.UserError(
      f'{path} has {len(data) - start} bytes of data, but its header states '
      f'{" x ".join(map(str, shape))}.'
    )
  return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _open_split(paths, images_file, labels_file) -> engine.Split:
  images = read_idx(paths[images_file.filename], 3)
  labels = read_idx(paths[labels_file.filename], 1)
  if len(images) != len(labels) or images.shape[1:] != (28, 28):
    raise errors.UserError(
      f'{paths[images_file.filename]} has images of shape {images.shape} and '
      f'{paths[labels_file.filename]} has {len(labels)} labels; expected one '
      'label for each image of 28 x 28 pixels.'
    )
  if len(labels) and labels.max() >= len(_CLASS_NAMES):
    raise errors.UserError(
      f'{paths[labels_file.filename]} has the label {labels.max()}, but the '
      'digits are 0 to 9.'
    )
  return array_split(images[..., np.newaxis], labels)


def array_split(images: np.ndarray, labels: np.ndarray) -> engine.Split:
  """Return a split of images in memory, to be stored as PNGs.

  Args:
    images: uint8 [number, height, width, channels].
    labels: integers [number].
  """
  return engine.Split(
    len(images), functools.partial(_read_arrays, images, labels)
  )


def _read_arrays(images, labels, start, stop):
  height, width = images.shape[1:3]
  encoded = png.encode_batch(images[start:stop])
  for data, label in zip(encoded, labels[start:stop].tolist(), strict=True):
    yield encoding.Sample(data, 'png', height, width, label)


def make_source(
  files: Mapping[str, tuple[downloads.Download, downloads.Download]]
  | None = None,
) -> engine.Source:
  """Return the source for the conversion engine.

  Args:
    files: split -> the files of images and labels; None for the published
      ones.
  """
  files = files or _FILES

  def open_content(paths, unused_work_folder):
    return engine.OpenedSource(
      dict(enumerate(_CLASS_NAMES)),
      {split: _open_split(paths, *pair) for split, pair in files.items()},
    )

  return engine.Source(
    name='mnist',
    downloads=tuple(file for pair in files.values() for file in pair),
    open=open_content,
  )


def run(dataset_dir: str, options: engine.Options | None = None) -> None:
  """Download MNIST and convert it.

  Args:
    dataset_dir: the folder to write to.
    options: the user's options; None for the defaults.

  Raises:
    UserError: see `engine.convert`.
  """
  engine.convert(make_source(), dataset_dir, options)
