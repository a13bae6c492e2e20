"""Class names for the scores of a network."""

from datasets import label_lines
from slim_support import errors


def read(path: str) -> list[str | None]:
  """Return the class names in a file, by index.

  Args:
    path: a file of names, one on each line, or numbered like `0:daisy` in any
      order.

  Returns:
    The names; None where a numbered file skips a number or a line is blank.

  Raises:
    UserError: if the file cannot be read, is empty, numbers only some of its
      lines, or gives a number twice.
  """
  shown = f'--labels={path}'
  lines = label_lines.read(path, shown)
  while lines and not lines[-1].strip():
    lines.pop()
  if not lines:
    raise errors.UserError(f'{shown} is empty.')
  if not _check_same_form(lines, shown):
    return [line.strip() or None for line in lines]
  names = label_lines.parse_numbered(lines, shown)
  if min(names) < 0:
    raise errors.UserError(
      f'{shown} has the label {min(names)}. Number the classes from 0.'
    )
  return [
    names.get(index, '').strip() or None for index in range(max(names) + 1)
  ]


def _check_same_form(lines, shown):
  """Return whether all lines are numbered; refuse a mixture."""
  filled = [
    (number, label_lines.is_numbered(line))
    for number, line in enumerate(lines, 1)
    if line.strip()
  ]
  first, numbered = filled[0]
  for number, is_numbered in filled:
    if is_numbered != numbered:
      with_number, without = (first, number) if numbered else (number, first)
      raise errors.UserError(
        f'{shown}: line {with_number} is numbered, but line {without} is not. '
        'Number all lines, like 0:daisy, or none.'
      )
  return numbered


def fit(
  names: list[str | None],
  num_classes: int,
  path: str,
  labels_offset: int | None = None,
  recorded_offset: int = 0,
) -> list[str | None]:
  """Return one name for each class of a network.

  Args:
    names: the names in the file.
    num_classes: the number of classes of the network.
    path: the file, for the error.
    labels_offset: how many of the first names to leave out; None if the user
      did not say.
    recorded_offset: how many of the first labels of its data set the network
      leaves out; used where the user did not say, if the file names them too.

  Raises:
    UserError: if the numbers of names and classes differ.
  """
  offset = recorded_offset if labels_offset is None else labels_offset
  if len(names) == num_classes + offset:
    return names[offset:]
  if len(names) == num_classes and labels_offset is None:
    return names
  raise errors.UserError(
    f'--labels={path} names {len(names)} classes, but the network has '
    f'{num_classes}.{_advice(len(names), num_classes, labels_offset)}'
  )


def _advice(count, num_classes, labels_offset):
  """Return a sentence on how to make the numbers fit, or ''."""
  if labels_offset and count == num_classes:
    return ' Leave out --labels_offset.'
  if count == num_classes + 1:
    return (
      ' If the first name is a background class that the network does not '
      'have, use --labels_offset=1.'
    )
  if count == num_classes - 1:
    return (
      ' If the first class of the network is the background, add a line for '
      'it at the top of the file.'
    )
  return ''
