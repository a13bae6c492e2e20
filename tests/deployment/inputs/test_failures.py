"""Bad records, and other failures, end in one sentence that names them."""

import json
import os
import pathlib

import pytest
import tensorflow.compat.v1 as tf

from datasets import classification
from deployment.inputs import (
  failures,
  input_spec,
  pipeline,
  record_search,
  shard_files,
)
from preprocessing import preprocessing_factory
from slim_support import errors

_TEXTS = (
  pathlib.Path(__file__).parents[2] / 'slim_support/tensorflow_errors.json'
)
_JPEG = b'\xff\xd8\xff\xe0' + bytes(200)


def _feature(value):
  if isinstance(value, bytes):
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
  if isinstance(value, float):
    return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))
  return tf.train.Feature(int64_list=tf.train.Int64List(value=value))


def _record(encoded=None, label=(1,)):
  """Returns a record; leaves out what is None."""
  features = {'image/encoded': encoded, 'image/class/label': label}
  features = {
    key: _feature(value) for key, value in features.items() if value is not None
  }
  return tf.train.Example(
    features=tf.train.Features(feature=features)
  ).SerializeToString()


@pytest.fixture(scope='module')
def png():
  with tf.Graph().as_default(), tf.Session() as session:
    return session.run(tf.io.encode_png(tf.zeros([8, 8, 3], tf.uint8)))


def _write(path, records):
  with tf.io.TFRecordWriter(str(path)) as writer:
    for record in records:
      writer.write(record)


def _split(folder, count=5, **options):
  spec = classification.ClassificationSpec(
    name='some',
    splits={'train': count},
    num_classes=4,
    file_patterns=('%s_*.tfrecord',),
    **options,
  )
  return spec.get_split('train', str(folder))


@pytest.fixture
def data_with(tmp_path, png):
  """Writes two files; a given record is number 2 of the second."""

  def write(record, **options):
    good = [_record(png)] * 2
    _write(tmp_path / 'train_0.tfrecord', good)
    _write(tmp_path / 'train_1.tfrecord', [*good, record])
    return _split(tmp_path, **options)

  return write


def _run(batches):
  iterator = tf.data.make_initializable_iterator(batches)
  batch = iterator.get_next()
  with tf.Session() as session:
    session.run(iterator.initializer)
    for _ in range(3):
      session.run(batch)


def _sentence(dataset, family='lenet', mode='eval', **options):
  """Returns what is said of a data set, with the file names only."""
  parts = preprocessing_factory.get_parts(family)
  spec = input_spec.InputSpec(
    dataset, parts, 8, threads=2, in_memory=mode == 'cached', **options
  )
  batches = (
    pipeline.eval_batches(spec, 2)
    if mode == 'eval'
    else pipeline.train_batches(spec, 2, seed=1)
  )
  with (
    pytest.raises(errors.UserError) as caught,
    failures.explained(dataset, '/out'),
  ):
    _run(batches)
  folder = os.path.dirname(dataset.data_sources[0])
  return str(caught.value).replace(f'{folder}/', '')


_RECORDS = {
  'label float': (
    {'label': 1.0},
    'image/class/label is a float, an int64 is wanted',
  ),
  'label bytes': (
    {'label': b'1'},
    'image/class/label is a string of bytes, an int64 is wanted',
  ),
  'label missing': ({'label': None}, 'image/class/label is missing'),
  'labels': ({'label': (1, 2)}, 'image/class/label holds 2 values, not one'),
  'image missing': ({'encoded': None}, 'image/encoded is missing'),
  'image empty': ({'encoded': b''}, 'image/encoded is empty'),
  'image integers': (
    {'encoded': (7,)},
    'image/encoded is an int64, a string of bytes is wanted',
  ),
  'raw pixels': (
    {'encoded': bytes(192)},
    'image/encoded holds 192 bytes that are not an encoded image, such as raw '
    'pixels; a JPEG, PNG, GIF or BMP is wanted',
  ),
  'broken': ({'encoded': _JPEG}, 'the image or label cannot be decoded ('),
  'label too great': (
    {'label': (99,)},
    'A label is out of range: labels must be 0 to 3 (4 classes, '
    '--labels_offset=0), but there is the label 99',
  ),
  'label negative': (
    {'label': (-1,)},
    'A label is out of range: labels must be 0 to 3 (4 classes, '
    '--labels_offset=0), but there is the label -1',
  ),
}


