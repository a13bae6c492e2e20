"""Configuration classes whose fields are absl flags.

Each field states its default, its help text and the values that can work, so
that a wrong value is refused before TensorFlow is imported. Only the scripts
see absl's FLAGS: they call `define_flags` when they are imported and
`from_flags` in `main`; everything else takes a configuration.
"""

import dataclasses
import math
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from absl import flags

from slim_support import errors

# What TensorFlow and NumPy can hold.
_LARGEST_INTEGER = 2**63 - 1
_FEW = 8


class _Kind(NamedTuple):
  """A kind of flag.

  Attributes:
    types: the types that a value may have.
    words: what a value is, for messages.
    define: fn(name, default, help) that defines the absl flag.
  """

  types: tuple[type, ...]
  words: str
  define: Callable


def _numeric(parser, words):
  """Return what defines an absl flag whose errors say what a value is."""

  class Parser(parser):
    """Parses a number; an absl parser."""

    def convert(self, argument):
      try:
        return super().convert(argument)
      except (ValueError, TypeError) as error:
        raise ValueError(f'must be {words}.') from error

  return lambda name, default, help_text: flags.DEFINE(
    Parser(), name, default, help_text, serializer=flags.ArgumentSerializer()
  )


def _define_boolean(name, default, help_text):
  """Define a boolean flag whose errors say what a value is."""

  class Parser(flags.BooleanParser):
    """Parses a truth value; an absl parser."""

    def parse(self, argument):
      try:
        return super().parse(argument)
      except (ValueError, TypeError) as error:
        raise ValueError('must be true or false.') from error

  flag = flags.BooleanFlag(name, default, help_text)
  flag.parser = Parser()
  flags.DEFINE_flag(flag)


_WHOLE = 'a whole number, for instance 10'
_NUMBER = 'a number, for instance 0.5'
_KINDS = {
  'string': _Kind((str,), 'a text', flags.DEFINE_string),
  'list': _Kind((tuple,), 'a list', flags.DEFINE_list),
  'integer': _Kind((int,), _WHOLE, _numeric(flags.IntegerParser, _WHOLE)),
  'float': _Kind((float, int), _NUMBER, _numeric(flags.FloatParser, _NUMBER)),
  'boolean': _Kind((bool,), 'true or false', _define_boolean),
}


def _field(kind, default, help_text, **metadata):
  metadata |= {'kind': kind, 'help': help_text}
  return dataclasses.field(
    default=default,
    metadata={
      name: value for name, value in metadata.items() if value is not None
    },
  )


def string(
  default: str | None,
  help_text: str,
  known: Callable[[], Iterable[str]] | None = None,
  group: str | None = None,
  alias: str | None = None,
) -> Any:
  """Declare a string field.

  This field and those after it stand in `--help` under the heading `group`, up
  to the next field that names another.

  Args:
    default: value where the flag is not given; None for no value.
    help_text: what the flag is for.
    known: returns the values that can work; None if any can.
    group: heading in `--help`.
    alias: another spelling of the flag, which `--help` does not show.
  """
  return _field(
    'string', default, help_text, known=known, group=group, alias=alias
  )


def string_list(help_text: str, group: str | None = None) -> Any:
  """Declare a field of comma-separated strings.

  Its value is a tuple, or None where the flag is not given.
  """
  return _field('list', None, help_text, group=group)


def integer(
  default: int | None,
  help_text: str,
  minimum: int | None = None,
  maximum: int | None = None,
  group: str | None = None,
) -> Any:
  """Declare an integer field with a value in [minimum, maximum]."""
  return _field(
    'integer',
    default,
    help_text,
    minimum=-_LARGEST_INTEGER if minimum is None else minimum,
    maximum=_LARGEST_INTEGER if maximum is None else maximum,
    group=group,
  )


def float_(
  default: float | None,
  help_text: str,
  minimum: float | None = None,
  maximum: float | None = None,
  above: float | None = None,
  below: float | None = None,
  group: str | None = None,
) -> Any:
  """Declare a field of a finite number.

  Args:
    default: value where the flag is not given; None for no value.
    help_text: what the flag is for.
    minimum: smallest value that can work.
    maximum: largest value that can work.
    above: value that is too small already.
    below: value that is too large already.
    group: heading in `--help`.
  """
  return _field(
    'float',
    default,
    help_text,
    minimum=minimum,
    maximum=maximum,
    above=above,
    below=below,
    group=group,
  )


def boolean(default: bool, help_text: str, group: str | None = None) -> Any:
  """Declare a boolean field."""
  return _field('boolean', default, help_text, group=group)


def one_of(*names: str) -> Callable[[], tuple[str, ...]]:
  """Return what `string` takes as `known` for a fixed choice."""
  return lambda: names


def with_default(cls: type, name: str, default: Any) -> Any:
  """Declare a field like that of another configuration class.

  Args:
    cls: the other class.
    name: the field's name there.
    default: its default here.
  """
  field = cls.__dataclass_fields__[name]
  return dataclasses.field(default=default, metadata=field.metadata)


@dataclasses.dataclass(frozen=True)
class Config:
  """What all configurations share: the check of their values."""

  def __post_init__(self):
    for field in dataclasses.fields(self):
      _check(field, getattr(self, field.name))


