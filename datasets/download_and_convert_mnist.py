"""Downloads MNIST and converts it to TFRecords of PNGs.

The files are in the IDX format: a magic number with type and number of
dimensions, the dimensions, then the bytes.
"""

import functools
import math

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
_MAX_BYTES = 1 << 28
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
  """Returns the array in a gzipped IDX file of unsigned bytes.

  Args:
    path: the file.
    num_dimensions: how many dimensions the array must have.

  Raises:
    UserError: if the file is damaged or holds something else.
  """
  data = archives.read_gzip(path, _MAX_BYTES)
  magic = _UNSIGNED_BYTE << 8 | num_dimensions
  start = 4 + 4 * num_dimensions
  found = int.from_bytes(data[:4], 'big')
  if len(data) < start or found != magic:
    raise errors.UserError(
      f'{path} is no IDX file of {num_dimensions} dimensions: it starts with '
      f'the number {found}, expected {magic}.'
    )
  shape = [int(size) for size in np.frombuffer(data[4:start], '>u4')]
  if len(data) - start != math.prod(shape):
    raise errors.UserError(
      f'{path} holds {len(data) - start} bytes of data; its header says '
      f'{" x ".join(map(str, shape))}.'
    )
  return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _open_split(paths, images_file, labels_file) -> engine.Split:
  images = read_idx(paths[images_file.filename], 3)
  labels = read_idx(paths[labels_file.filename], 1)
  if len(images) != len(labels) or images.shape[1:] != (28, 28):
    raise errors.UserError(
      f'{paths[images_file.filename]} holds images of shape {images.shape}, '
      f'{paths[labels_file.filename]} {len(labels)} labels; expected one label '
      'for each image of 28 x 28.'
    )
  if len(labels) and labels.max() >= len(_CLASS_NAMES):
    raise errors.UserError(
      f'{paths[labels_file.filename]} holds the label {labels.max()}; the '
      'digits are 0 to 9.'
    )
  return array_split(images[..., np.newaxis], labels)


def array_split(images: np.ndarray, labels: np.ndarray) -> engine.Split:
  """Returns a split of images that lie in memory, to be stored as PNGs.

  Args:
    images: uint8 of [number, height, width, channels].
    labels: integers of [number].
  """
  return engine.Split(
    len(images), functools.partial(_read_arrays, images, labels)
  )


def _read_arrays(images, labels, start, stop):
  height, width = images.shape[1:3]
  encoded = png.encode_batch(images[start:stop])
  for data, label in zip(encoded, labels[start:stop].tolist(), strict=True):
    yield encoding.Sample(data, 'png', height, width, label)


def make_source(files=None) -> engine.Source:
  """Returns the source.

  Args:
    files: split -> the `Download`s of images and labels, None for the
      published ones.
  """
  files = files or _FILES

  def open_content(paths, unused_work_folder):
    return engine.Content(
      dict(enumerate(_CLASS_NAMES)),
      {split: _open_split(paths, *pair) for split, pair in files.items()},
    )

  return engine.Source(
    name='mnist',
    downloads=tuple(file for pair in files.values() for file in pair),
    open=open_content,
  )


def run(dataset_dir: str, options=None):
  """Downloads MNIST and converts it.

  Args:
    dataset_dir: the folder to write to.
    options: `conversion.Options`, None for the usual ones.
  """
  engine.convert(make_source(), dataset_dir, options)
