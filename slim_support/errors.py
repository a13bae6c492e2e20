"""Errors that a user can fix, and short summaries of errors of libraries.

Uses nothing but the standard library, so that every part of the project can
import it before TensorFlow is imported.
"""

import difflib
import errno
import importlib
import os
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
  r"""\s*(
    Graph\ execution\ error:
    | Detected\ at\ node\ .*
    | Node:\ '.*
    | File\ ".*
    | <stack\ traces\ unavailable>
    | \d+\ root\ error\(s\)\ found\.
    | \d+\ successful\ operations\.
    | \d+\ derived\ errors\ ignored\.
    | Original\ stack\ trace\ .*
    | From\ /job:.*:
    | Additional\ GRPC\ error\ information.*
    | :?\{.*grpc.*\}
    | \[\[.*
    | Hint:\ .*
  )?\s*""",
  re.VERBOSE,
)
# What TensorFlow puts before the innermost cause.
_PREFIXES = re.compile(
  r"""\s*(
    \(\d+\)\ ([A-Z_]+:\ )?
    | [A-Z_]{5,}:\ (?=\S)
    | Error\ in\ user-defined\ function\ passed\ to\ \S+\ transformation\ with
      \ iterator:\ \S+:\ # The place in tf.data.
    | Name:\ <unknown>,\ # The serialized example has no name.
    | assertion\ failed:\ 
  )+""",
  re.VERBOSE,
)
# The values that tf.Assert prints, one in each pair of brackets.
_ASSERTED = re.compile(r'\[(.*?)\]')


def error_summary(error: BaseException) -> str:
  """Return the innermost cause of an error in one line.

  TensorFlow's messages start with lines such as 'Graph execution error:' and
  name the nodes that an error passed through; both are left out.

  Args:
    error: any exception; those of TensorFlow have a `message`.
  """
  message = str(getattr(error, 'message', None) or error)
  # A Saver puts its own guess before the error.
  message = message.rpartition('Original error:')[2]
  for line in message.splitlines():
    line = re.sub(r'\s*\[\[\{\{node.*', '', line)
    cause = _PREFIXES.sub('', line, count=1) if _PREFIXES.match(line) else line
    if _NOISE.fullmatch(line) or _NOISE.fullmatch(cause):
      continue
    if 'assertion failed: [' in line:
      cause = ' '.join(_ASSERTED.findall(cause)) or cause
    return ' '.join(cause.split())
  return type(error).__name__


# The errnos of a file system without space.
FULL_DISK = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
# What TensorFlow calls a failure of a file system -> its errno.
_ERRNO_OF_TEXT = (
  ('No space left', errno.ENOSPC),
  ('Disk quota exceeded', errno.EDQUOT),
  ('File too large', errno.EFBIG),
  ('Permission denied', errno.EACCES),
  ('Read-only file system', errno.EROFS),
  ('Is a directory', errno.EISDIR),
  ('Not a directory', errno.ENOTDIR),
  ('No such file', errno.ENOENT),
)
_ERRNO_OF_TYPE = {
  'NotFoundError': errno.ENOENT,
  'PermissionDeniedError': errno.EACCES,
  'UnauthenticatedError': errno.EACCES,
  'AlreadyExistsError': errno.EEXIST,
  'ResourceExhaustedError': errno.ENOSPC,
}


def as_os_error(error: Exception) -> OSError:
  """Return the OSError that says what an error of TensorFlow's files says.

  TensorFlow reports one failure, such as a full disk, as different types of
  errors, with the reason in words.

  Args:
    error: a tf.errors.OpError.
  """
  summary = error_summary(error)
  code = file_errno(summary)
  if code is not None:
    return OSError(code, os.strerror(code))
  return OSError(_ERRNO_OF_TYPE.get(type(error).__name__, errno.EIO), summary)


def file_errno(summary: str) -> int | None:
  """Return the errno of the file system's reason in a message, or None.

  Args:
    summary: see `error_summary`.
  """
  codes = (code for text, code in _ERRNO_OF_TEXT if text in summary)
  return next(codes, None)


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
      f'installed (pip install ".[{extra}]").'
    ) from error
