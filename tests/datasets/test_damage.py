"""Damaged and odd files of a converted folder: one sentence for each."""

import contextlib
import json
import os
import string

import hypothesis
import pytest
from hypothesis import strategies

from datasets import (
  converted,
  dataset_factory,
  dataset_utils,
  download_and_convert_digits,
  label_file,
  reading,
  split_summary,
)
from slim_support import files
from slim_support.errors import UserError
from tests.datasets import made


@contextlib.contextmanager
def one_sentence(*parts):
  """Expects a UserError with one sentence that has these parts."""
  with pytest.raises(UserError) as caught:
    yield
  message = str(caught.value)
  assert '\n' not in message
  assert message.endswith('.')
  for part in parts:
    assert part in message


@contextlib.contextmanager
def without_root():
  """Gives up root's right to read everything, if there is one to give up."""
  if os.geteuid():
    yield
    return
  os.seteuid(65534)
  try:
    yield
  finally:
    os.seteuid(0)


def open_to_everybody(tmp_path):
  """Lets every user read a test's folder, which pytest makes private."""
  for parent in (tmp_path, *tmp_path.parents):
    parent.chmod(0o755)
    if parent.name.startswith('pytest-of-'):
      break


@pytest.fixture
def folder(tmp_path, digits_dir):
  """A copy of the converted digits, readable for everybody."""
  for name, data in made.folder_bytes(digits_dir).items():
    (tmp_path / name).write_bytes(data)
  open_to_everybody(tmp_path)
  return tmp_path


def good(digits_dir):
  with open(os.path.join(digits_dir, 'dataset.json'), encoding='utf-8') as file:
    return json.load(file)


def _without(*path):
  def change(content):
    for name in path[:-1]:
      content = content[name]
    del content[path[-1]]

  return change


def _with(value, *path):
  def change(content):
    for name in path[:-1]:
      content = content[name]
    content[path[-1]] = value

  return change


_SHARD = ('splits', 'train', 'shards', 0)
_CHANGES = {
  'no version': _without('format_version'),
  'version as text': _with('1', 'format_version'),
  'later version': _with(2, 'format_version'),
  'no name': _without('name'),
  'name as a list': _with(['digits'], 'name'),
  'no classes': _without('num_classes'),
  'classes as text': _with('10', 'num_classes'),
  'classes as a float': _with(10.0, 'num_classes'),
  'true classes': _with(True, 'num_classes'),
  'zero classes': _with(0, 'num_classes'),
  'negative classes': _with(-3, 'num_classes'),
  'too many classes': _with(10**30, 'num_classes'),
  'splits as a list': _with([], 'splits'),
  'splits null': _with(None, 'splits'),
  'split null': _with(None, 'splits', 'train'),
  'no samples': _without('splits', 'train', 'num_samples'),
  'negative samples': _with(-1, 'splits', 'train', 'num_samples'),
  'endless samples': _with(10**40, 'splits', 'train', 'num_samples'),
  'shards null': _with(None, 'splits', 'train', 'shards'),
  'shards as text': _with(['x'], 'splits', 'train', 'shards'),
  'shard as a number': _with(7, *_SHARD, 'file'),
  'length as text': _with('9', *_SHARD, 'bytes'),
  'no length': _without(*_SHARD, 'bytes'),
  'shard outside': _with('../digits_train.tfrecord', *_SHARD, 'file'),
  'absolute shard': _with('/etc/passwd', *_SHARD, 'file'),
  'backslash': _with('..\\x', *_SHARD, 'file'),
  'drive': _with('c:x', *_SHARD, 'file'),
  'empty shard name': _with('', *_SHARD, 'file'),
  'folder as a shard': _with('..', *_SHARD, 'file'),
  'hidden shard': _with('.conversion', *_SHARD, 'file'),
  'labels as a shard': _with('labels.txt', *_SHARD, 'file'),
  'not UTF-8': _with('\udcff', *_SHARD, 'file'),
  'nul': _with('a\0b', *_SHARD, 'file'),
  'shard of two splits': _with('digits_test.tfrecord', *_SHARD, 'file'),
  'moved as a list': _with([], 'moved'),
  'counts as text': _with({'0': '5'}, 'splits', 'train', 'samples_per_class'),
  'made from nothing': _with(7, 'made_from'),
}
_CONTENTS = {
  'empty': b'',
  'null': b'null',
  'list': b'[]',
  'object': b'{}',
  'text': b'"x"',
  'deep': b'[' * 100_000,
  'deep object': b'{"a":' * 50_000,
  'binary': bytes(range(256)),
  'zeros': bytes(4000),
  'page': b'<!DOCTYPE html>',
  'NaN': b'{"format_version": NaN}',
  'huge': b'{"format_version": 1e999}',
  'long number': b'1' * 10_000,
}


