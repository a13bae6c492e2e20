"""Helpers that converters and descriptors of users' own data sets import."""

import os
import zipfile

import tensorflow.compat.v1 as tf

from datasets.classification import ClassificationSpec
from datasets.converted import (
  LABELS_FILENAME,
  has_labels,
  read_label_file,
  write_label_file,
)
from datasets.downloading import archives, downloads
from datasets.reading import as_list, list_files

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


def int64_feature(values):
  """Returns a feature of one integer or of a list or tuple of them."""
  return tf.train.Feature(int64_list=tf.train.Int64List(value=as_list(values)))


def bytes_feature(values):
  """Returns a feature of one bytes object."""
  return tf.train.Feature(bytes_list=tf.train.BytesList(value=[values]))


def bytes_list_feature(values):
  """Returns a feature of a list of bytes objects."""
  return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))


def float_feature(values):
  """Returns a feature of one float or of a list or tuple of them."""
  return tf.train.Feature(float_list=tf.train.FloatList(value=as_list(values)))


def float_list_feature(values):
  """Returns a feature of a list of floats."""
  return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def image_to_tfexample(image_data, image_format, height, width, class_id):
  """Returns the tf.train.Example of one labelled image.

  Args:
    image_data: the encoded image, bytes.
    image_format: what the bytes are, b'jpeg' or b'png'.
    height: in pixels.
    width: in pixels.
    class_id: the label, an integer.
  """
  feature = {
    'image/encoded': bytes_feature(image_data),
    'image/format': bytes_feature(image_format),
    'image/class/label': int64_feature(class_id),
    'image/height': int64_feature(height),
    'image/width': int64_feature(width),
  }
  return tf.train.Example(features=tf.train.Features(feature=feature))


def download_url(url, dataset_dir):
  """Downloads a file into a folder, unless it is there already.

  Returns:
    The path of the file, which has the last part of the URL as its name.

  Raises:
    UserError: if the server cannot be reached or sends a web page instead.
  """
  filename = url.split('?')[0].rstrip('/').split('/')[-1]
  path = os.path.join(dataset_dir, filename)
  if os.path.exists(path):
    return path
  os.makedirs(dataset_dir, exist_ok=True)
  return downloads.fetch(downloads.Download(filename, (url,)), dataset_dir)


def download_and_uncompress_tarball(tarball_url, dataset_dir):
  """Downloads a tar archive, compressed or not, and unpacks it in the folder.

  Raises:
    UserError: as `download_url`, and if a member of the archive would be
      written outside of the folder.
  """
  archives.extract_tar(download_url(tarball_url, dataset_dir), dataset_dir)


def download_and_uncompress_zipfile(zip_url, dataset_dir):
  """Downloads a zip archive and unpacks it in the folder.

  Raises:
    UserError: as `download_and_uncompress_tarball`.
  """
  path = download_url(zip_url, dataset_dir)
  with zipfile.ZipFile(path) as archive:
    archives.extract_zip(archive, dataset_dir)


def open_sharded_output_tfrecords(exit_stack, base_path, num_shards):
  """Opens all TFRecord shards for writing.

  Args:
    exit_stack: a contextlib.ExitStack that closes them.
    base_path: the common start of the file names.
    num_shards: how many there are.

  Returns:
    A list of `num_shards` writers of `BASE-00000-of-NNNNN` files.
  """
  return [
    exit_stack.enter_context(
      tf.python_io.TFRecordWriter(f'{base_path}-{index:05}-of-{num_shards:05}')
    )
    for index in range(num_shards)
  ]
