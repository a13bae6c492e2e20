"""How the entry scripts start: flags first, TensorFlow after, errors in a line.

A wrong flag and `--help` answer at once, because TensorFlow is imported only
by `load`. A `UserError` ends the script with its sentence alone and status 1.
"""

import importlib
import os
import sys
import textwrap
import time
import warnings

from absl import app, flags, logging

from slim_support import errors, output

_USAGE_STATUS = 1
_WIDTH = 80
_HELP_COLUMN = 30
# Modules other than the script that define flags for it.
_DEFINERS = ('slim_support.flag_fields', 'deployment.command_line.entry')
# Flag -> the flag it lists the values of, and the function that lists them.
_LISTS = {
  'list_models': ('model_name', 'networks'),
  'list_datasets': ('dataset_name', 'data_sets'),
}


def run(main):
  """Parses the flags and runs `main()`.

  Args:
    main: takes no argument; may return an exit status.

  Exits with status 1 and one sentence on standard error if a flag is wrong,
  if an argument is left over, or if `main` raises UserError.
  """
  _define_lists()
  app.run(lambda argv: _guarded(main, argv), flags_parser=_parse)


def _parse(argv):
  """Returns what is left of argv after the flags."""
  script = sys.modules['__main__']
  if '--help' in argv[1:] or '-h' in argv[1:]:
    print(help_text(script))
    sys.exit(0)
  try:
    rest = flags.FLAGS(argv)
  except flags.Error as error:
    _fail(str(error))
  _list()
  return rest


def _guarded(main, argv):
  if len(argv) > 1:
    _fail(
      f'Unexpected argument {argv[1]!r}: flags are written --name=value, '
      'without spaces around the equals sign or after a comma.'
    )
  logging.use_absl_handler()
  logging.get_absl_handler().setFormatter(_Formatter())
  if logging.get_verbosity() < logging.INFO and not (
    flags.FLAGS['verbosity'].present
  ):
    logging.set_verbosity(logging.INFO)
  try:
    return main()
  except errors.UserError as error:
    logging.debug('', exc_info=True)
    _fail(str(error))


def _fail(message):
  name = os.path.basename(sys.argv[0])
  print(f'{name}: {message}', file=sys.stderr)
  sys.exit(_USAGE_STATUS)


class _Formatter(logging.PythonFormatter):
  """Short lines: the time and the message, warnings marked as such."""

  def format(self, record):
    mark = '' if record.levelno <= 20 else f'{record.levelname}: '
    clock = time.strftime('%H:%M:%S', time.localtime(record.created))
    return f'{clock} {mark}{record.getMessage()}'


def help_text(script) -> str:
  """Returns the script's docstring and its flags under their headings."""
  lines = [script.__doc__.strip()]
  for heading, members in _by_group(script).items():
    lines += ['', f'{heading}:']
    for flag in members:
      lines += _flag_lines(flag)
  lines += ['', 'All flags, also those of absl: --helpfull.']
  return '\n'.join(lines)


def _by_group(script) -> dict[str, list[flags.Flag]]:
  """Returns the script's flags by heading, in the order of definition."""
  known = flags.FLAGS.flags_by_module_dict()
  result = {}
  for module in (script.__name__, sys.argv[0], *_DEFINERS):
    for flag in known.get(module, ()):
      heading = getattr(flag, 'group', None) or 'Flags'
      result.setdefault(heading, []).append(flag)
  return result


def _flag_lines(flag) -> list[str]:
  """Returns name and default of a flag, and beside them what it is for."""
  name = f'  --{flag.name}'
  if flag.default not in (None, '') and flag.default is not False:
    default = flag.default
    default = ','.join(default) if isinstance(default, list) else default
    name += f' [{default}]'
  text = textwrap.wrap(flag.help, _WIDTH - _HELP_COLUMN)
  if len(name) <= _HELP_COLUMN - 2:
    name = name.ljust(_HELP_COLUMN) + text.pop(0)
  return [name, *(' ' * _HELP_COLUMN + line for line in text)]


def _define_lists():
  """Defines --list_models and --list_datasets where they are of use."""
  for name, (about, function) in _LISTS.items():
    if about in flags.FLAGS:
      what = function.replace('_', ' ')
      flags.DEFINE_bool(name, False, f'List the {what} and end.')
      flags.FLAGS[name].group = 'Lists'


def _list():
  """Prints the list that is asked for, if any, and ends."""
  for name, (_, function) in _LISTS.items():
    if name in flags.FLAGS and flags.FLAGS[name].value:
      listings = importlib.import_module('deployment.command_line.listings')
      print(getattr(listings, function)())
      sys.exit(0)


def load(module: str):
  """Imports TensorFlow quietly in graph mode, then a module of this project.

  Setting TF_CPP_MIN_LOG_LEVEL leaves TensorFlow's own start-up messages on.

  Args:
    module: full name, for instance 'deployment.training.train'.

  Returns:
    The module.
  """
  chatter = 'TF_CPP_MIN_LOG_LEVEL' in os.environ
  if chatter:
    import tensorflow.compat.v1 as tf  # noqa: PLC0415
  else:
    os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
    with output.silent_stderr():
      import tensorflow.compat.v1 as tf  # noqa: PLC0415
  if not chatter:
    tf.logging.set_verbosity(tf.logging.ERROR)
    warnings.filterwarnings('ignore', module='tensorflow|tf_slim|tf_keras')
  tf.disable_v2_behavior()
  return importlib.import_module(module)
