"""Fixtures of the tests of data sets."""

import threading

import pytest

from tests.datasets import made


@pytest.fixture
def server():
  with made.Server() as running:
    thread = threading.Thread(target=running.serve_forever, args=(0.02,))
    thread.start()
    yield running
    running.shutdown()
    thread.join()
