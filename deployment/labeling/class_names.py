"""Class names for the scores of a network."""

import re

from slim_support import errors

_NUMBERED = re.compile(r'(\d+):(.*)')


def read(path: str) -> list:
  """Reads a file of class names.

  Args:
    path: names, one a line, or numbered `0:daisy` in any order.

  Returns:
    The names by index; None where a numbered file leaves a gap.

  Raises:
    UserError: if the file cannot be read or names nothing.
  """
  try:
    with open(path, encoding='utf-8') as file:
      lines = [line.rstrip('\r\n') for line in file]
  except (OSError, UnicodeDecodeError) as error:
    raise errors.UserError(
      f'--labels={path} cannot be read: '
      f'{getattr(error, "strerror", None) or "it is no text"}.'
    ) from error
  while lines and not lines[-1].strip():
    lines.pop()
  if not lines:
    raise errors.UserError(f'--labels={path} is empty.')
  matches = [_NUMBERED.fullmatch(line) for line in lines if line.strip()]
  if not all(matches):
    return lines
  names = {int(match[1]): match[2] for match in matches}
  return [names.get(index) for index in range(max(names) + 1)]


def fit(names: list, num_classes: int, offset: int, path: str) -> list:
  """Returns one name for each class.

  Args:
    names: what the file holds.
    num_classes: classes of the network.
    offset: how many names at the head the network may leave out.
    path: the file, for the error.

  Raises:
    UserError: if the counts differ; says both.
  """
  if len(names) == num_classes:
    return names
  if len(names) == num_classes + offset:
    return names[offset:]
  hint = ''
  if len(names) == num_classes + 1:
    hint = (
      ' If the first of them is a background class that the network does not '
      'know, say --labels_offset=1.'
    )
  raise errors.UserError(
    f'--labels={path} names {len(names)} classes, but the network tells '
    f'{num_classes} apart.{hint}'
  )
