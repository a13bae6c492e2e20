"""Writing of a data set's shards, one after another, resumable.

The work folder keeps finished shards and a journal that says which they are.
"""

import collections
import concurrent.futures
import json
import os
from collections.abc import Callable, Iterable
from typing import NamedTuple

from datasets.conversion import encoding
from slim_support import files, progress


class Rejected(NamedTuple):
  """An image that cannot be used."""

  name: str
  reason: str


class Split(NamedTuple):
  """One split on its way into shards.

  Attributes:
    num_items: how many samples there are, rejected ones included.
    read: read(start, stop) yields, in order, a `records.Sample` or a `Rejected`
      for each item from start to before stop.
    num_shards: how many files to write.
  """

  num_items: int
  read: Callable[[int, int], Iterable]
  num_shards: int = 1


def write_split(name, split, shard_name, work, journal) -> list[dict]:
  """Writes the shards of a split into the work folder; returns their records.

  Shards that an earlier run finished are not written again.

  Args:
    name: the name of the split.
    split: a `Split`.
    shard_name: shard_name(name, index, num_shards) is a file's name.
    work: the work folder.
    journal: the `Journal` of the work folder.
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
        # The disk takes one shard in while the next is written.
        finishing.append(thread.submit(_finish, path, shard, journal))
        for earlier in finishing[-2:-1]:
          earlier.result()
      else:
        bar.skip(stop - start)
      shards.append(shard)
  for last in finishing[-1:]:
    last.result()
  return shards


def _finish(path: str, shard: dict, journal):
  shard['bytes'] = encoding.finish_shard(path)
  journal.add(shard)


def _write_shard(path, samples, bar) -> dict:
  """Writes one shard and returns what dataset.json says of it."""
  labels, formats = collections.Counter(), collections.Counter()
  notes, bad = collections.Counter(), []
  with encoding.ShardWriter(path) as writer:
    for sample in samples:
      bar.add()
      if isinstance(sample, Rejected):
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


class Journal:
  """Which shards are finished; survives the process.

  Args:
    work: the folder of the conversion.
    fingerprint: a journal, and the shards, of other settings are thrown away.
  """

  def __init__(self, work: str, fingerprint: dict):
    self._work = work
    self._path = os.path.join(work, 'journal.jsonl')
    lines = self._read_lines()
    if not lines or lines[0] != fingerprint:
      lines = [fingerprint]
    files.write(self._path, b''.join(map(_line, lines)))
    self._shards = {shard['file']: shard for shard in lines[1:]}

  def _read_lines(self) -> list:
    try:
      with open(self._path, 'rb') as file:
        # What comes after the last line break was being written at the end.
        return [json.loads(line) for line in file.read().split(b'\n')[:-1]]
    except (OSError, ValueError):
      return []

  def get(self, filename: str) -> dict | None:
    """Returns the record of a finished shard that is still there."""
    shard = self._shards.get(filename)
    path = os.path.join(self._work, filename)
    if shard and os.path.isfile(path):
      return shard if os.path.getsize(path) == shard['bytes'] else None
    return None

  def add(self, shard: dict):
    """Notes a finished shard."""
    self._shards[shard['file']] = shard
    with open(self._path, 'ab') as file:
      file.write(_line(shard))
      file.flush()
      os.fsync(file.fileno())

  def discard(self):
    """Removes the finished shards and the journal."""
    for filename in self._shards:
      files.remove(os.path.join(self._work, filename))
    os.remove(self._path)


def _line(entry) -> bytes:
  return json.dumps(entry, ensure_ascii=True).encode() + b'\n'


def summarize(shards: list[dict]) -> dict:
  """Returns the entry of a split in dataset.json."""
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


_SAMPLES_A_SHARD = 1000


_MAX_SHARDS = 128


def numbered_names(dataset_name: str):
  """Returns the naming `NAME_train-00000-of-00005.tfrecord`."""
  return lambda split, index, count: (
    f'{dataset_name}_{split}-{index:05}-of-{count:05}.tfrecord'
  )


def num_shards(wanted: int | None, num_samples: int) -> int:
  """Returns into how many files a split goes, none of them empty.

  Args:
    wanted: what the user asked for; None for one file a thousand samples.
    num_samples: the number of samples.
  """
  if wanted is None:
    wanted = min(-(-num_samples // _SAMPLES_A_SHARD), _MAX_SHARDS)
  return max(1, min(wanted, num_samples))
