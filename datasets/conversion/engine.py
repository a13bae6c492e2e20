"""The conversion engine that all converters share.

A converter is a `Source`: what to download, and how to open it as splits of
samples. The engine does the rest. It locks the folder, downloads, and writes
the shards one after another to the work folder `.conversion`. When all of them
are complete, it moves them to their names and writes labels.txt and, last,
dataset.json. So an interrupted conversion never looks complete: the next run
continues after the last finished shard and ends with the same bytes.
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
from datasets.conversion.shards import RejectedImage, Split
from datasets.downloading import downloads as downloading
from datasets.downloading.downloads import Download
from slim_support import errors, files

__all__ = [
  'OpenedSource',
  'Options',
  'RejectedImage',
  'Source',
  'Split',
  'convert',
]


class OpenedSource(NamedTuple):
  """The contents of a source that was opened.

  Attributes:
    class_names: label -> name.
    splits: split -> its samples.
    fingerprint: identifies the input; a JSON object.
    extra_metadata: further entries of dataset.json.
    rejected: images that were found to be unusable while opening.
    modified_secs: time of the input's last change, in seconds since 1970; 0 if
      that does not matter.
    close: called when everything was read.
  """

  class_names: Mapping[int, str]
  splits: Mapping[str, Split]
  fingerprint: Mapping[str, Any] = {}
  extra_metadata: Mapping[str, Any] = {}
  rejected: Sequence[RejectedImage] = ()
  modified_secs: float = 0.0
  close: Callable[[], None] = lambda: None


@dataclasses.dataclass(frozen=True)
class Source:
  """A data set to convert.

  Attributes:
    name: the name of the data set, as in `--dataset_name`.
    open: open(paths, work_folder) returns the `OpenedSource`; `paths` maps the
      file names of the downloads to their paths.
    downloads: the files to download first, or a function that returns them.
    shard_name: shard_name(split, index, num_shards) returns the name of a
      file; None for one file per split, `NAME_train.tfrecord`.
    closing_line: closing_line(counts) returns the last line of the output;
      `counts` maps splits to numbers of images. None for a general sentence.
    settings: the user's options that change the files.
    input_can_change: whether the input may differ from that of an earlier
      conversion; published data never do.
    keep_intermediate_files: whether to keep the downloads, and the finished
      shards if there are bad images; for data sets that take hours.
  """

  name: str
  open: Callable[[Mapping[str, str], str], OpenedSource]
  downloads: tuple[Download, ...] | Callable[[], Sequence[Download]] = ()
  shard_name: Callable[[str, int, int], str] | None = None
  closing_line: Callable[[Mapping[str, int]], str] | None = None
  settings: Mapping[str, Any] = dataclasses.field(default_factory=dict)
  input_can_change: bool = False
  keep_intermediate_files: bool = False


def convert(
  source: Source, dataset_dir: str, options: Options | None = None
) -> None:
  """Convert a data set, unless the folder holds it already.

  Args:
    source: the data set.
    dataset_dir: the folder to write to; created if it does not exist.
    options: the user's options; None for the defaults.

  Raises:
    UserError: if the folder cannot be written to, is full or in use, if a
      download fails, or if there are bad images and they are not skipped.
  """
  options = options or Options()
  with work_folder.locked(dataset_dir) as work:
    if not source.input_can_change and _is_complete(source, None, dataset_dir):
      files.remove_tree(work)
      return
    paths = _fetch_all(source, dataset_dir, work, options)
    opened = source.open(paths, work)
    with contextlib.closing(opened):
      if not _is_complete(source, opened, dataset_dir):
        _write_data_set(source, opened, dataset_dir, options)
    if options.keep_downloads or source.keep_intermediate_files:
      _move_downloads(paths, dataset_dir)
    files.remove_tree(work)


def _is_complete(source, opened, dataset_dir) -> bool:
  """Return whether the folder holds what the conversion would write.

  Raises:
    UserError: if it holds another data set.
  """
  metadata = converted.read_metadata(dataset_dir)
  if metadata is None:
    return False
  if metadata['name'] != source.name:
    raise errors.UserError(
      f'{dataset_dir} already holds the data set {metadata["name"]!r}. Use '
      f'another --dataset_dir for {source.name!r}.'
    )
  reason = _reason_to_convert(source, opened, dataset_dir, metadata)
  if reason:
    print(f'Converting again: {reason}.')
    return False
  splits = metadata['splits'].values()
  total = sum(split['num_samples'] for split in splits)
  num_files = sum(len(split['shards']) for split in splits)
  print(
    f'{dataset_dir} already holds {source.name}: {total} samples in '
    f'{num_files} files.'
  )
  return True


def _reason_to_convert(source, opened, dataset_dir, metadata) -> str | None:
  """Return why the existing files must be replaced, None if they need not."""
  if metadata.get('made_from') != _made_from(source, opened, metadata):
    return f'{dataset_dir} was made from other input or with other options'
  path = os.path.join(dataset_dir, converted.METADATA_FILENAME)
  if opened is not None and opened.modified_secs > os.path.getmtime(path):
    return f'the input of {dataset_dir} has changed'
  if not converted.has_labels(dataset_dir):
    return f'{dataset_dir} has no {converted.LABELS_FILENAME}'
  try:
    converted.read_label_file(dataset_dir)
  except errors.UserError as error:
    return str(error).removesuffix('.')
  for split in metadata['splits'].values():
    for shard in split['shards']:
      path = os.path.join(dataset_dir, shard['file'])
      if not os.path.isfile(path) or os.path.getsize(path) != shard['bytes']:
        return f'{path} is missing or incomplete'
  return None


def _made_from(source, opened, metadata=None) -> dict:
  """Return settings and input as they are after a round trip through JSON.

  Before the source is open, its input is taken to be that of the earlier
  conversion.
  """
  if opened is None:
    made_from = {
      **metadata.get('made_from', {}),
      'settings': source.settings,
    }
  else:
    made_from = {
      'settings': source.settings,
      'input': opened.fingerprint,
      'shards': {
        name: split.num_shards for name, split in opened.splits.items()
      },
    }
  return json.loads(json.dumps(made_from))


def _fetch_all(source, dataset_dir, work, options) -> dict[str, str]:
  """Return file name -> path; files in the data set's folder are used first."""
  paths, downloads = {}, source.downloads
  for download in downloads() if callable(downloads) else downloads:
    existing = os.path.join(dataset_dir, download.filename)
    if os.path.exists(existing):
      downloading.check(download, existing)
      paths[download.filename] = existing
    else:
      paths[download.filename] = downloading.fetch(
        download, work, options.retry_policy, replace_wrong_file=True
      )
  return paths


