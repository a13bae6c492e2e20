"""Files of class names, and whether they fit a network."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployment.labeling import class_names
from slim_support import errors


@pytest.mark.parametrize(
  ('text', 'names'),
  [
    ('0:daisy\n1:tulip\n', ['daisy', 'tulip']),
    ('1:tulip\n0:daisy', ['daisy', 'tulip']),
    ('0:a\n2:c\n', ['a', None, 'c']),
    ('dummy\nkit fox\n\n', ['dummy', 'kit fox']),
    ('a:b\r\nc\r\n', ['a:b', 'c']),
    ('0:time: 12:30\n', ['time: 12:30']),
    ('\ufeff0:a\r\n1:b\r\n', ['a', 'b']),
    ('\ufeffa\nb', ['a', 'b']),
    ('0:a\r1:b', ['a', 'b']),
    ('  0: a\n\t1 :b \n', ['a', 'b']),
    ('0:a\n\n1:b', ['a', 'b']),
    ('a\n\nb', ['a', None, 'b']),
    ('0:a\n1:\n002:c', ['a', None, 'c']),
    ('a\x85b\u2028c\nd', ['a\x85b\u2028c', 'd']),
    ('²:a\n٣:b', ['²:a', '٣:b']),
  ],
)
def test_read(tmp_path, text, names):
  path = tmp_path / 'labels.txt'
  path.write_bytes(text.encode())
  assert class_names.read(str(path)) == names


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (b'', 'is empty'),
    (b'\n\r\n \n', 'is empty'),
    (b'\xef\xbb\xbf', 'is empty'),
    (b'\xff\xfe\x00', 'is not UTF-8 text'),
    ('0:caf\xe9'.encode('latin-1'), 'is not UTF-8 text'),
    ('a\nb'.encode('utf-16-le'), 'is not a file of class names'),
    (b'0:a\nb\n2:c', 'line 1 is numbered, but line 2 is not'),
    (b'a\n\n1:b\n', 'line 3 is numbered, but line 1 is not'),
    ('0:a\n²:b'.encode(), 'line 1 is numbered, but line 2 is not'),
    (b'0:a\n1:b\n0:c', 'line 3: the label 0 is on an earlier line too'),
    (b'-1:a\n0:b', 'has the label -1. Number the classes from 0'),
    (b'0:a\n3000000000:x', 'line 2: the label 3000000000 is too large'),
    (b'9' * 5000 + b':x', 'the label 99999999999999999999 is too large'),
  ],
)
def test_unusable(tmp_path, content, message):
  path = tmp_path / 'labels.txt'
  path.write_bytes(content)
  with pytest.raises(errors.UserError, match='--labels=.*labels.txt') as error:
    class_names.read(str(path))
  assert message in str(error.value)


@pytest.mark.parametrize(
  ('make', 'message'),
  [
    (lambda path: None, 'No such file'),
    (os.mkfifo, 'it is not a regular file'),
    (os.mkdir, 'it is a folder'),
    (lambda path: os.symlink('/dev/zero', path), 'it is not a regular file'),
  ],
)
def test_no_file(tmp_path, make, message):
  path = str(tmp_path / 'labels.txt')
  make(path)
  with pytest.raises(errors.UserError, match=f'cannot be read: {message}'):
    class_names.read(path)


@pytest.mark.parametrize(
  ('count', 'offset', 'recorded', 'first'),
  [
    (10, None, 0, 0),
    (10, 0, 1, 0),
    (10, None, 1, 0),
    (11, 1, 0, 1),
    (11, None, 1, 1),
    (13, 3, 1, 3),
  ],
)
def test_fit(count, offset, recorded, first):
  names = [str(i) for i in range(count)]
  assert class_names.fit(names, 10, 'x', offset, recorded) == names[first:]


@pytest.mark.parametrize(
  ('count', 'offset', 'message'),
  [
    (7, None, 'names 7 classes, but the network has 10.$'),
    (11, None, 'names 11 classes, .* has 10. .* use --labels_offset=1.$'),
    (11, 0, 'names 11 classes, .* has 10. .* use --labels_offset=1.$'),
    (9, None, 'names 9 classes, .* has 10. .* add a line'),
    (10, 1, 'names 10 classes, .* has 10. Leave out --labels_offset.$'),
    (10, 10, 'Leave out --labels_offset.$'),
    (10, 11, 'Leave out --labels_offset.$'),
    (11, 2, 'names 11 classes'),
  ],
)
def test_wrong_length_says_both_counts(count, offset, message):
  with pytest.raises(errors.UserError, match=message):
    class_names.fit(['x'] * count, 10, 'labels.txt', offset)


@given(st.text(), st.sampled_from(['utf-8', 'utf-16', 'utf-8-sig']))
def test_any_text_is_read_or_refused(tmp_path_factory, text, encoding):
  path = tmp_path_factory.getbasetemp() / 'fuzzed_labels.txt'
  path.write_bytes(text.encode(encoding, 'surrogatepass'))
  try:
    names = class_names.read(str(path))
  except errors.UserError:
    return
  assert names
  assert all(name is None or name.strip() for name in names)
