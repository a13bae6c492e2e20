"""The end of a conversion: finished shards get their names, and are described.

dataset.json is written last, and that of an earlier conversion removed first,
so that it is never beside shards that it does not describe.
"""

import os

from datasets import converted
from datasets.conversion import work_folder
from datasets.conversion.shards import Rejected
from slim_support import errors, files

BAD_FILES_FILENAME = 'bad_images.txt'
_MAX_LISTED = 1000
_NOTES = {
  'exif_rotated': 'carry an EXIF orientation; their pixels are stored as they '
  'lie in the file, and decoders show them unturned',
  'reencoded': 'were re-encoded, as they could not be stored as they are',
}


def publish(dataset_dir, class_names, metadata):
  """Moves shards to their names and writes the files that say it is done.

  Args:
    dataset_dir: the folder of the data set, which holds the work folder.
    class_names: label -> name.
    metadata: what dataset.json shall hold; its `splits` name the shards.
  """
  work = os.path.join(dataset_dir, work_folder.WORK_FOLDER)
  before = converted.read_metadata(dataset_dir)
  if before is not None:
    os.remove(os.path.join(dataset_dir, converted.METADATA_FILENAME))
  new = _shard_files(metadata)
  for filename in sorted(_shard_files(before) - new):
    files.remove(os.path.join(dataset_dir, filename))
  for filename in sorted(new):
    path = os.path.join(dataset_dir, filename)
    files.move(os.path.join(work, filename), path)
  converted.write_label_file(class_names, dataset_dir)
  converted.write_metadata(
    {**metadata, 'format_version': converted.FORMAT_VERSION}, dataset_dir
  )


def _shard_files(written: dict | None) -> set[str]:
  if written is None:
    return set()
  return {
    shard['file']
    for split in written['splits'].values()
    for shard in split['shards']
  }


def bad_images(rejected: list[Rejected]) -> errors.UserError:
  """Returns the error that lists the images that cannot be used."""
  lines = [f'  {bad.name}: {bad.reason}' for bad in rejected[:_MAX_LISTED]]
  if len(rejected) > _MAX_LISTED:
    lines.append(f'  ... and {len(rejected) - _MAX_LISTED} more')
  listing = '\n'.join(lines)
  return errors.UserError(
    f'{len(rejected)} bad images; nothing was written. Mend or remove them, or '
    f'leave them out with --skip_bad_images:\n{listing}'
  )


def write_bad_list(rejected, dataset_dir):
  """Writes the list of left-out images, or removes that of an earlier run."""
  path = os.path.join(dataset_dir, BAD_FILES_FILENAME)
  if not rejected:
    files.remove(path)
    return
  lines = ''.join(f'{bad.name}\t{bad.reason}\n' for bad in rejected)
  files.write(path, lines.encode('utf-8', 'backslashreplace'))
  print(f'Left out {len(rejected)} bad images; see {path}')


def describe_notes(splits) -> list[str]:
  """Returns sentences on what was noted about the images of all splits."""
  sentences = []
  for note, words in _NOTES.items():
    count = sum(split['notes'].get(note, 0) for split in splits.values())
    if count:
      sentences.append(f'{count} images {words}.')
  return sentences
