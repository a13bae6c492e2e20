"""The end of a conversion: move shards to their names and describe them.

dataset.json is removed first and written last, so that it never stands beside
shards that it does not describe.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from datasets import converted
from datasets.conversion import work_folder
from datasets.conversion.shards import RejectedImage
from slim_support import errors, files

BAD_FILES_FILENAME = 'bad_images.txt'
_MAX_LISTED = 1000
_NOTES = {
  'exif_rotated': 'have an EXIF orientation. Their pixels are stored '
  'unrotated, and TensorFlow ignores the orientation',
  'reencoded': 'were re-encoded, because they could not be stored unchanged',
}


def publish(
  dataset_dir: str, class_names: Mapping[int, str], metadata: dict[str, Any]
) -> None:
  """Move the shards to their names, then write labels.txt and dataset.json.

  Args:
    dataset_dir: the folder of the data set, which holds the work folder.
    class_names: label -> name.
    metadata: the contents of dataset.json; its `splits` name the shards.

  Raises:
    OSError: if a file cannot be moved or written.
    UserError: if a class name cannot be written.
  """
  work = os.path.join(dataset_dir, work_folder.WORK_FOLDER)
  before = converted.read_metadata(dataset_dir)
  files.remove(os.path.join(dataset_dir, converted.METADATA_FILENAME))
  new = _shard_files(metadata)
  # `read_metadata` has checked that all names are those of files in the folder.
  for filename in sorted(_shard_files(before) - new):
    files.remove(os.path.join(dataset_dir, filename))
  for filename in sorted(new):
    path = os.path.join(dataset_dir, filename)
    files.move(os.path.join(work, filename), path)
  converted.write_label_file(class_names, dataset_dir)
  converted.write_metadata(
    {**metadata, 'format_version': converted.FORMAT_VERSION}, dataset_dir
  )


def _shard_files(metadata: dict | None) -> set[str]:
  if metadata is None:
    return set()
  return {
    shard['file']
    for split in metadata['splits'].values()
    for shard in split['shards']
  }


def bad_images_error(rejected: Sequence[RejectedImage]) -> errors.UserError:
  """Return the error that lists the images that cannot be used.

  Args:
    rejected: the images; at most 1000 are listed.
  """
  lines = [
    f'  {_printable(bad.name)}: {_printable(bad.reason)}'
    for bad in rejected[:_MAX_LISTED]
  ]
  if len(rejected) > _MAX_LISTED:
    lines.append(f'  ... and {len(rejected) - _MAX_LISTED} more')
  listing = '\n'.join(lines)
  return errors.UserError(
    f'Found {len(rejected)} bad images:\n{listing}\nNo data set was written. '
    'Repair or remove them, or use --skip_bad_images to leave them out.'
  )


def _printable(text: str) -> str:
  """Return a text with escapes for control characters and invalid UTF-8."""
  return ''.join(
    letter
    if letter.isprintable()
    else letter.encode('unicode_escape').decode('ascii')
    for letter in text
  )


def write_bad_images_list(
  rejected: Sequence[RejectedImage], dataset_dir: str
) -> None:
  """Write the list of rejected images, or remove that of an earlier run.

  Args:
    rejected: the images that were left out.
    dataset_dir: the folder to write bad_images.txt to: a line with the name, a
      tab and the reason for each image, in UTF-8.

  Raises:
    OSError: if the file cannot be written.
  """
  path = os.path.join(dataset_dir, BAD_FILES_FILENAME)
  if not rejected:
    files.remove(path)
    return
  lines = ''.join(
    f'{_printable(bad.name)}\t{_printable(bad.reason)}\n' for bad in rejected
  )
  files.write(path, lines.encode())
  print(f'Left out {len(rejected)} bad images, listed in {path}')


def describe_notes(splits: Mapping[str, Mapping[str, Any]]) -> list[str]:
  """Return a sentence for each kind of note about the images of all splits.

  Args:
    splits: the `splits` of dataset.json.
  """
  sentences = []
  for note, words in _NOTES.items():
    count = sum(split['notes'].get(note, 0) for split in splits.values())
    if count:
      sentences.append(f'{count} images {words}.')
  return sentences
