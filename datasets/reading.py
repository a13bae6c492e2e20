"""Read TFRecords outside the input pipeline: records, counts, images."""

import errno
import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError

from slim_support import errors, files

_KINDS = {
  'bytes_list': 'bytes',
  'int64_list': 'int64',
  'float_list': 'float',
  None: 'empty',
}


class Record(NamedTuple):
  """An image as it is stored in a record.

  Attributes:
    encoded: the contents of the image file.
    image_format: the format that the record states, for instance 'jpeg'.
    label: the class.
  """

  encoded: bytes
  image_format: str
  label: int


class FeatureKeys(NamedTuple):
  """The names of the features that hold an image and its label."""

  image: str = 'image/encoded'
  format: str = 'image/format'
  label: str = 'image/class/label'


def as_list(values: Any) -> list:
  """Return a list or tuple as a list, anything else as its only element."""
  return list(values) if isinstance(values, list | tuple) else [values]


def list_files(dataset: Any) -> list[str]:
  """Return the files of a tf-slim `Dataset`, sorted, its patterns resolved.

  Args:
    dataset: a tf-slim `Dataset`; its `data_sources` are paths or patterns.
  """
  found = []
  for source in as_list(dataset.data_sources):
    if any(mark in source for mark in '*?[') and not tf.io.gfile.exists(source):
      found.extend(tf.io.gfile.glob(source))
    else:
      found.append(source)
  return sorted(found)


def serialized_records(paths: Iterable[str]) -> Iterator[bytes]:
  """Yield the records of TFRecord files, one file after the other.

  Args:
    paths: the files.

  Raises:
    UserError: if a file cannot be read or is damaged; the message names the
      file and the record, counted from 0.
  """
  for path in paths:
    number = 0
    try:
      files.check_regular(path)
      for record in tf.python_io.tf_record_iterator(path):
        yield record
        number += 1
    except tf.errors.DataLossError as error:
      raise errors.UserError(
        f'{path} is damaged: its record {number} cannot be read. Convert the '
        'data set again.'
      ) from error
    except (OSError, tf.errors.OpError) as error:
      reason = getattr(error, 'strerror', None) or errors.error_summary(error)
      raise errors.UserError(f'{path} cannot be read: {reason}.') from error


def count_records(paths: Iterable[str]) -> int:
  """Return the number of records in TFRecord files.

  Args:
    paths: the files.

  Raises:
    UserError: see `serialized_records`.
  """
  return sum(1 for _ in serialized_records(paths))


def count_by_length(path: str) -> int:
  """Return the number of records in a local TFRecord file, without their data.

  Skips from record to record by the lengths alone.

  Args:
    path: the file.

  Raises:
    OSError: if the file cannot be read or does not end where a record ends.
  """
  files.check_regular(path)
  size, place, count = files.size(path), 0, 0
  with open(path, 'rb') as file:
    while place < size:
      file.seek(place)
      header = file.read(8)
      # Before the data are its length and a checksum, after it another one.
      place += 8 + 4 + int.from_bytes(header, 'little') + 4
      count += 1
  if place != size:
    raise OSError(errno.EIO, 'its last record is cut', path)
  return count


def records(dataset: Any) -> Iterator[Record]:
  """Yield the images of a data set in the order of its files.

  Args:
    dataset: a tf-slim `Dataset`.

  Raises:
    UserError: if a file is damaged, or a record holds no image or no label.
  """
  keys = feature_keys(dataset)
  for path in list_files(dataset):
    for number, record in enumerate(serialized_records([path])):
      yield _parse(keys, record, f'{path}, record {number}')


def feature_keys(dataset: Any) -> FeatureKeys:
  """Return the names of the features that hold an image and its label.

  Args:
    dataset: a tf-slim `Dataset`. The names are its `image_key`, `format_key`
      and `label_key`, else those that its decoder reads, else the usual ones.
  """
  handlers = getattr(
    getattr(dataset, 'decoder', None), '_items_to_handlers', {}
  )
  image = list(getattr(handlers.get('image'), 'keys', ()))
  label = list(getattr(handlers.get('label'), 'keys', ()))
  usual = FeatureKeys()
  return FeatureKeys(
    getattr(dataset, 'image_key', None) or (image or [usual.image])[0],
    getattr(dataset, 'format_key', None) or (image[1:] or [usual.format])[0],
    getattr(dataset, 'label_key', None) or (label or [usual.label])[0],
  )


def _parse(keys: FeatureKeys, record: bytes, place: str) -> Record:
  """Return the image of a serialized tf.train.Example.

  Raises:
    UserError: if the record holds no image or no label.
  """
  try:
    features = tf.train.Example.FromString(record).features.feature
  except DecodeError as error:
    raise errors.UserError(f'{place} is not a tf.train.Example.') from error
  image_format = b''
  if keys.format in features:
    image_format = next(iter(features[keys.format].bytes_list.value), b'')
  return Record(
    _single_value(features, keys.image, 'bytes_list', place),
    image_format.decode('utf-8', 'replace'),
    _single_value(features, keys.label, 'int64_list', place),
  )


def _single_value(features, key: str, kind: str, place: str) -> Any:
  """Return the only value of a feature.

  Raises:
    UserError: if it is missing, of another kind, or not a single value.
  """
  wanted = f'one {_KINDS[kind]} value'
  if key not in features:
    raise errors.UserError(f'{place}: {key} is missing. It must be {wanted}.')
  found = features[key].WhichOneof('kind')
  values = getattr(features[key], found).value if found else []
  if found != kind or len(values) != 1:
    shown = f'{len(values)} {_KINDS[found]} values' if values else 'empty'
    if len(values) == 1:
      shown = f'a {_KINDS[found]}' if found != kind else shown
    raise errors.UserError(f'{place}: {key} is {shown}. It must be {wanted}.')
  return values[0]


def record_at(dataset: Any, index: int) -> Record:
  """Return one image of a data set.

  Args:
    dataset: a tf-slim `Dataset`.
    index: the number of the image, counted from 0.

  Raises:
    UserError: if the split has fewer images; else see `records`.
  """
  number = 0
  for path in list_files(dataset):
    for position, record in enumerate(serialized_records([path])):
      if number == index:
        keys = feature_keys(dataset)
        return _parse(keys, record, f'{path}, record {position}')
      number += 1
  raise errors.UserError(
    f'--index={index}: the split has {number} images, counted from 0.'
  )


def first_images(dataset: Any, count: int) -> list[bytes]:
  """Return the contents of the first image files of a data set.

  Args:
    dataset: a tf-slim `Dataset`.
    count: the largest number of images to return.

  Raises:
    UserError: see `records`.
  """
  return [
    record.encoded for record in itertools.islice(records(dataset), count)
  ]
