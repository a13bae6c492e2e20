"""Shared by all tests: graph mode, a fresh graph each, small real data."""

import os
import pathlib
import subprocess
import sys

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import pytest  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

tf.logging.set_verbosity(tf.logging.ERROR)
tf.disable_v2_behavior()

ROOT = pathlib.Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def fresh_graph():
  tf.reset_default_graph()
  yield
  tf.reset_default_graph()


@pytest.fixture(scope='session')
def digits_dir(tmp_path_factory):
  """The embedded data set, converted once: 1,500 train and 297 test images."""
  from datasets import download_and_convert_digits

  folder = tmp_path_factory.mktemp('digits')
  download_and_convert_digits.run(str(folder))
  return str(folder)


@pytest.fixture(scope='session')
def run_script():
  """Runs one of the project's scripts; returns the finished process."""

  def run(script, *flags, timeout=300, **kwargs):
    return subprocess.run(
      [sys.executable, str(ROOT / script), *flags],
      capture_output=True,
      text=True,
      timeout=timeout,
      check=False,
      **kwargs,
    )

  return run
