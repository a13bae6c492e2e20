"""Read TFRecords outside the input pipeline: records, counts, images."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import tensorflow.compat.v1 as tf
from google.protobuf.message import DecodeError

from slim_support import errors, files

_IMAGE_KEY = 'image/encoded'
_FORMAT_KEY = 'image/format'
_LABEL_KEY = 'image/class/label'


class Record(NamedTuple):
  """One image as it is stored.

  Attributes:
    encoded: the bytes of the image file.
    image_format: what the record says that they are, for instance 'jpeg'.
    label: the class, an integer.
  """

  encoded: bytes
  image_format: str
  label: int


def as_list(values: Any) -> list:
  """Return a list or tuple as a list, anything else as its only element."""
  return list(values) if isinstance(values, list | tuple) else [values]


def list_files(dataset: Any) -> list[str]:
  """Return the files of a tf-slim `Dataset`, sorted, its patterns resolved."""
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
      file and counts its records from 0.
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
  """Return how many records TFRecord files hold; raises as they are read."""
  return sum(1 for _ in serialized_records(paths))


def records(dataset: Any) -> Iterator[Record]:
  """Yield the images of a data set in the order of its files.

  Args:
    dataset: a tf-slim `Dataset`.

  Raises:
    UserError: if a file is damaged, or a record holds no image or no label.
  """
  for path in list_files(dataset):
    for number, record in enumerate(serialized_records([path])):
      yield parse(dataset, record, f'{path}, record {number}')


def parse(dataset: Any, record: bytes, place: str) -> Record:
  """Return the image that a record holds.

  Args:
    dataset: the tf-slim `Dataset`, which may name the keys of its features.
    record: a serialized tf.train.Example.
    place: where the record is, for the message.

  Raises:
    UserError: if it holds no image or no label.
  """
  try:
    features = tf.train.Example.FromString(record).features.feature
  except DecodeError as error:
    raise errors.UserError(f'{place} is not a tf.train.Example.') from error
  image_format = _value(
    features, getattr(dataset, 'format_key', None) or _FORMAT_KEY, 'bytes_list'
  )
  encoded = _required(features, dataset, 'image_key', place)
  label = _required(features, dataset, 'label_key', place)
  return Record(
    encoded, (image_format or b'').decode('utf-8', 'replace'), label
  )


_REQUIRED = {
  'image_key': (_IMAGE_KEY, 'bytes_list', 'the bytes of an image'),
  'label_key': (_LABEL_KEY, 'int64_list', 'an integer'),
}


def _required(features, dataset, name, place):
  default, kind, words = _REQUIRED[name]
  key = getattr(dataset, name, None) or default
  value = _value(features, key, kind)
  if value is None:
    raise errors.UserError(f'{place}: {key} must be {words}.')
  return value


def _value(features, key, kind):
  """Returns the first value of a feature, None if there is none of the kind."""
  if key not in features:
    return None
  values = getattr(features[key], kind).value
  return values[0] if values else None


def record_at(dataset: Any, index: int) -> Record:
  """Return one image of a data set by its number, counted from 0.

  Raises:
    UserError: if the split does not have so many; else as `records`.
  """
  found = next(itertools.islice(records(dataset), index, None), None)
  if found is None:
    raise errors.UserError(
      f'--index={index}: the split has {dataset.num_samples} images, counted '
      'from 0.'
    )
  return found


def first_images(dataset: Any, count: int) -> list[bytes]:
  """Return the encoded bytes of the first images of a data set."""
  return [
    record.encoded for record in itertools.islice(records(dataset), count)
  ]