@pytest.mark.parametrize(
  ('family', 'mode'),
  [
    ('lenet', 'eval'),
    ('lenet', 'cached'),
    ('inception', 'train'),
  ],
)
@pytest.mark.parametrize('case', _RECORDS)
def test_a_bad_record_is_named(data_with, png, case, family, mode):
  fields, reason = _RECORDS[case]
  dataset = data_with(_record(**({'encoded': png} | fields)))
  said = _sentence(dataset, family, mode)
  assert said.startswith(f'train_1.tfrecord, record 2: {reason}')
  assert '[' not in said
  assert said.endswith('.')


def test_a_record_that_is_no_example_is_named(data_with):
  assert _sentence(data_with(b'hello')) == (
    'train_1.tfrecord, record 2: it is not a tf.train.Example.'
  )


def test_an_image_of_another_size_is_named(data_with, png):
  dataset = data_with(_record(png), image_size=(6, 8))
  assert _sentence(dataset) == (
    'train_0.tfrecord, record 0: the image is 8 x 8 x 3 (height x width x '
    'channels), all images of this data set must be 6 x 8 x 3.'
  )


@pytest.mark.parametrize('damage', ['flipped', 'cut'])
def test_a_damaged_file_is_named_with_its_record(data_with, png, damage):
  dataset = data_with(_record(png))
  path = pathlib.Path(dataset.data_sources[1])
  content = bytearray(path.read_bytes())
  if damage == 'flipped':
    content[-10] ^= 1
  path.write_bytes(content[: -1 if damage == 'cut' else None])
  assert _sentence(dataset).startswith(
    'train_1.tfrecord is damaged: its record 2 cannot be read.'
  )


def test_a_search_that_takes_too_long_says_how_far_it_came(
  data_with, monkeypatch
):
  dataset = data_with(_record(bytes(192)))
  monkeypatch.setattr(record_search, '_SEARCH_SECS', -1)
  said = _sentence(dataset)
  assert 'Unknown image file format' in said
  assert 'the first 0 records that were searched' in said


def _translated(name, dataset=None):
  (case,) = [
    case for case in json.loads(_TEXTS.read_text()) if case['case'] == name
  ]
  error = getattr(tf.errors, case['type'])(None, None, case['message'])
  return failures.translate(error, dataset, '/out')


@pytest.mark.parametrize(
  ('case', 'start'),
  [
    ('disk full', 'No space left for /out. '),
    ('out of memory', 'Out of memory. Use a smaller --batch_size'),
    ('gone', '/data/err/gone/train_00000-of-00001.tfrecord cannot be read'),
  ],
)
def test_other_known_causes(case, start):
  assert _translated(case).startswith(start)


@pytest.mark.parametrize('case', ['matmul', 'gather', 'nan histogram'])
def test_errors_of_the_network_are_not_searched_for_in_the_data(case):
  assert _translated(case) is None


@pytest.mark.parametrize('kind', ['pipe', 'device', 'folder', 'loop', 'gone'])
def test_only_regular_files_are_opened(data_with, png, kind):
  dataset = data_with(_record(png))
  path = pathlib.Path(dataset.data_sources[1])
  path.unlink()
  if kind == 'pipe':
    os.mkfifo(path)
  elif kind == 'folder':
    path.mkdir()
  elif kind != 'gone':
    path.symlink_to('/dev/zero' if kind == 'device' else path)
  parts = preprocessing_factory.get_parts('lenet')
  spec = input_spec.InputSpec(dataset, parts, 8)
  for build in (pipeline.eval_batches, pipeline.train_batches):
    with pytest.raises(errors.UserError, match='train_1.*cannot be read'):
      build(spec, 2)


def test_files_with_nothing_in_them_are_refused(tmp_path):
  for number in range(2):
    _write(tmp_path / f'train_{number}.tfrecord', [])
  with pytest.raises(errors.UserError, match='nothing in it'):
    shard_files.checked_files(_split(tmp_path))
