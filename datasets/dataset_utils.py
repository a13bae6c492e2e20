"""Helpers for the converters and modules of other data sets."""

import contextlib
import os
import zipfile
from collections.abc import Sequence

import tensorflow.compat.v1 as tf

from datasets import converted
from datasets.classification import ClassificationSpec
from datasets.converted import (
  LABELS_FILENAME,
  has_labels,
  read_label_file,
  write_label_file,
)
from datasets.downloading import archives, downloads
from datasets.reading import as_list, list_files
from slim_support import errors, files

__all__ = [
  'LABELS_FILENAME',
  'ClassificationSpec',
  'bytes_feature',
  'bytes_list_feature',
  'download_and_uncompress_tarball',
  'download_and_uncompress_zipfile',
  'download_url',
  'float_feature',
  'float_list_feature',
  'has_labels',
  'image_to_tfexample',
  'int64_feature',
  'list_files',
  'open_sharded_output_tfrecords',
  'read_label_file',
  'write_label_file',
]


def int64_feature(values: int | Sequence[int]) -> tf.train.Feature:
  """Return a feature of integers.

  Args:
    values: an integer, or a list or tuple of them.
  """
  return tf.train.Feature(int64_list=tf.train.Int64List(value=as_list(values)))


def bytes_feature(values: bytes) -> tf.train.Feature:
  """Return a feature of one bytes object.

  Args:
    values: the bytes.
  """
  return tf.train.Feature(bytes_list=tf.train.BytesList(value=[values]))


def bytes_list_feature(values: Sequence[bytes]) -> tf.train.Feature:
  """Return a feature of several bytes objects.

  Args:
    values: the bytes objects.
  """
  return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def float_feature(values: float | Sequence[float]) -> tf.train.Feature:
  """Return a feature of floats.

  Args:
    values: a float, or a list or tuple of them.
  """
  return tf.train.Feature(float_list=tf.train.FloatList(value=as_list(values)))


def float_list_feature(values: Sequence[float]) -> tf.train.Feature:
  """Return a feature of several floats.

  Args:
    values: the floats.
  """
  return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def image_to_tfexample(
  image_data: bytes,
  image_format: bytes,
  height: int,
  width: int,
  class_id: int,
) -> tf.train.Example:
  """Return the tf.train.Example of an image with a label.

  Args:
    image_data: the contents of the image file.
    image_format: the format of these bytes, b'jpeg' or b'png'.
    height: in pixels.
    width: in pixels.
    class_id: the label.
  """
  feature = {
    'image/encoded': bytes_feature(image_data),
    'image/format': bytes_feature(image_format),
    'image/class/label': int64_feature(class_id),
    'image/height': int64_feature(height),
    'image/width': int64_feature(width),
  }
  return tf.train.Example(features=tf.train.Features(feature=feature))


def download_url(url: str, dataset_dir: str) -> str:
  """Download a file to a folder, unless it is there already.

  Args:
    url: an http or https address.
    dataset_dir: the folder; created if it does not exist.

  Returns:
    The path of the file, which is named like the last part of the URL.

  Raises:
    UserError: if the address is wrong, the server does not send the file, or
      the folder cannot be written to.
  """
  filename = url.split('?')[0].rstrip('/').split('/')[-1]
  if not converted.is_plain_name(filename):
    raise errors.UserError(f'{url!r} does not end in the name of a file.')
  path = os.path.join(dataset_dir, filename)
  if os.path.exists(path):
    return path
  try:
    files.make_folders(dataset_dir)
    return downloads.fetch(downloads.Download(filename, (url,)), dataset_dir)
  except OSError as error:
    raise files.cannot_write(path, error) from error


def download_and_uncompress_tarball(tarball_url: str, dataset_dir: str) -> None:
  """Download a tar archive, compressed or not, and unpack it in the folder.

  Args:
    tarball_url: an http or https address.
    dataset_dir: the folder; created if it does not exist.

  Raises:
    UserError: see `download_url`; also if the archive is damaged, or if a
      member would be written outside the folder. Nothing is unpacked then.
  """
  archives.extract_tar(download_url(tarball_url, dataset_dir), dataset_dir)


def download_and_uncompress_zipfile(zip_url: str, dataset_dir: str) -> None:
  """Download a zip archive and unpack it in the folder.

  Args:
    zip_url: an http or https address.
    dataset_dir: the folder; created if it does not exist.

  Raises:
    UserError: see `download_and_uncompress_tarball`.
  """
  path = download_url(zip_url, dataset_dir)
  with (
    archives.report_damaged_archive(path),
    zipfile.ZipFile(path) as archive,
  ):
    archives.extract_zip(archive, dataset_dir)


def open_sharded_output_tfrecords(
  exit_stack: contextlib.ExitStack, base_path: str, num_shards: int
) -> list[tf.python_io.TFRecordWriter]:
  """Open all TFRecord shards of a data set for writing.

  Args:
    exit_stack: closes the shards at its end.
    base_path: the common start of the file names.
    num_shards: the number of files.

  Returns:
    A writer for each file, BASE-00000-of-NNNNN and so on.
  """
  return [
    exit_stack.enter_context(
      tf.python_io.TFRecordWriter(f'{base_path}-{index:05}-of-{num_shards:05}')
    )
    for index in range(num_shards)
  ]