def _ask_everything(folder):
  """Every way to the description of a folder ends in one sentence."""
  with one_sentence('dataset.json'):
    dataset_factory.check_dataset('digits', 'train', folder)
  with one_sentence('dataset.json'):
    dataset_factory.get_dataset('digits', 'train', folder)
  with one_sentence('dataset.json'):
    dataset_factory.get_num_classes('digits', folder)
  before = made.folder_bytes(folder)
  with one_sentence('dataset.json'):
    download_and_convert_digits.run(folder)
  assert made.folder_bytes(folder) == before


@pytest.mark.parametrize('name', _CHANGES)
def test_wrong_entry_of_the_description(folder, digits_dir, name):
  content = good(digits_dir)
  _CHANGES[name](content)
  (folder / 'dataset.json').write_text(json.dumps(content))
  _ask_everything(str(folder))


@pytest.mark.parametrize('name', _CONTENTS)
def test_description_of_other_content(folder, name):
  (folder / 'dataset.json').write_bytes(_CONTENTS[name])
  _ask_everything(str(folder))


@pytest.mark.parametrize('share', [0.1, 0.5, 0.99])
def test_cut_description(folder, share):
  data = (folder / 'dataset.json').read_bytes()
  (folder / 'dataset.json').write_bytes(data[: int(share * len(data))])
  _ask_everything(str(folder))


def test_surplus_entries_are_fine(folder, digits_dir):
  content = {**good(digits_dir), 'ours': [1, {'a': None}]}
  (folder / 'dataset.json').write_text(json.dumps(content))
  assert dataset_factory.get_num_classes('digits', str(folder)) == 10


def _fifo(path):
  os.mkfifo(path)


def _folder(path):
  path.mkdir()


def _device(path):
  path.symlink_to('/dev/zero')


@pytest.mark.parametrize('make', [_fifo, _folder, _device])
@pytest.mark.parametrize('name', ['dataset.json', 'labels.txt'])
def test_description_that_is_no_file(folder, name, make):
  (folder / name).unlink()
  make(folder / name)
  with one_sentence(name):
    dataset_factory.get_dataset('digits', 'train', str(folder))
  with one_sentence(name):
    download_and_convert_digits.run(str(folder))


@pytest.mark.parametrize('make', [_fifo, _folder, _device])
@pytest.mark.parametrize('listed', [True, False])
def test_shard_that_is_no_file(folder, make, listed):
  if not listed:
    (folder / 'dataset.json').unlink()
  path = folder / 'digits_train.tfrecord'
  path.unlink()
  make(path)
  with one_sentence('digits_train.tfrecord'):
    dataset_factory.check_dataset('digits', 'train', str(folder))
  with one_sentence('digits_train.tfrecord'):
    dataset_factory.get_dataset('digits', 'train', str(folder))
  with one_sentence('digits_train.tfrecord'):
    list(reading.serialized_records([str(path)]))


@pytest.mark.parametrize(
  'name', ['dataset.json', 'labels.txt', 'digits_train.tfrecord', '.']
)
def test_what_must_not_be_read(folder, name):
  (folder / name).chmod(0)
  try:
    with without_root(), one_sentence(str(folder)):
      dataset_factory.get_dataset('digits', 'train', str(folder))
  finally:
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
  'pattern', ['%s%s*', '%d', '%', '[', '*', '{}', '../*']
)
def test_odd_file_patterns(folder, pattern):
  with contextlib.suppress(UserError):
    dataset_factory.check_dataset('digits', 'train', str(folder), pattern)


def test_split_that_the_conversion_did_not_write(folder, digits_dir):
  """Files of an older conversion do not take its place."""
  content = good(digits_dir)
  del content['splits']['test']
  (folder / 'dataset.json').write_text(json.dumps(content))
  with one_sentence("no files of the split 'test'"):
    dataset_factory.get_dataset('digits', 'test', str(folder))


