"""What a script prints for --help and --version, without TensorFlow."""

import importlib.metadata
import os
import pathlib
import platform
import re
import sys
import textwrap
import types
from typing import Any, NamedTuple

from absl import flags

from slim_support import flag_fields

_PACKAGE = 'slim-image-models'
_WIDTH = 80
_HELP_COLUMN = 30
# Where the flags are defined that all scripts share.
_ENTRY = 'deployment.command_line.entry'


class _Help(NamedTuple):
  """What the help says of a flag: its name, default, text and heading."""

  name: str
  default: Any
  text: str
  heading: str


def help_text(script: types.ModuleType) -> str:
  """Return the script's docstring and its flags under their headings."""
  groups = {}
  for flag in [*_own_flags(script), *_config_flags(script), *_flags_of(_ENTRY)]:
    groups.setdefault(flag.heading, []).append(flag)
  lines = [(script.__doc__ or '').strip()]
  for heading, members in groups.items():
    lines += ['', f'{heading}:']
    for flag in members:
      lines += _flag_lines(flag)
  lines += ['', 'All flags, also those of absl: --helpfull.']
  return '\n'.join(lines)


def _own_flags(script):
  """Return the flags that a script defines without a configuration class."""
  return _flags_of(script.__name__) + (
    _flags_of(sys.argv[0]) if script.__name__ == '__main__' else []
  )


def _config_flags(script):
  """Return the flags of the script's configuration classes."""
  return [
    _Help(field.name, field.default, flag_fields.help_text(field), heading)
    for cls in flag_fields.defined_by(script.__name__)
    for heading, fields in flag_fields.grouped(cls).items()
    for field in fields
  ]


def _flags_of(module):
  """Return the flags that absl knows from a module."""
  return [
    _Help(flag.name, flag.default, flag.help, getattr(flag, 'group', 'Flags'))
    for flag in flags.FLAGS.flags_by_module_dict().get(module, ())
  ]


def version_text() -> str:
  """Return the versions of this project and of TensorFlow in one line."""
  return (
    f'{os.path.basename(sys.argv[0])} {_own_version()} '
    f'(TensorFlow {_installed_version("tensorflow")}, '
    f'Python {platform.python_version()})'
  )


def _own_version():
  """Return the version of this checkout, or of the installed package."""
  root = pathlib.Path(__file__).parents[2]
  try:
    text = (root / 'pyproject.toml').read_text(encoding='utf-8')
  except OSError:
    return _installed_version(_PACKAGE)
  found = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
  is_ours = f'name = "{_PACKAGE}"' in text
  return found[1] if found and is_ours else _installed_version(_PACKAGE)


def _installed_version(package):
  try:
    return importlib.metadata.version(package)
  except importlib.metadata.PackageNotFoundError:
    return 'not installed'


def _flag_lines(flag) -> list[str]:
  """Return name and default of a flag, and beside them what it is for."""
  name = f'  --{flag.name}'
  if flag.default not in (None, '') and flag.default is not False:
    default = flag.default
    is_list = isinstance(default, list | tuple)
    default = ','.join(default) if is_list else default
    name += f' [{default}]'
  text = textwrap.wrap(flag.text, _WIDTH - _HELP_COLUMN)
  if len(name) <= _HELP_COLUMN - 2:
    name = name.ljust(_HELP_COLUMN) + text.pop(0)
  return [name, *(' ' * _HELP_COLUMN + line for line in text)]
