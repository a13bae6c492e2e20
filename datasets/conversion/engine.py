"""The one engine behind all converters.

A converter is a `Source`: what to download, and how to open it as splits of
samples. The engine does the rest: it locks the folder, downloads, writes the
shards one after another into `.conversion`, and only when everything is there
moves the shards to their names and writes labels.txt and, last, dataset.json.
So a conversion that is killed is never taken for a complete one; the next run
goes on after the last finished shard and ends with the same bytes.
"""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from datasets import converted
from datasets.conversion import publishing, shards, work_folder
from datasets.conversion.options import Options
from datasets.conversion.shards import Rejected, Split
from datasets.downloading import downloads as downloading
from datasets.downloading.downloads import Download
from slim_support import errors, files

__all__ = ['Content', 'Options', 'Rejected', 'Source', 'Split', 'convert']


class Content(NamedTuple):
  """What an opened source holds.

  Attributes:
    class_names: label -> name.
    splits: split -> `Split`.
    fingerprint: what identifies the input, for JSON.
    metadata: further entries for dataset.json.
    rejected: what was found to be unusable on opening.
    newest: when the input was last changed, in seconds since 1970; 0 if that
      does not matter.
    close: is called when everything is read.
  """

  class_names: Mapping[int, str]
  splits: Mapping[str, Split]
  fingerprint: Mapping[str, Any] = {}
  metadata: Mapping[str, Any] = {}
  rejected: Sequence[Rejected] = ()
  newest: float = 0.0
  close: Callable[[], None] = lambda: None


@dataclasses.dataclass(frozen=True)
class Source:
  """A data set to convert.

  Attributes:
    name: as in `--dataset_name`.
    open: open(paths, work_folder) returns the `Content`; `paths` maps the file
      names of the downloads to where they lie.
    downloads: what has to be there first, or a function that tells.
    shard_name: shard_name(split, index, num_shards) is a file's name.
    closing_line: closing_line(counts) is what is printed at the end; `counts`
      maps splits to numbers of images.
    settings: what the user asked for; other settings make other files.
    is_fixed: whether the input is always the same, as published data are.
    keeps_finished: whether finished shards, and what was downloaded, stay: of
      a data set that takes hours.
  """

  name: str
  open: Callable[[Mapping[str, str], str], Content]
  downloads: tuple[Download, ...] | Callable[[], Sequence[Download]] = ()
  shard_name: Callable[[str, int, int], str] | None = None
  closing_line: Callable[[Mapping[str, int]], str] | None = None
  settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  is_fixed: bool = True
  keeps_finished: bool = False


def convert(source: Source, dataset_dir: str, options: Options | None = None):
  """Converts a data set, unless the folder holds it already.

  Args:
    source: the data set.
    dataset_dir: the folder to write to; made if it is not there.
    options: None for the usual ones.

  Raises:
    UserError: if the folder cannot be written to, is full or in use, if a
      download fails, or if there are bad images and they are not skipped.
  """
  options = options or Options()
  with work_folder.opened(dataset_dir) as work:
    if source.is_fixed and _is_complete(source, None, dataset_dir):
      files.remove_tree(work)
      return
    paths = _fetch_all(source, dataset_dir, work, options)
    content = source.open(paths, work)
    with contextlib.closing(content):
      if not _is_complete(source, content, dataset_dir):
        _convert_content(source, content, dataset_dir, options)
    if options.keep_downloads or source.keeps_finished:
      _keep(paths, dataset_dir)
    files.remove_tree(work)


