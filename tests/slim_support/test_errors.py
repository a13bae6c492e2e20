"""Summaries of errors, from texts that TensorFlow 2.21 really gave."""

import errno
import json
import pathlib

import pytest
import tensorflow.compat.v1 as tf

from slim_support import errors

_CASES = json.loads(
  (pathlib.Path(__file__).parent / 'tensorflow_errors.json').read_text()
)


def _error(case):
  return getattr(tf.errors, case['type'])(None, None, case['message'])


@pytest.mark.parametrize('case', _CASES, ids=lambda case: case['case'])
def test_the_innermost_cause_is_found(case):
  assert errors.error_summary(_error(case)) == case['summary']


def test_errors_without_a_message_have_their_name():
  assert errors.error_summary(KeyboardInterrupt()) == 'KeyboardInterrupt'
  assert errors.error_summary(ValueError('\n two\nlines')) == 'two'


@pytest.mark.parametrize(
  ('case', 'expected'),
  [
    ('disk full', errno.ENOSPC),
    ('gone', errno.ENOENT),
    ('folder', errno.EISDIR),
    ('corrupt', errno.EIO),
  ],
)
def test_errors_of_files_keep_their_number(case, expected):
  (found,) = [entry for entry in _CASES if entry['case'] == case]
  assert errors.as_os_error(_error(found)).errno == expected