_JSON = strategies.recursive(
  strategies.none()
  | strategies.booleans()
  | strategies.integers()
  | strategies.floats(allow_nan=False, allow_infinity=False)
  | strategies.text(),
  lambda inner: (
    strategies.lists(inner, max_size=3)
    | strategies.dictionaries(
      strategies.sampled_from(
        ['name', 'num_classes', 'splits', 'train', 'shards', 'file', 'bytes']
      )
      | strategies.text(max_size=3),
      inner,
      max_size=4,
    )
  ),
  max_leaves=12,
)
_QUICK = hypothesis.settings(
  max_examples=150,
  deadline=None,
  suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)


def _paths(value, path=()):
  """Returns the paths of all values inside a JSON value."""
  inner = value.items() if isinstance(value, dict) else ()
  inner = enumerate(value) if isinstance(value, list) else inner
  return [path, *(p for k, v in inner for p in _paths(v, (*path, k)))]


@_QUICK
@hypothesis.given(data=strategies.data())
def test_any_value_at_any_place(tmp_path, digits_dir, data):
  """The description is used, or refused in a sentence."""
  content = good(digits_dir)
  path = data.draw(strategies.sampled_from(_paths(content)[1:]))
  _with(data.draw(_JSON), *path)(content)
  (tmp_path / 'dataset.json').write_text(json.dumps(content))
  with contextlib.suppress(UserError):
    metadata = converted.read_metadata(str(tmp_path))
    assert metadata['num_classes'] > 0
    for split in metadata['splits'].values():
      for shard in split['shards']:
        path = os.path.join(str(tmp_path), shard['file'])
        assert os.path.dirname(os.path.abspath(path)) == str(tmp_path)


@_QUICK
@hypothesis.given(data=strategies.binary(max_size=200) | _JSON.map(json.dumps))
def test_any_bytes_as_description(tmp_path, data):
  data = data.encode() if isinstance(data, str) else data
  (tmp_path / 'dataset.json').write_bytes(data)
  with contextlib.suppress(UserError):
    converted.read_metadata(str(tmp_path))


_LABELS = {
  b'0:a\n1:b\n': {0: 'a', 1: 'b'},
  b'\xef\xbb\xbf0:a\r\n1:b\r\n': {0: 'a', 1: 'b'},
  b'0:a\r1:b': {0: 'a', 1: 'b'},
  b'\n 0:a\n\n': {0: 'a'},
  b'0:a:b\n2: c\n': {0: 'a:b', 2: ' c'},
  b'0:\n': {0: ''},
  '0:a\u2028b\x85c'.encode(): {0: 'a\u2028b\x85c'},
  b'': {},
  '0:K\u00e4se'.encode('latin-1'): 'not UTF-8 text',
  '0:a\n'.encode('utf-16'): 'not UTF-8 text',
  b'--5:a': 'line 1: expected LABEL:NAME',
  '\u00b2:a'.encode(): 'line 1: expected LABEL:NAME',
  '\u0663:a'.encode(): 'line 1: expected LABEL:NAME',
  b'0:a\nb': 'line 2: expected LABEL:NAME',
  b'0:a\n0:b': 'line 2',
  b'3000000000:x': 'too large',
  b'0:a\0': 'not a file of class names',
  b'1.5:x': 'line 1',
  b':x': 'line 1',
}


@pytest.mark.parametrize('data', _LABELS)
def test_class_names(tmp_path, data):
  (tmp_path / 'labels.txt').write_bytes(data)
  expected = _LABELS[data]
  if isinstance(expected, dict):
    assert converted.read_label_file(str(tmp_path)) == expected
    return
  with one_sentence('labels.txt', expected):
    converted.read_label_file(str(tmp_path))


@pytest.mark.parametrize('data', [b'', b'\n', b'-5:a\n'])
def test_no_class_is_named(tmp_path, data):
  (tmp_path / 'labels.txt').write_bytes(data)
  with one_sentence('number of classes of folder'):
    dataset_factory.get_num_classes('folder', str(tmp_path))


@_QUICK
@hypothesis.given(
  data=strategies.binary(max_size=40)
  | strategies.text(string.digits + ':-\r\n ab\ufeff\u00b2').map(str.encode)
)
def test_any_bytes_as_class_names(tmp_path, data):
  (tmp_path / 'labels.txt').write_bytes(data)
  with contextlib.suppress(UserError):
    names = label_file.read_label_file(str(tmp_path))
    label_file.write_label_file(names, str(tmp_path))
    assert label_file.read_label_file(str(tmp_path)) == names


