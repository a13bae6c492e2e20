"""Shared by all tests: graph mode, and a fresh graph for each test."""

import os

os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import pytest  # noqa: E402
import tensorflow.compat.v1 as tf  # noqa: E402

tf.logging.set_verbosity(tf.logging.ERROR)
tf.disable_v2_behavior()


@pytest.fixture(autouse=True)
def fresh_graph():
  tf.reset_default_graph()
  yield
  tf.reset_default_graph()