def _check(field, value):
  """Raise UserError if the value cannot work."""
  if value is None:
    return
  metadata = field.metadata
  shown = f'--{field.name}={value}'
  kind = _KINDS.get(metadata.get('kind'))
  if kind and type(value) not in kind.types:
    raise errors.UserError(f'{shown}: must be {kind.words}.')
  known = metadata.get('known')
  if known and value not in known():
    kind = field.name.removesuffix('_name').replace('_', ' ')
    error = errors.unknown_name(kind, value, known())
    raise errors.UserError(f'{shown}: {error}')
  if isinstance(value, tuple):
    _check_list(field.name, value)
  if isinstance(value, int | float):
    _check_number(shown, value, metadata)


def _check_number(shown, value, metadata):
  """Raise UserError if a number is out of its bounds."""
  if isinstance(value, float) and not math.isfinite(value):
    raise errors.UserError(f'{shown} is not a finite number.')
  minimum, maximum = metadata.get('minimum'), metadata.get('maximum')
  above, below = metadata.get('above'), metadata.get('below')
  if minimum is not None and value < minimum:
    raise errors.UserError(f'{shown}: must be at least {minimum}.')
  if above is not None and value <= above:
    raise errors.UserError(f'{shown}: must be greater than {above}.')
  if maximum is not None and value > maximum:
    raise errors.UserError(f'{shown}: must be at most {maximum}.')
  if below is not None and value >= below:
    raise errors.UserError(f'{shown}: must be less than {below}.')


def _check_list(name, entries):
  """Raise UserError if one of the comma-separated entries is empty."""
  if not all(entry.strip() for entry in entries):
    raise errors.UserError(
      f'--{name}={",".join(entries)} has an empty entry. Remove the comma that '
      'is too many.'
    )


def help_text(field: dataclasses.Field) -> str:
  """Return the help text of a field's flag, with its values if they are few."""
  known = field.metadata.get('known')
  values = [*known()] if known else []
  choice = f' One of {", ".join(values)}.' if 0 < len(values) <= _FEW else ''
  return field.metadata['help'] + choice


def grouped(cls: type) -> dict[str, list[dataclasses.Field]]:
  """Return the fields of a configuration class by their headings."""
  result, heading = {}, ''
  for field in dataclasses.fields(cls):
    if 'kind' not in field.metadata:
      continue
    heading = field.metadata.get('group', heading)
    result.setdefault(heading, []).append(field)
  return result


# Module -> the configuration classes whose flags it has defined.
_defined_by: dict[str, list[type]] = {}


def define_flags(cls: type) -> None:
  """Define an absl flag for every field of a configuration class.

  A flag that another script in the same process has defined is shared: each
  script still sees its own default. Each flag gets an attribute `group`, the
  heading under which `--help` shows it.

  Raises:
    UserError: if another script gives a flag of this name another type.
  """
  module = sys._getframe(1).f_globals['__name__']
  _defined_by.setdefault(module, []).append(cls)
  for heading, fields in grouped(cls).items():
    for field in fields:
      kind = field.metadata['kind']
      flag = None
      if field.name in flags.FLAGS:
        flag = flags.FLAGS[field.name]
      if not hasattr(flag, 'kind'):
        _KINDS[kind].define(field.name, field.default, help_text(field))
        flag = flags.FLAGS[field.name]
        flag.kind, flag.group = kind, heading
        flag.first_default = flag.default
      elif flag.kind != kind:
        raise errors.UserError(
          f'{module} cannot be imported beside the other scripts of this '
          f'process: --{field.name} is {_KINDS[kind].words} here and '
          f'{_KINDS[flag.kind].words} there.'
        )
      alias = field.metadata.get('alias')
      if alias and alias not in flags.FLAGS:
        flags.DEFINE_alias(alias, field.name, module_name='aliases')


def defined_by(module: str) -> list[type]:
  """Return the configuration classes whose flags a module has defined."""
  return _defined_by.get(module, [])


def from_flags(cls: type, recorded: dict[str, Any] | None = None) -> Any:
  """Return the configuration that the flags describe.

  Args:
    cls: the configuration class, whose flags are defined and parsed, or set
      by a program.
    recorded: values for the flags that were not given, for instance those of
      the training run.

  Raises:
    UserError: if a value cannot work.
  """
  values = {}
  for fields in grouped(cls).values():
    for field in fields:
      value = _value(field)
      if recorded and field.name in recorded and not _is_given(field.name):
        value = recorded[field.name]
      values[field.name] = tuple(value) if isinstance(value, list) else value
  return cls(**values)


def _is_given(name):
  """Return whether a flag was given on the command line or by a program."""
  flag = flags.FLAGS[name]
  # An alias marks the flag as present only, a program as changed only.
  return bool(flag.present) or not flag.using_default_value


def _value(field):
  """Return the value of a flag, or the default of the script that asks."""
  flag = flags.FLAGS[field.name]
  if not _is_given(field.name) and flag.default == flag.first_default:
    return field.default
  value = flag.value
  if field.metadata['kind'] == 'list' and isinstance(value, str):
    return value.split(',') if value else None
  return value


def flag_value(cls: type, name: str) -> Any:
  """Return the value of one flag, before the others are checked.

  Args:
    cls: the configuration class of the script.
    name: the field's name.
  """
  return _value(cls.__dataclass_fields__[name])


def require(config: Config, name: str, why: str) -> None:
  """Raise UserError unless the configuration has a value.

  Args:
    config: the configuration.
    name: the field's name.
    why: a sentence that says what the flag is for.
  """
  if getattr(config, name) in (None, ''):
    raise errors.UserError(f'--{name} is missing. {why}')
