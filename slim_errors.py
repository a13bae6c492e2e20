"""What a user did wrong, said in one sentence.

Holds nothing but the standard library, so that every part of the project can
use it before TensorFlow is imported.
"""

import difflib
import importlib
from collections.abc import Iterable


class UserError(ValueError):
  """A mistake that the user can mend; the message says what, where and how.

  The entry scripts print the message alone and exit with status 1.
  """


def near(name: str, known: Iterable[str]) -> str:
  """Returns ' Did you mean X?' for the nearest known names, or ''."""
  matches = difflib.get_close_matches(str(name), [*known], n=3, cutoff=0.6)
  return f' Did you mean {" or ".join(matches)}?' if matches else ''


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UserError:
  """Returns the error for a name that is not among the known ones.

  Args:
    kind: what the name should have named, for instance 'network'.
    name: the name that was given.
    known: every name that would have been right.
  """
  known = sorted(known)
  return UserError(
    f'Unknown {kind} {name!r}.{near(name, known)} Known: {", ".join(known)}.'
  )


def first_line(error: Exception) -> str:
  """Returns the first line of what an error says, TensorFlow's ones too."""
  return str(getattr(error, 'message', None) or error).split('\n')[0]


def import_extra(module: str, extra: str):
  """Imports an optional package, or says which extra brings it.

  Args:
    module: the module's full name, for instance 'matplotlib.pyplot'.
    extra: the extra of this project that lists the package.

  Returns:
    The module.

  Raises:
    UserError: if the package is not installed.
  """
  try:
    return importlib.import_module(module)
  except ImportError as error:
    raise UserError(
      f'This needs the package {module.split(".")[0]!r}, which is not '
      f'installed: pip install ".[{extra}]"'
    ) from error
