"""Write the shards of a data set one after another, resumable.

The work folder keeps the finished shards and a journal that lists them.
"""

import collections
import concurrent.futures
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from datasets import converted
from datasets.conversion import encoding
from datasets.conversion.encoding import Sample
from slim_support import files, json_files, progress

_SAMPLES_PER_SHARD = 1000
_MAX_SHARDS = 128
_ANY = (dict, list, str, int, float, bool, type(None))
_SHARD_SCHEMA = {
  'file': str,
  'bytes': int,
  'num_samples': int,
  'labels': {str: int},
  'formats': {str: int},
  'notes': {str: int},
  'bad': [[str]],
}


class RejectedImage(NamedTuple):
  """An image that cannot be used.

  Attributes:
    name: the name for messages.
    reason: why it cannot be used.
  """

  name: str
  reason: str


class Split(NamedTuple):
  """A split to be written to shards.

  Attributes:
    num_items: number of samples, including rejected images.
    read: read(start, stop) yields, in order, a `Sample` or a `RejectedImage`
      for each item from `start` up to but not including `stop`.
    num_shards: number of files to write.
  """

  num_items: int
  read: Callable[[int, int], Iterable[Sample | RejectedImage]]
  num_shards: int = 1


class Journal:
  """The list of finished shards, kept on the disk.

  A damaged line counts as not written, so its shard is written again.

  Args:
    work: the work folder of the conversion.
    fingerprint: identifies input and settings; a journal with another
      fingerprint is discarded.
  """

  def __init__(self, work: str, fingerprint: Mapping[str, Any]):
    self._work = work
    self._path = os.path.join(work, 'journal.jsonl')
    lines = self._read_lines()
    if not lines or lines[0] != fingerprint:
      lines = [fingerprint]
    shards = [shard for shard in lines[1:] if _is_valid(shard)]
    files.write(self._path, b''.join(map(_line, [lines[0], *shards])))
    self._shards = {shard['file']: shard for shard in shards}

  def _read_lines(self) -> list:
    try:
      data = files.read_bytes(self._path)
    except OSError:
      return []
    values = []
    for line in data.split(b'\n'):
      try:
        values.append(json_files.parse(line, _ANY))
      except json_files.StructureError:
        values.append(None)
    return values

  def get(self, filename: str) -> dict[str, Any] | None:
    """Return the entry of a finished shard, None if it must be written.

    Args:
      filename: the name of the shard's file.
    """
    shard = self._shards.get(filename)
    path = os.path.join(self._work, filename)
    if shard and os.path.isfile(path):
      return shard if os.path.getsize(path) == shard['bytes'] else None
    return None

  def add(self, shard: dict[str, Any]) -> None:
    """Add a finished shard.

    Args:
      shard: the entry of the shard.

    Raises:
      OSError: if the journal cannot be written.
    """
    self._shards[shard['file']] = shard
    with open(self._path, 'ab') as file:
      file.write(_line(shard))
      file.flush()
      os.fsync(file.fileno())

  def discard(self) -> None:
    """Remove the finished shards and the journal."""
    for filename in self._shards:
      files.remove(os.path.join(self._work, filename))
    files.remove(self._path)


def _line(entry) -> bytes:
  return json.dumps(entry, ensure_ascii=True).encode() + b'\n'


def _is_valid(shard) -> bool:
  """Return whether a line of the journal is the entry of a shard."""
  try:
    json_files.check(shard, _SHARD_SCHEMA)
  except json_files.StructureError:
    return False
  return (
    converted.is_plain_name(shard['file'])
    and all(label.isascii() and label.isdigit() for label in shard['labels'])
    and sum(shard['labels'].values()) == shard['num_samples']
    and all(len(bad) == len(RejectedImage._fields) for bad in shard['bad'])
  )


def write_split(
  name: str,
  split: Split,
  shard_name: Callable[[str, int, int], str],
  work: str,
  journal: Journal,
) -> list[dict[str, Any]]:
  """Write the shards of a split to the work folder.

  Shards that an earlier run has finished are not written again.

  Args:
    name: the name of the split.
    split: the samples.
    shard_name: shard_name(name, index, num_shards) returns a file name.
    work: the work folder.
    journal: the journal of the work folder.

  Returns:
    The entry of each shard.

  Raises:
    OSError: if a shard cannot be written.
  """
  shards, finishing = [], []
  with (
    progress.Progress(f'Converting {name}', split.num_items) as bar,
    concurrent.futures.ThreadPoolExecutor(1) as thread,
  ):
    for index in range(split.num_shards):
      start = index * split.num_items // split.num_shards
      stop = (index + 1) * split.num_items // split.num_shards
      filename = shard_name(name, index, split.num_shards)
      path = os.path.join(work, filename)
      shard = journal.get(filename)
      if shard is None:
        shard = _write_shard(path, split.read(start, stop), bar)
        # One shard is flushed to the disk while the next is written.
        finishing.append(thread.submit(_finish, path, shard, journal))
        for earlier in finishing[-2:-1]:
          earlier.result()
      else:
        bar.skip(stop - start)
      shards.append(shard)
  for last in finishing[-1:]:
    last.result()
  return shards


def _finish(path: str, shard: dict[str, Any], journal: Journal) -> None:
  shard['bytes'] = encoding.finish_shard(path)
  journal.add(shard)


def _write_shard(path, samples, bar) -> dict[str, Any]:
  """Write one shard and return its entry."""
  labels, formats = collections.Counter(), collections.Counter()
  notes, bad = collections.Counter(), []
  with encoding.ShardWriter(path) as writer:
    for sample in samples:
      bar.add()
      if isinstance(sample, RejectedImage):
        bad.append(list(sample))
        continue
      writer.write(encoding.encode_sample(sample))
      labels[sample.label] += 1
      formats[sample.image_format] += 1
      if sample.notes:
        notes.update(sample.notes)
  return {
    'file': os.path.basename(path),
    'num_samples': sum(labels.values()),
    'labels': {str(label): labels[label] for label in sorted(labels)},
    'formats': dict(sorted(formats.items())),
    'notes': dict(sorted(notes.items())),
    'bad': bad,
  }


def summarize(shards: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
  """Return the entry of a split in dataset.json.

  Args:
    shards: the entries of its shards, as `write_split` returns them.
  """
  labels, formats = collections.Counter(), collections.Counter()
  notes = collections.Counter()
  for shard in shards:
    labels.update(shard['labels'])
    formats.update(shard['formats'])
    notes.update(shard['notes'])
  keys = ('file', 'bytes', 'num_samples')
  return {
    'num_samples': sum(shard['num_samples'] for shard in shards),
    'samples_per_class': {key: labels[key] for key in sorted(labels, key=int)},
    'formats': dict(sorted(formats.items())),
    'notes': dict(sorted(notes.items())),
    'shards': [{key: shard[key] for key in keys} for shard in shards],
  }


def numbered_names(dataset_name: str) -> Callable[[str, int, int], str]:
  """Return a function for names like `NAME_train-00000-of-00005.tfrecord`.

  Args:
    dataset_name: the start of the file names.
  """
  return lambda split, index, count: (
    f'{dataset_name}_{split}-{index:05}-of-{count:05}.tfrecord'
  )


def num_shards(wanted: int | None, num_samples: int) -> int:
  """Return the number of files of a split, so that none of them is empty.

  Args:
    wanted: the number that the user asked for; None for one file per 1,000
      samples, 128 at most.
    num_samples: the number of samples.
  """
  if wanted is None:
    wanted = min(-(-num_samples // _SAMPLES_PER_SHARD), _MAX_SHARDS)
  return max(1, min(wanted, num_samples))
