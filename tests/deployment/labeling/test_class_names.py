"""Files of class names, and whether they fit a network."""

import pytest

from deployment.labeling import class_names as label_names
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
  ],
)
def test_read(tmp_path, text, names):
  path = tmp_path / 'labels.txt'
  path.write_bytes(text.encode())
  assert label_names.read(str(path)) == names


@pytest.mark.parametrize('content', [b'', b'\n\n', b'\xff\xfe\x00'])
def test_no_names(tmp_path, content):
  path = tmp_path / 'labels.txt'
  path.write_bytes(content)
  with pytest.raises(errors.UserError, match='--labels='):
    label_names.read(str(path))


def test_missing_file():
  with pytest.raises(errors.UserError, match='No such file'):
    label_names.read('/absent/labels.txt')


@pytest.mark.parametrize(
  ('count', 'offset', 'first'), [(10, 0, 0), (10, 1, 0), (11, 1, 1)]
)
def test_fit(count, offset, first):
  names = [str(i) for i in range(count)]
  fitted = label_names.fit(names, 10, offset, 'labels.txt')
  assert fitted == names[first:]


@pytest.mark.parametrize(
  ('count', 'message'),
  [
    (7, 'names 7 classes, but the network tells 10 apart.$'),
    (11, 'names 11 classes, .* 10 apart. .*--labels_offset=1'),
  ],
)
def test_wrong_length_says_both_counts(count, message):
  with pytest.raises(errors.UserError, match=message):
    label_names.fit(['x'] * count, 10, 0, 'labels.txt')