@pytest.mark.parametrize('name', ['a\nb', 'a\rb', '\udcff'])
def test_names_that_cannot_be_written(tmp_path, name):
  with one_sentence('Rename the class'):
    dataset_utils.write_label_file({0: name}, str(tmp_path))
  assert os.listdir(tmp_path) == []


def _example(**changes):
  """Returns a record; the changes replace or, with None, remove features."""
  features = {
    'image/encoded': dataset_utils.bytes_feature(made.encode(made.picture(0))),
    'image/format': dataset_utils.bytes_feature(b'jpeg'),
    'image/class/label': dataset_utils.int64_feature(0),
  }
  import tensorflow.compat.v1 as tf

  for name, feature in changes.items():
    key = {'image': 'image/encoded', 'label': 'image/class/label'}.get(
      name, f'image/{name}'
    )
    features[key] = feature
  kept = {key: value for key, value in features.items() if value is not None}
  return tf.train.Example(features=tf.train.Features(feature=kept))


def _records():
  import tensorflow.compat.v1 as tf

  utils = dataset_utils
  return {
    'image/encoded is missing': _example(image=None),
    'image/class/label is missing': _example(label=None),
    'label is a float. It must be one int64': _example(
      label=utils.float_feature(1.0)
    ),
    'label is a bytes': _example(label=utils.bytes_feature(b'1')),
    'label is 2 int64 values': _example(label=utils.int64_feature([1, 2])),
    'label is empty': _example(label=utils.int64_feature([])),
    'encoded is a float': _example(image=utils.float_feature(0.5)),
    'encoded is 3 int64 values': _example(image=utils.int64_feature([1, 2, 3])),
    'encoded is empty. It': _example(image=tf.train.Feature()),
  }


@pytest.mark.parametrize('reason', list(_records()))
def test_records_that_hold_something_else(tmp_path, reason):
  write_records(tmp_path, [_example(), _records()[reason]])
  dataset = dataset_factory.get_dataset('flowers', 'train', str(tmp_path))
  with one_sentence('flowers_train-0.tfrecord, record 1', reason):
    split_summary.summarize(dataset, 5)
  with one_sentence('record 1', reason):
    reading.record_at(dataset, 1)
  assert reading.record_at(dataset, 0).label == 0


def write_records(folder, examples):
  import tensorflow.compat.v1 as tf

  path = str(folder / 'flowers_train-0.tfrecord')
  with tf.python_io.TFRecordWriter(path) as writer:
    for example in examples:
      data = example if isinstance(example, bytes) else (
        example.SerializeToString()
      )  # fmt: skip
      writer.write(data)


def test_record_that_is_no_example(tmp_path):
  write_records(tmp_path, [b'\xff' * 50])
  dataset = dataset_factory.get_dataset('flowers', 'train', str(tmp_path))
  with one_sentence('record 0 is not a tf.train.Example'):
    reading.first_images(dataset, 1)


def test_index_beyond_the_end(digits_dir):
  dataset = dataset_factory.get_dataset('digits', 'test', digits_dir)
  assert reading.record_at(dataset, 296).image_format == 'png'
  with one_sentence('--index=297', '297 images'):
    reading.record_at(dataset, 297)


def test_odd_images_are_summarized(tmp_path):
  huge = bytearray(made.encode(made.picture(0), 'GIF'))
  huge[6:10] = b'\xff\xff\xff\xff'
  odd = [b'no image', b'', bytes(huge), made.encode(made.picture(0))[:-60]]
  write_records(
    tmp_path,
    [_example(image=dataset_utils.bytes_feature(data)) for data in odd]
    + [_example(label=dataset_utils.int64_feature(n)) for n in (-9, 2**60)],
  )
  dataset = dataset_factory.get_dataset('flowers', 'train', str(tmp_path))
  summary = split_summary.summarize(dataset, 10)
  text = split_summary.describe(summary, dataset)
  assert 'Warning: 1 damaged images: the file is truncated.' in text
  assert 'Warning: 2 images have labels that are not in 0 to 4' in text
  assert len(summary.samples) == 6
  files.write(str(tmp_path / 'text'), text.encode())


@pytest.mark.parametrize('data', [b'\xff', b'0:a\n0:b', b'daisy\n'])
def test_damaged_class_names_are_written_again(folder, data):
  before = made.folder_bytes(folder)
  (folder / 'labels.txt').write_bytes(data)
  download_and_convert_digits.run(str(folder))
  assert made.folder_bytes(folder) == before