def _move_downloads(paths, dataset_dir) -> None:
  for filename, path in paths.items():
    files.move(path, os.path.join(dataset_dir, filename))


def _write_data_set(source, opened, dataset_dir, options) -> None:
  """Write the shards, then publish them."""
  if options.before_writing:
    options.before_writing()
  work = os.path.join(dataset_dir, work_folder.WORK_FOLDER)
  journal = shards.Journal(work, _made_from(source, opened))
  shard_name = source.shard_name or _one_file_per_split(source.name)
  splits, rejected = {}, [*opened.rejected]
  for name, split in opened.splits.items():
    entries = shards.write_split(name, split, shard_name, work, journal)
    rejected += [
      RejectedImage(*bad) for entry in entries for bad in entry['bad']
    ]
    splits[name] = shards.summarize(entries)
  if rejected and not options.skip_bad_images:
    if not source.keep_intermediate_files:
      journal.discard()
    raise publishing.bad_images_error(rejected)
  counts = {name: split['num_samples'] for name, split in splits.items()}
  if not any(counts.values()):
    journal.discard()
    raise errors.UserError(f'{source.name} has no usable images.')
  metadata = {
    **opened.extra_metadata,
    'name': source.name,
    'num_classes': max(opened.class_names) + 1,
    'splits': splits,
    'made_from': _made_from(source, opened),
  }
  publishing.publish(dataset_dir, opened.class_names, metadata)
  publishing.write_bad_images_list(rejected, dataset_dir)
  for sentence in publishing.describe_notes(splits):
    print(sentence)
  print((source.closing_line or _closing_line)(counts))


def _closing_line(counts: Mapping[str, int]) -> str:
  listing = ', '.join(f'{count} in {name}' for name, count in counts.items())
  return f'Finished converting {sum(counts.values())} images: {listing}.'


def _one_file_per_split(dataset_name: str) -> Callable[[str, int, int], str]:
  return lambda split, index, num_shards: f'{dataset_name}_{split}.tfrecord'
