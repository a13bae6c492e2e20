"""Configuration classes whose fields are absl flags.

Each field states its default, its help and what values can work, so that a
wrong value is refused before TensorFlow is imported. Only the entry scripts
see absl's FLAGS: they call `define_flags` when they are imported and
`from_flags` in `main`; everything else takes a configuration.
"""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from absl import flags

import slim_errors


def _field(define, default, help_text, **metadata):
  metadata |= {'define': define, 'help': help_text}
  return dataclasses.field(
    default=default,
    metadata={
      name: value for name, value in metadata.items() if value is not None
    },
  )


def text(
  default,
  help_text,
  known: Callable[[], Iterable[str]] | None = None,
  group=None,
):
  """A string field; `known()` lists the values that can work.

  This field and those after it stand in `--help` under the heading `group`, up
  to the next field that says another.
  """
  return _field(
    flags.DEFINE_string, default, help_text, known=known, group=group
  )


def texts(help_text, group=None):
  """A field of comma-separated strings, a tuple; None where not given."""
  return _field(flags.DEFINE_list, None, help_text, group=group)


def integer(default, help_text, least=None, group=None):
  """An integer field, at least `least`."""
  return _field(
    flags.DEFINE_integer, default, help_text, least=least, group=group
  )


def real(default, help_text, least=None, most=None, group=None):
  """A float field in [least, most]."""
  return _field(
    flags.DEFINE_float, default, help_text, least=least, most=most, group=group
  )


def boolean(default, help_text, group=None):
  """A boolean field."""
  return _field(flags.DEFINE_bool, default, help_text, group=group)


def one_of(*names):
  """Returns what `text` takes as `known` for a fixed choice."""
  return lambda: names


def other_default(cls, name: str, default):
  """Returns the field of a configuration class with another default."""
  field = cls.__dataclass_fields__[name]
  return dataclasses.field(default=default, metadata=field.metadata)


@dataclasses.dataclass(frozen=True)
class Config:
  """What all configurations share: the check of their values."""

  def __post_init__(self):
    for field in dataclasses.fields(self):
      _check(field, getattr(self, field.name))


def _check(field, value):
  """Raises UserError if the value cannot work."""
  metadata = field.metadata
  if value is None:
    return
  known = metadata.get('known')
  if known and value not in known():
    kind = field.name.removesuffix('_name').replace('_', ' ')
    error = slim_errors.unknown_name(kind, value, known())
    raise slim_errors.UserError(f'--{field.name}={value}: {error}')
  least, most = metadata.get('least'), metadata.get('most')
  if least is not None and value < least:
    raise slim_errors.UserError(
      f'--{field.name}={value}: must be at least {least}.'
    )
  if most is not None and value > most:
    raise slim_errors.UserError(
      f'--{field.name}={value}: must be at most {most}.'
    )


_FEW = 8


def help_text(field) -> str:
  """Returns what a field's flag is for, with its values if they are few."""
  known = field.metadata.get('known')
  values = [*known()] if known else []
  choice = f' One of {", ".join(values)}.' if 0 < len(values) <= _FEW else ''
  return field.metadata['help'] + choice


def grouped(cls) -> dict[str, list[dataclasses.Field]]:
  """Returns the fields of a configuration class by their headings."""
  result, heading = {}, ''
  for field in dataclasses.fields(cls):
    heading = field.metadata.get('group', heading)
    result.setdefault(heading, []).append(field)
  return result


def define_flags(cls):
  """Defines an absl flag for every field of the configuration class.

  Each flag is told, in an attribute `group`, under which heading `--help` shows
  it.
  """
  for heading, fields in grouped(cls).items():
    for field in fields:
      define = field.metadata['define']
      define(field.name, field.default, help_text(field))
      flags.FLAGS[field.name].group = heading


def from_flags(cls, recorded: dict[str, Any] | None = None):
  """Returns the configuration that the flags describe.

  Args:
    cls: the configuration class, whose flags are defined and parsed.
    recorded: values for the flags that were not given, for instance those of
      the training run.

  Raises:
    UserError: if a value cannot work.
  """
  values = {}
  for field in dataclasses.fields(cls):
    flag = flags.FLAGS[field.name]
    value = flag.value
    if not flag.present and recorded and field.name in recorded:
      value = recorded[field.name]
    values[field.name] = tuple(value) if isinstance(value, list) else value
  return cls(**values)


def flag_value(name: str):
  """Returns the value of one flag, before the others are looked at."""
  return flags.FLAGS[name].value


def require(config, name: str, why: str):
  """Raises UserError unless the configuration has the value.

  Args:
    config: the configuration.
    name: the field's name.
    why: one sentence on what the flag should say.
  """
  if getattr(config, name) in (None, ''):
    raise slim_errors.UserError(f'--{name} is missing. {why}')
