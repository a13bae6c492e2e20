"""Parse the lines of a file of class names, such as labels.txt.

The lines are names, one for each class, or numbered names such as `0:daisy` in
any order. Importing this module does not import TensorFlow.
"""

import re

from slim_support import errors, files

# No network has nearly as many classes, so a larger label is a mistake.
MAX_CLASSES = 10_000_000
_MAX_BYTES = 2**28
_NUMBERED = re.compile(r'[ \t]*(-?[0-9]+)[ \t]*:(.*)')


def read(path: str, shown: str | None = None) -> list[str]:
  """Return the lines of a text file, without line ends and byte order mark.

  Args:
    path: the file, in UTF-8, with the line ends of any operating system.
    shown: how messages name the file; its path by default.

  Raises:
    UserError: if it cannot be read or is not text.
  """
  shown = shown or path
  try:
    data = files.read_bytes(path, _MAX_BYTES + 1)
  except OSError as error:
    raise errors.UserError(
      f'{shown} cannot be read: {error.strerror or error}.'
    ) from error
  try:
    text = data.decode('utf-8-sig')
  except UnicodeDecodeError as error:
    raise errors.UserError(
      f'{shown} is not UTF-8 text. Save it as UTF-8.'
    ) from error
  if '\0' in text or len(data) > _MAX_BYTES:
    raise errors.UserError(f'{shown} is not a file of class names.')
  # Not `splitlines`, which also splits at characters that names may contain.
  return re.split(r'\r\n|\r|\n', text)


def is_numbered(line: str) -> bool:
  """Return whether a line has the form `0:daisy`.

  Args:
    line: a line of the file, without its line end.
  """
  return _NUMBERED.fullmatch(line) is not None


def parse_numbered(lines: list[str], shown: str) -> dict[int, str]:
  """Return label -> name from numbered lines.

  Args:
    lines: the lines of a file; blank ones are skipped.
    shown: how messages name the file.

  Raises:
    UserError: if a line does not look like `0:daisy`, if a label is too large,
      or if two lines have the same label; the message gives the line number.
  """
  names = {}
  for number, line in enumerate(lines, 1):
    if not line.strip():
      continue
    match = _NUMBERED.fullmatch(line)
    if not match:
      raise errors.UserError(
        f'{shown}, line {number}: expected LABEL:NAME, for instance 0:daisy, '
        f'found {line[:60]!r}.'
      )
    digits, name = match.groups()
    if len(digits) > 18 or abs(int(digits)) >= MAX_CLASSES:
      raise errors.UserError(
        f'{shown}, line {number}: the label {digits[:20]} is too large.'
      )
    label = int(digits)
    if label in names:
      raise errors.UserError(
        f'{shown}, line {number}: the label {label} is on an earlier line too.'
      )
    names[label] = name
  return names
