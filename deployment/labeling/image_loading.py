"""Reading image files and preparing them for a network."""

import contextlib
import os
import struct
import threading
from collections.abc import Callable

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

from datasets.images import headers
from deployment.labeling import gif
from slim_support import errors, files

FORMATS = ('jpeg', 'png', 'gif', 'bmp', 'webp')

_MOST_PIXELS = 200_000_000
_MOST_BYTES = 2**30
# Decoded images of more pixels than this are held one at a time.
_MANY_PIXELS = 25_000_000
_MOST_WARNINGS = 3


class UnusableImageError(Exception):
  """The reason why an image file cannot be labeled, as a sentence."""


class ImageLoader:
  """Reads and prepares image files; several threads may use it.

  Args:
    prepare: maps the bytes of an image file to the network's input.
  """

  def __init__(self, prepare: Callable[[bytes], np.ndarray]):
    self._prepare = prepare
    self._large_image = threading.Lock()

  def load(self, path: str) -> np.ndarray:
    """Return an image, prepared for the network.

    Args:
      path: the image file.

    Raises:
      UnusableImageError: if it cannot be read or decoded.
    """
    try:
      data, pixels = _encoded(path, _read(path))
      is_large = pixels > _MANY_PIXELS
      with self._large_image if is_large else contextlib.nullcontext():
        return self._prepare(data)
    except (headers.BadImage, ValueError) as error:
      reason = str(error)
      raise UnusableImageError(f'{reason[0].upper()}{reason[1:]}.') from error
    except OSError as error:
      raise UnusableImageError(
        f'It cannot be read: {error.strerror or error}.'
      ) from error
    except tf.errors.OpError as error:
      raise UnusableImageError(
        f'It cannot be decoded: {errors.error_summary(error).rstrip(".")}.'
      ) from error


def is_image(path: str) -> bool:
  """Return whether a file starts like an image of a format that is read."""
  try:
    return headers.sniff(files.read_bytes(path, 16)) in FORMATS
  except OSError:
    return False


def _read(path):
  """Return the contents of an image file."""
  if '://' in path:
    raise UnusableImageError('There is no such file. URLs are not fetched.')
  if not os.path.lexists(path):
    raise UnusableImageError('There is no such file.')
  if os.path.isdir(path):
    os.listdir(path)  # Raises OSError for a folder that cannot be read.
  start = files.read_bytes(path, 16)
  if start and headers.sniff(start) is None:
    raise UnusableImageError(f'It is not an image: it starts with {start!r}.')
  if files.size(path) > _MOST_BYTES:
    raise UnusableImageError(f'It is larger than {_MOST_BYTES >> 30} GiB.')
  return files.read_bytes(path)


def _encoded(path, data):
  """Return what to decode of an image file, and how many pixels that are."""
  header = headers.read_header(data)
  height, width = header.height, header.width
  if header.image_format == 'gif':
    data, height, width = gif.first_picture(data)
  if header.image_format == 'bmp':
    height, width = _bmp_size(data)
  if height * width > _MOST_PIXELS:
    raise ValueError(
      f'{width} x {height} pixels are more than {_MOST_PIXELS // 10**6} million'
    )
  if header.orientation != 1:
    _warn('%s is labeled as stored, not turned upright.', path)
  if header.warning:
    _warn('%s may be damaged: %s.', path, header.warning)
  return data, height * width


def _warn(message, *values):
  """Log a warning; the first few of a kind only."""
  logging.log_first_n(logging.WARNING, message, _MOST_WARNINGS, *values)


def _bmp_size(data):
  """Return the height and width of a BMP; refuse those with a palette.

  TensorFlow takes the indices of a palette for shades of gray.
  """
  try:
    header_bytes, width, height, _, depth = struct.unpack_from(
      '<IiiHH', data, 14
    )
  except struct.error as error:
    raise ValueError('the file is truncated') from error
  if depth == 8 and not _is_gray_palette(data, 14 + header_bytes):
    raise ValueError(
      'it is a BMP with a palette, which is not supported; save it as PNG'
    )
  return abs(height), abs(width)


def _is_gray_palette(data, start):
  """Return whether a BMP's palette gives each index its own shade of gray."""
  end = int.from_bytes(data[10:14], 'little')
  palette = data[start:end]
  return all(
    palette[4 * index : 4 * index + 3] == bytes([index] * 3)
    for index in range(len(palette) // 4)
  )
