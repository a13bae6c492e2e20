"""The class names of a data set, in labels.txt with lines like `0:daisy`."""

import re
from collections.abc import Mapping

from datasets import label_lines
from slim_support import errors, files

LABELS_FILENAME = 'labels.txt'


def write_label_file(
  labels_to_class_names: Mapping[int, str],
  dataset_dir: str,
  filename: str = LABELS_FILENAME,
) -> None:
  """Write the class names, a line like `0:daisy` for each, sorted by label.

  Args:
    labels_to_class_names: label -> class name.
    dataset_dir: the folder to write to.
    filename: the name of the file.

  Raises:
    UserError: if a name contains a line break or is not valid Unicode.
    OSError: if the file cannot be written.
  """
  lines = []
  for label in sorted(labels_to_class_names):
    name = str(labels_to_class_names[label])
    if re.search(r'[\r\n\ud800-\udfff]', name):
      raise errors.UserError(
        f'The class name {name!r} cannot be written to a line of {filename}. '
        'Rename the class.'
      )
    lines.append(f'{label}:{name}\n')
  files.write(files.join(dataset_dir, filename), ''.join(lines).encode())


def has_labels(dataset_dir: str, filename: str = LABELS_FILENAME) -> bool:
  """Return whether the folder holds a file of class names.

  Args:
    dataset_dir: the folder of the data set.
    filename: the name of the file.
  """
  return files.exists(files.join(dataset_dir, filename))


def read_label_file(
  dataset_dir: str, filename: str = LABELS_FILENAME
) -> dict[int, str]:
  """Return label -> class name.

  Args:
    dataset_dir: the folder of the data set.
    filename: the name of the file.

  Raises:
    UserError: if the file cannot be read, if a line does not look like
      `0:daisy`, or if two lines have the same label.
  """
  path = files.join(dataset_dir, filename)
  return label_lines.parse_numbered(label_lines.read(path), path)
