"""Errors that a user can fix, and short summaries of errors of libraries.

Uses nothing but the standard library, so that every part of the project can
import it before TensorFlow is imported.
"""

import difflib
import importlib
import re
import types
from collections.abc import Iterable


class UserError(ValueError):
  """A mistake that the user can fix.

  The message is one sentence that says what is wrong, where, and what would be
  right. The scripts print it alone and exit with status 1.
  """


def did_you_mean(name: str, known: Iterable[str]) -> str:
  """Return ' Did you mean X?' for the most similar known names, or ''.

  Args:
    name: the name that was given.
    known: every name that would have been right.
  """
  matches = difflib.get_close_matches(str(name), [*known], n=3, cutoff=0.6)
  return f' Did you mean {" or ".join(matches)}?' if matches else ''


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
  """Return the error for a name that is not among the known ones.

  Args:
    kind: what the name should have named, for instance 'network'.
    name: the name that was given.
    known: every name that would have been right.
  """
  known = sorted(known)
  return UserError(
    f'Unknown {kind} {name!r}.{did_you_mean(name, known)} '
    f'Known: {", ".join(known)}.'
  )


# Lines of TensorFlow's messages that say where an error passed through, but
# not what it was.
_NOISE = re.compile(
  r'\s*(Graph execution error:|Detected at node .*|Node: .*|Restoring from '
  r'checkpoint failed\..*|<stack traces unavailable>'
  r'|\d+ root error\(s\) found\.|\d+ successful operations\.'
  r'|\d+ derived errors ignored\.|File ".*|Original stack trace .*'
  r'|Additional GRPC error information.*|:?\{.*grpc.*\}|\[\[.*)?\s*'
)
# What TensorFlow puts before the innermost cause.
_PREFIXES = re.compile(
  r'^\s*(\(\d+\) ([A-Z_]+: )?|[A-Z_]{5,}: |Error in user-defined function '
  r'passed to \S+ transformation with iterator: \S+ |'
  r'assertion failed: )+'
)


def error_summary(error: Exception) -> str:
  """Return the innermost cause of an error in one line.

  TensorFlow's messages start with lines such as 'Graph execution error:' and
  name the nodes that an error passed through; both are left out.

  Args:
    error: any exception; those of TensorFlow have a `message`.
  """
  message = str(getattr(error, 'message', None) or error)
  for line in message.splitlines():
    line = re.sub(r'\s*\[\[\{\{node.*', '', line)
    if not _NOISE.fullmatch(line):
      return _PREFIXES.sub('', line).strip()
  return type(error).__name__


def import_extra(module: str, extra: str) -> types.ModuleType:
  """Import an optional package.

  Args:
    module: full name of the module, for instance 'matplotlib.pyplot'.
    extra: the extra of this project that installs the package.

  Raises:
    UserError: if the package is not installed; the message names the extra.
  """
  try:
    return importlib.import_module(module)
  except ImportError as error:
    raise UserError(
      f'This needs the package {module.split(".")[0]!r}, which is not '
      f'installed. Install it with: pip install ".[{extra}]"'
    ) from error