def _is_complete(source, content, dataset_dir) -> bool:
  """Says whether the folder holds what the conversion would write.

  Raises:
    UserError: if it holds another data set.
  """
  written = converted.read_metadata(dataset_dir)
  if written is None:
    return False
  if written['name'] != source.name:
    raise errors.UserError(
      f'{dataset_dir} holds the data set {written["name"]!r} already: choose '
      f'another --dataset_dir for {source.name!r}.'
    )
  if written['made_from'] != _made_from(source, content, written):
    print(f'{dataset_dir} was made from other input or settings; converting.')
    return False
  path = os.path.join(dataset_dir, converted.METADATA_FILENAME)
  if content is not None and content.newest > os.path.getmtime(path):
    print(f'The input of {dataset_dir} was changed; converting.')
    return False
  shards = [
    shard for split in written['splits'].values() for shard in split['shards']
  ]
  if not converted.has_labels(dataset_dir):
    print(f'{dataset_dir} has no labels.txt; converting again.')
    return False
  for shard in shards:
    path = os.path.join(dataset_dir, shard['file'])
    if not os.path.isfile(path) or os.path.getsize(path) != shard['bytes']:
      print(f'{path} is missing or not whole; converting again.')
      return False
  total = sum(split['num_samples'] for split in written['splits'].values())
  print(
    f'{dataset_dir} holds {source.name} already: {total} samples in '
    f'{len(shards)} files.'
  )
  return True


def _made_from(source, content, written=None) -> dict:
  """Returns settings and input in the form that JSON gives them back.

  Before the source is open its input is taken to be that of last time.
  """
  if content is None:
    made_from = {**written['made_from'], 'settings': source.settings}
  else:
    shards = {name: split.num_shards for name, split in content.splits.items()}
    made_from = {
      'settings': source.settings,
      'input': content.fingerprint,
      'shards': shards,
    }
  return json.loads(json.dumps(made_from))


def _fetch_all(source, dataset_dir, work, options) -> dict:
  """Returns file name -> path; files placed in the folder are used first."""
  paths, downloads = {}, source.downloads
  for download in downloads() if callable(downloads) else downloads:
    placed = os.path.join(dataset_dir, download.filename)
    if os.path.exists(placed):
      downloading.check(download, placed)
      paths[download.filename] = placed
    else:
      paths[download.filename] = downloading.fetch(
        download, work, options.patience, is_ours=True
      )
  return paths


def _keep(paths, dataset_dir):
  for filename, path in paths.items():
    files.move(path, os.path.join(dataset_dir, filename))


def _convert_content(source, content, dataset_dir, options):
  """Writes the shards, then puts everything in its place."""
  if options.before_writing:
    options.before_writing()
  work = os.path.join(dataset_dir, work_folder.WORK_FOLDER)
  journal = shards.Journal(work, _made_from(source, content))
  shard_name = source.shard_name or _shard_name(source.name)
  splits, rejected = {}, [*content.rejected]
  for name, split in content.splits.items():
    written = shards.write_split(name, split, shard_name, work, journal)
    rejected += [Rejected(*bad) for shard in written for bad in shard['bad']]
    splits[name] = shards.summarize(written)
  if rejected and not options.skip_bad_images:
    if not source.keeps_finished:
      journal.discard()
    raise publishing.bad_images(rejected)
  counts = {name: split['num_samples'] for name, split in splits.items()}
  if not any(counts.values()):
    journal.discard()
    raise errors.UserError(f'{source.name}: there are no usable images.')
  metadata = {
    **content.metadata,
    'name': source.name,
    'num_classes': max(content.class_names) + 1,
    'splits': splits,
    'made_from': _made_from(source, content),
  }
  publishing.publish(dataset_dir, content.class_names, metadata)
  publishing.write_bad_list(rejected, dataset_dir)
  for sentence in publishing.describe_notes(splits):
    print(sentence)
  print((source.closing_line or _closing_line)(counts))


def _closing_line(counts: Mapping[str, int]) -> str:
  listing = ', '.join(f'{count} in {name}' for name, count in counts.items())
  return f'Finished converting {sum(counts.values())} images: {listing}.'


def _shard_name(dataset_name: str):
  """Returns the naming of data sets in one file a split."""
  return lambda split, index, num_shards: f'{dataset_name}_{split}.tfrecord'
