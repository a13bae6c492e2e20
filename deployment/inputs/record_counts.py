"""How many records each file of a data set holds, without reading them.

A run that resumes skips whole files by these numbers. Conversions of this
library write them into dataset.json. For other files they are counted once and
remembered in the user's private cache folder.
"""

import concurrent.futures
import hashlib
import os
import tempfile
from typing import Any

from absl import logging

from datasets import converted, reading
from slim_support import errors, files, json_files

_COUNTED_AT_ONCE = 8
_ADVICE = 'Delete it.'


def of_files(
  dataset: Any, names: list[str], *, count: bool
) -> list[int] | None:
  """Return the number of records of each file.

  Args:
    dataset: the tf-slim Dataset.
    names: its files.
    count: whether to count the records where no one has done it before. Files
      on remote file systems are not counted, because that would read them.

  Returns:
    The numbers in the order of `names`; None if they are not known.
  """
  known = getattr(dataset, 'record_counts', None) or _written(dataset)
  if all(name in known for name in names):
    return [known[name] for name in names]
  if any(map(files.is_remote, names)):
    return None
  try:
    return _remembered(names, count)
  except (OSError, errors.UserError) as error:
    logging.debug('The records are not counted: %s', error)
    return None


def _written(dataset):
  """Return the numbers by file that dataset.json gives."""
  folder = getattr(dataset, 'dataset_dir', None)
  try:
    metadata = (converted.read_metadata(folder) if folder else None) or {}
  except errors.UserError:
    return {}
  return {
    files.join(folder, shard['file']): shard['num_samples']
    for split in metadata.get('splits', {}).values()
    for shard in split['shards']
    if isinstance(shard.get('num_samples'), int)
    and _has_size(files.join(folder, shard['file']), shard['bytes'])
  }


def _has_size(path, size):
  return files.is_file(path) and files.size(path) == size


def _remembered(names, count):
  """Return the numbers from the cache, counted first if need be."""
  prints = ''.join(map(files.fingerprint, names))
  key = hashlib.sha256(prints.encode()).hexdigest()[:24]
  folder = files.private_folder(tempfile.gettempdir(), 'slim-cache')
  path = os.path.join(folder, f'record_counts-{key}.json')
  if files.is_file(path):
    counts = json_files.read(path, {'counts': [int]}, _ADVICE)['counts']
    if len(counts) == len(names):
      return counts
  if not count:
    return None
  logging.info('Counting the records of %d files, once.', len(names))
  with concurrent.futures.ThreadPoolExecutor(_COUNTED_AT_ONCE) as pool:
    counts = [*pool.map(reading.count_by_length, names)]
  files.write(path, json_files.encode({'counts': counts}))
  return counts
