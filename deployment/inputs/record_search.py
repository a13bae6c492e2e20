"""Find the record that made the input pipeline fail.

The pipeline's message decides how closely the records are looked at: most
faults show without decoding a single image. Several files are searched at
once, for a limited time.
"""

import concurrent.futures
import re
import threading
import time
from collections.abc import Callable
from typing import Any

import tensorflow.compat.v1 as tf
from absl import logging
from google.protobuf.message import DecodeError

from datasets import reading
from slim_support import cores, errors

_SEARCH_SECS = 60
_LISTS = {'float': 'float_list', 'int64': 'int64_list', 'string': 'bytes_list'}
_WITH_ARTICLE = {
  'float': 'a float',
  'int64': 'an int64',
  'string': 'a string of bytes',
}
_IMAGE_STARTS = (b'\xff\xd8\xff', b'\x89PNG', b'GIF8', b'BM', b'RIFF')

# Returns what is wrong with a record, or None.
Check = Callable[[bytes], str | None]


def search(dataset: Any, check: Check | None) -> tuple[str | None, int, bool]:
  """Search the records of a data set for one that is not usable.

  Args:
    dataset: the tf-slim Dataset.
    check: returns what is wrong with a record, or None; without it, records are
      read only, which finds damaged files.

  Returns:
    (sentence, searched, complete): 'FILE, record N: REASON.', with the record
    counted from 0, or None if none was found; the number of records that were
    searched; and whether these are all.
  """
  logging.info(
    'Searching the records for the one that failed, for up to %d seconds.',
    _SEARCH_SECS,
  )
  return _Search(check, time.monotonic() + _SEARCH_SECS).run(
    reading.list_files(dataset)
  )


class _Search:
  """A search through the files of a data set, several at once."""

  def __init__(self, check, deadline):
    self._check = check
    self._deadline = deadline
    self._stop = threading.Event()
    self._searched = {}

  def run(self, names):
    """Search the files; see `search` for the result."""
    complete = True
    with concurrent.futures.ThreadPoolExecutor(cores.usable_cores()) as pool:
      try:
        sentence = next(filter(None, pool.map(self._search_file, names)), None)
        complete = not self._stop.is_set()
      finally:
        self._stop.set()
    return sentence, sum(self._searched.values()), complete

  def _search_file(self, name):
    """Return the sentence for the first unusable record of a file, or None."""
    try:
      for number, record in enumerate(reading.serialized_records([name])):
        if time.monotonic() > self._deadline:
          self._stop.set()
        if self._stop.is_set():
          return None
        reason = self._check(record) if self._check else None
        if reason:
          return f'{name}, record {number}: {reason}.'
        self._searched[name] = number + 1
    except errors.UserError as error:
      return str(error)
    return None


def has_label(dataset: Any, label: int, reason: str) -> Check:
  """Return the check for records with a certain label.

  Args:
    dataset: the tf-slim Dataset, which may name the keys of its features.
    label: the label, as it is stored.
    reason: what is wrong with it.
  """
  key = reading.feature_keys(dataset).label

  def check(record):
    values = _features(record)[key].int64_list.value
    return reason if values and values[0] == label else None

  return check


def is_parsed(summary: str) -> Check | None:
  """Return the check for records that TensorFlow could not parse.

  Args:
    summary: the cause that TensorFlow gave.

  Returns:
    None if the cause is another one.
  """
  if 'Could not parse example' in summary:
    return _is_example
  found = re.search(r'Feature: (\S+) \(data type: (\w+)\) is required', summary)
  if found:
    return _has_feature(found[1], found[2])
  found = re.search(r'Key: (.+?)(?:, Index: \d+)?\. ', summary)
  if not found:
    return None
  wanted = re.search(r'expected type: (\w+)|Number of (\w+) values', summary)
  wanted = (wanted and (wanted[1] or wanted[2])) or (
    re.search(r'Some (\w+?)_list slice', summary) or ['', 'string']
  )[1].replace('bytes', 'string')
  return _has_feature(found[1], wanted)


def _is_example(record):
  try:
    tf.train.Example.FromString(record)
  except DecodeError:
    return 'it is not a tf.train.Example'
  return None


def _features(record):
  try:
    return tf.train.Example.FromString(record).features.feature
  except DecodeError:
    return tf.train.Features().feature


def _has_feature(key, wanted):
  """Return the check for one value of a type under a key."""

  def check(record):
    features = _features(record)
    if key not in features or not features[key].WhichOneof('kind'):
      return f'{key} is missing'
    kind = features[key].WhichOneof('kind')
    if kind != _LISTS[wanted]:
      found = next(name for name, field in _LISTS.items() if field == kind)
      return (
        f'{key} is {_WITH_ARTICLE[found]}, {_WITH_ARTICLE[wanted]} is wanted'
      )
    count = len(getattr(features[key], kind).value)
    return None if count == 1 else f'{key} holds {count} values, not one'

  return check


def is_encoded(dataset: Any) -> Check:
  """Return the check for images that are no encoded images at all.

  Args:
    dataset: the tf-slim Dataset, which may name the keys of its features.
  """
  key = reading.feature_keys(dataset).image

  def check(record):
    features = _features(record)
    values = features[key].bytes_list.value if key in features else ()
    if not values or not values[0]:
      return f'{key} is {"empty" if values else "missing"}'
    if values[0].startswith(_IMAGE_STARTS):
      return None
    return (
      f'{key} holds {len(values[0])} bytes that are not an encoded image, such '
      'as raw pixels; a JPEG, PNG, GIF or BMP is wanted'
    )

  return check


def is_decodable(dataset: Any) -> Check:
  """Return the check for images and labels that the data set cannot decode.

  Args:
    dataset: the tf-slim Dataset.
  """
  with tf.Graph().as_default() as graph:
    record = tf.placeholder(tf.string, [])
    items = dataset.decoder.decode(record, ['image', 'label'])
    config = tf.ConfigProto(device_count={'GPU': 0})
    decode = tf.Session(graph=graph, config=config).make_callable(
      [item.op for item in items], [record]
    )

  def check(content):
    try:
      decode(content)
    except tf.errors.OpError as error:
      return _undecodable(errors.error_summary(error))
    return None

  return check


def _undecodable(summary):
  """Return what is wrong with an image, from what the decoder says."""
  sizes = re.search(r'\[([\d,]+)\] is not compatible.*\[([\d,]+)\]', summary)
  if sizes:
    found, wanted = (size.replace(',', ' x ') for size in sizes.groups())
    return (
      f'the image is {found} (height x width x channels), all images of this '
      f'data set must be {wanted}'
    )
  return f'the image or label cannot be decoded ({summary.rstrip(".")})'
