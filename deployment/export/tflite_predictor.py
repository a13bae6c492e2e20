"""Run a TensorFlow Lite file, with LiteRT or TensorFlow's own interpreter.

The interpreter does not check what it reads: a damaged file can end the whole
process. So a file is loaded and run once in a child process first.
"""

import contextlib
import faulthandler
import importlib
import os
import signal
import sys
import time
import warnings
from typing import Any

import numpy as np
import tensorflow.compat.v1 as tf

from slim_support import errors, files

_IDENTIFIER = b'TFL3'
_TRIAL_SECS = 60
_LONGEST_PAUSE_SECS = 0.05


class TFLitePredictor:
  """A .tflite file; a `predictors.Predictor`.

  Integers in and out are converted from and to floats.

  Args:
    path: the file.

  Raises:
    UserError: if it cannot be loaded or is not an image classifier.
  """

  def __init__(self, path: str):
    _check_identifier(path)
    _try_in_child(path)
    try:
      self._interpreter = _load(path)
    except (ValueError, RuntimeError) as error:
      raise _not_a_model(path, errors.error_summary(error)) from error
    self._input, self._output = _details(path, self._interpreter)
    self.image_shape = [int(n) for n in self._input['shape'][1:]]
    self.num_classes = int(self._output['shape'][1])

  def __call__(self, images: np.ndarray) -> np.ndarray:
    """Return scores [batch, classes] for images [batch, h, w, channels]."""
    return np.concatenate([self._run(image) for image in images])

  def _run(self, image):
    """Return the scores of one image, [1, classes]."""
    value = quantize(image[None], self._input)
    self._interpreter.set_tensor(self._input['index'], value)
    self._interpreter.invoke()
    value = self._interpreter.get_tensor(self._output['index'])
    scale, zero_point = self._output['quantization']
    return (value.astype(np.float32) - zero_point) * scale if scale else value


def quantize(value: np.ndarray, details: dict[str, Any]) -> np.ndarray:
  """Return values in the type of a tensor, integers rounded and clipped.

  Args:
    value: floats.
    details: what the interpreter says of the tensor.
  """
  scale, zero_point = details['quantization']
  if not scale:
    return value.astype(details['dtype'])
  limits = np.iinfo(details['dtype'])
  rounded = np.round(value / scale) + zero_point
  return np.clip(rounded, limits.min, limits.max).astype(details['dtype'])


def interpreter_class() -> type:
  """Return LiteRT's interpreter, or TensorFlow's where it is not installed."""
  try:
    return importlib.import_module('ai_edge_litert.interpreter').Interpreter
  except ImportError:
    return tf.lite.Interpreter


def _load(path):
  """Return the interpreter of a file, ready to run."""
  interpreter = interpreter_class()(model_path=path, num_threads=os.cpu_count())
  interpreter.allocate_tensors()
  return interpreter


def _details(path, interpreter):
  """Return what the interpreter says of the input and of the output."""
  inputs = interpreter.get_input_details()
  outputs = interpreter.get_output_details()
  ranks = [len(details['shape']) for details in (*inputs, *outputs)]
  if len(inputs) != 1 or len(outputs) != 1 or ranks != [4, 2]:
    raise errors.UserError(
      f'{path} does not classify images: it must have one input [1, height, '
      'width, channels] and one output [1, classes].'
    )
  return inputs[0], outputs[0]


def _not_a_model(path, reason):
  return errors.UserError(
    f'{path} is not a TensorFlow Lite model: {reason.rstrip(".")}.'
  )


def _check_identifier(path):
  """Raise UserError for a file that does not start as a model does."""
  try:
    start = files.read_bytes(path, limit=8)
  except OSError as error:
    raise errors.UserError(
      f'{path} cannot be read: {error.strerror or error}.'
    ) from error
  if start[4:] != _IDENTIFIER:
    raise _not_a_model(path, f'{_IDENTIFIER.decode()} is not at its start')


def _try_in_child(path):
  """Load and run a model in a child process.

  Raises:
    UserError: if that ends the child or takes too long.
  """
  if not hasattr(os, 'fork'):  # Windows.
    return
  for stream in (sys.stdout, sys.stderr):
    stream.flush()
  with warnings.catch_warnings():
    # Python warns of forks of processes with threads. The child uses none of
    # their locks, and is ended if it hangs nevertheless.
    warnings.simplefilter('ignore', DeprecationWarning)
    child = os.fork()
  if not child:
    _try_and_exit(path)
  try:
    status = _wait(child)
  except BaseException:
    _end(child)
    raise
  if status is None:
    _end(child)
    raise _not_a_model(path, f'it does not run within {_TRIAL_SECS} s')
  if os.WIFSIGNALED(status):
    name = signal.Signals(os.WTERMSIG(status)).name
    raise _not_a_model(path, f'it is damaged and crashes ({name})')


def _try_and_exit(path):
  """Load and run a model in this process, then exit; errors do not matter.

  Only a crash is of interest: an error is raised again in the parent.
  """
  try:
    for number in (signal.SIGTERM, signal.SIGINT):
      signal.signal(number, signal.SIG_DFL)
    faulthandler.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    interpreter = _load(path)
    for details in interpreter.get_input_details():
      zeros = np.zeros(details['shape'], details['dtype'])
      interpreter.set_tensor(details['index'], zeros)
    interpreter.invoke()
  finally:
    os._exit(0)


def _wait(child):
  """Return the exit status of a child; None if it takes too long."""
  end, pause = time.monotonic() + _TRIAL_SECS, 0.001
  while time.monotonic() < end:
    found, status = os.waitpid(child, os.WNOHANG)
    if found:
      return status
    time.sleep(pause)
    pause = min(2 * pause, _LONGEST_PAUSE_SECS)
  return None


def _end(child):
  """Kill a child and wait for its end."""
  with contextlib.suppress(OSError):
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
