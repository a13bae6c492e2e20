"""Start a script: parse its flags, then import TensorFlow, then run it.

A wrong flag and `--help` answer at once, because TensorFlow is imported only
by `load`. How a script ends is up to `endings`.
"""

import importlib
import os
import sys
import time
import types
import warnings
from collections.abc import Callable

from absl import app, flags, logging

from deployment.command_line import endings, help_page
from slim_support import output, signals

# Flag -> the flag it lists the values of, and the function that lists them.
_LISTS = {
  'list_models': ('model_name', 'networks'),
  'list_datasets': ('dataset_name', 'data_sets'),
}


def run(main: Callable[[], int | None]) -> None:
  """Parse the flags, run a script and exit.

  The process exits with status 1 and one sentence on standard error if a flag
  is wrong, if an argument is left over, or if `main` raises UserError. See
  `endings.exit_after` for the other endings.

  Args:
    main: the main function of a script; takes no argument, may return an exit
      status.
  """
  endings.exit_after(lambda: _parse_and_run(main))


def _parse_and_run(main):
  _define_lists()
  script = sys.modules[main.__module__]
  app.run(
    lambda argv: _run_main(main, argv),
    flags_parser=lambda argv: _parse(script, argv),
  )


def _parse(script, argv):
  """Return the arguments that are left after the flags."""
  if '--help' in argv[1:] or '-h' in argv[1:]:
    _answer(help_page.help_text(script))
  if '--version' in argv[1:]:
    _answer(help_page.version_text())
  try:
    rest = flags.FLAGS(argv)
  except flags.Error as error:
    endings.fail(str(error))
  _list()
  return rest


def _answer(text):
  """Print a text and exit, also if the reader has seen enough of it."""
  try:
    print(text, flush=True)
  except BrokenPipeError:
    output.discard_stdout()
  sys.exit(0)


def _run_main(main, argv):
  if len(argv) > 1:
    endings.fail(
      f'Unexpected argument {argv[1]!r}: flags are written --name=value, '
      'without spaces around the equals sign or after a comma.'
    )
  _check_working_folder()
  logging.use_absl_handler()
  logging.get_absl_handler().setFormatter(_Formatter())
  if logging.get_verbosity() < logging.INFO and not (
    flags.FLAGS['verbosity'].present
  ):
    logging.set_verbosity(logging.INFO)
  return main()


def _check_working_folder():
  try:
    os.getcwd()
  except OSError:
    endings.fail(
      'The working folder does not exist any more. Change to another folder.'
    )


class _Formatter(logging.PythonFormatter):
  """Short lines: the time and the message, warnings marked as such."""

  def format(self, record):
    mark = '' if record.levelno <= 20 else f'{record.levelname}: '
    clock = time.strftime('%H:%M:%S', time.localtime(record.created))
    return f'{clock} {mark}{record.getMessage()}'


def _define_lists():
  """Define --list_models and --list_datasets where they are of use."""
  for name, (about, function) in _LISTS.items():
    if about in flags.FLAGS and name not in flags.FLAGS:
      what = function.replace('_', ' ')
      flags.DEFINE_bool(name, False, f'List the {what} and end.')
      flags.FLAGS[name].group = 'Lists'


def _list():
  """Print the list that is asked for, if any, and exit."""
  for name, (_, function) in _LISTS.items():
    if name in flags.FLAGS and flags.FLAGS[name].value:
      listings = importlib.import_module('deployment.command_line.listings')
      _answer(getattr(listings, function)())


def load(module: str) -> types.ModuleType:
  """Import TensorFlow quietly in graph mode, then a module of this project.

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
  result = importlib.import_module(module)
  signals.raise_if_interrupted()
  return result
