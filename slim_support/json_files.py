"""JSON files of this library: written whole, and checked when they are read.

A file may have been damaged by a kill, a full disk or an editor, so its
structure is checked against a schema before anything of it is used. A schema is

    a type or a tuple of types      str, (int, float), (str, type(None))
    [schema]                        a list of such values
    {str: schema}                   an object with any names
    {'name': schema, 'other?': …}   an object with these names; '?' marks those
                                    that may be missing, further ones are fine
"""

import json
import math
from typing import Any

from slim_support import errors, files

_NAMES = {
  dict: 'an object',
  list: 'a list',
  str: 'a text',
  int: 'a whole number',
  float: 'a number',
  bool: 'true or false',
  type(None): 'null',
}


class StructureError(ValueError):
  """A value does not have the structure that its schema asks for."""


def encode(content: Any, indent: int = 2) -> bytes:
  """Return JSON for people to read, in UTF-8.

  Raises:
    ValueError: if a number is NaN or infinite, which JSON does not have.
  """
  text = json.dumps(content, indent=indent, ensure_ascii=False, allow_nan=False)
  return f'{text}\n'.encode('utf-8', 'backslashreplace')


def write(path: str, content: Any) -> None:
  """Write a JSON file, whole or not at all; see `files.write`."""
  files.write(path, encode(content))


def read(path: str, schema: Any, advice: str) -> Any:
  """Return the contents of a JSON file.

  Args:
    path: the file.
    schema: what it must hold, see the module's docstring.
    advice: a sentence that says what to do about a damaged file.

  Raises:
    UserError: if it cannot be read or holds something else.
  """
  try:
    data = files.read_bytes(path)
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be read: {error.strerror or error}.'
    ) from error
  try:
    return parse(data, schema)
  except StructureError as error:
    raise errors.UserError(f'{path} is damaged: {error}. {advice}') from error


def parse(data: bytes | str, schema: Any) -> Any:
  """Return the value of a JSON text.

  Raises:
    StructureError: if it is not JSON or does not fit the schema.
  """
  try:
    value = json.loads(
      data, parse_constant=_refuse_constant, parse_float=_finite
    )
  except UnicodeDecodeError as error:
    raise StructureError('it is not UTF-8 text') from error
  except (ValueError, RecursionError) as error:
    raise StructureError(f'it is not valid JSON ({error})') from error
  check(value, schema)
  return value


def _refuse_constant(name):
  raise ValueError(f'{name} is not a JSON number')


def _finite(text):
  number = float(text)
  if not math.isfinite(number):
    raise ValueError(f'{text[:40]} is too large')
  return number


def check(value: Any, schema: Any, place: str = '') -> None:
  """Check a value against a schema.

  Args:
    value: what was read.
    schema: see the module's docstring.
    place: where the value stands, for the message.

  Raises:
    StructureError: if it does not fit; the message says where and why.
  """
  if isinstance(schema, dict):
    _check_type(value, dict, place)
    _check_members(value, schema, place)
  elif isinstance(schema, list):
    _check_type(value, list, place)
    for index, item in enumerate(value):
      check(item, schema[0], f'{place}[{index}]')
  else:
    _check_type(value, schema, place)


def _check_members(value, schema, place):
  if list(schema) == [str]:
    for name, item in value.items():
      check(item, schema[str], _below(place, name))
    return
  for name, inner in schema.items():
    key = name.removesuffix('?')
    if key in value:
      check(value[key], inner, _below(place, key))
    elif key == name:
      raise StructureError(f'{_below(place, key)!r} is missing')


def _below(place, name):
  return f'{place}.{name}' if place else name


def _check_type(value, wanted, place):
  wanted = wanted if isinstance(wanted, tuple) else (wanted,)
  # To Python, True is an int and 1 is not a float.
  allowed = {*wanted, int} if float in wanted else {*wanted}
  if type(value) not in allowed:
    expected = ' or '.join(_NAMES[kind] for kind in wanted)
    found = _NAMES.get(type(value), type(value).__name__)
    where = repr(place) if place else 'the file'
    raise StructureError(f'{where} must be {expected}, not {found}')
