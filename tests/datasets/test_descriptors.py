"""Descriptors: from the files to a tf-slim Dataset, and what can be wrong."""

import contextlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets import (
  classification,
  converted,
  dataset_factory,
  dataset_utils,
  flowers,
  reading,
)
from slim_support.errors import UserError
from tests.datasets import made
from tf_slim_compat import slim


def test_readme_snippet_runs(digits_dir):
  """Background readers and provider.get, as existing users write it."""
  dataset = dataset_factory.get_dataset('digits', 'train', digits_dir)
  provider = slim.dataset_data_provider.DatasetDataProvider(dataset)
  image, label = provider.get(['image', 'label'])
  assert image.shape.as_list() == [28, 28, 1]
  assert provider.num_samples() == 1500
  with tf.Session() as session, slim.queues.QueueRunners(session):
    pixels, number = session.run([image, label])
  assert pixels.max() > 100
  assert 0 <= number <= 9


def test_fields_of_the_dataset(digits_dir):
  dataset = dataset_factory.get_dataset('digits', 'test', digits_dir)
  assert dataset.num_classes == 10
  assert dataset.num_samples == 297
  assert dataset.reader is tf.TFRecordReader
  assert set(dataset.items_to_descriptions) == {'image', 'label'}
  assert dataset.image_shape == [28, 28, 1]
  assert dataset.channels == 1
  assert reading.list_files(dataset) == dataset.data_sources


def write_old_flowers(folder, names):
  """Writes records as the original library did, without dataset.json."""
  for label, name in enumerate(names):
    with tf.python_io.TFRecordWriter(str(folder / name)) as writer:
      data = made.encode(made.picture(label))
      example = dataset_utils.image_to_tfexample(data, b'jpg', 20, 30, label)
      writer.write(example.SerializeToString())


def test_older_conversions_are_read(tmp_path):
  names = [f'flowers_train_0000{n}-of-00002.tfrecord' for n in range(2)]
  write_old_flowers(tmp_path, names)
  dataset_utils.write_label_file({0: 'daisy', 1: 'roses'}, str(tmp_path))
  dataset = flowers.get_split('train', str(tmp_path))
  assert dataset.num_samples == 3320
  assert dataset.num_classes == 5
  assert dataset.labels_to_names == {0: 'daisy', 1: 'roses'}
  assert [label for _, label in made.read_split(dataset)] == [0, 1]


def test_own_pattern_and_reader(tmp_path):
  write_old_flowers(tmp_path, ['mine_train_1', 'mine_train_2', 'other_train'])
  dataset = dataset_factory.get_dataset(
    'flowers',
    'train',
    str(tmp_path),
    file_pattern='mine_%s_*',
    reader=tf.TextLineReader,
  )
  assert len(dataset.data_sources) == 2
  assert dataset.reader is tf.TextLineReader


def test_folder_with_odd_name_is_read(tmp_path):
  folder = tmp_path / 'a [b] *'
  folder.mkdir()
  write_old_flowers(folder, ['flowers_train-00000-of-00001.tfrecord'])
  dataset = flowers.get_split('train', str(folder))
  assert len(made.read_split(dataset)) == 1
  assert reading.list_files(dataset) == dataset.data_sources


def test_undecodable_image_is_an_error(tmp_path):
  example = dataset_utils.image_to_tfexample(b'no image', b'jpg', 1, 1, 0)
  path = tmp_path / 'flowers_train-0.tfrecord'
  with tf.python_io.TFRecordWriter(str(path)) as writer:
    writer.write(example.SerializeToString())
  dataset = flowers.get_split('train', str(tmp_path))
  with pytest.raises(tf.errors.InvalidArgumentError, match='image'):
    made.read_split(dataset)


def test_gray_jpeg_becomes_rgb(tmp_path):
  data = made.encode(made.picture(0), mode='L')
  example = dataset_utils.image_to_tfexample(data, b'jpg', 20, 30, 0)
  path = tmp_path / 'flowers_train-0.tfrecord'
  with tf.python_io.TFRecordWriter(str(path)) as writer:
    writer.write(example.SerializeToString())
  ((image, _),) = made.read_split(flowers.get_split('train', str(tmp_path)))
  assert image.shape == (20, 30, 3)


@pytest.mark.parametrize('name', dataset_factory.dataset_names())
@pytest.mark.parametrize('state', ['unset', 'missing', 'empty'])
def test_missing_files_are_said_with_the_command(tmp_path, name, state):
  folder = {
    'unset': None,
    'missing': str(tmp_path / 'missing'),
    'empty': str(tmp_path),
  }[state]
  with pytest.raises(UserError) as error:
    dataset_factory.get_dataset(name, 'train', folder)
  command = 'download_and_'
  assert command in str(error.value)
  assert folder is None or folder in str(error.value)
  assert '\n' not in str(error.value)


def test_unknown_names_are_answered_with_near_ones(digits_dir):
  with pytest.raises(UserError, match='Did you mean flowers'):
    dataset_factory.get_dataset('flower', 'train', digits_dir)
  with pytest.raises(UserError, match='Known: test, train'):
    dataset_factory.get_dataset('digits', 'validation', digits_dir)


def test_another_data_set_in_the_folder_is_named(digits_dir):
  with pytest.raises(UserError, match="holds the data set 'digits'"):
    dataset_factory.get_dataset('mnist', 'train', digits_dir)


def test_truncated_shard_is_named(tmp_path, digits_dir):
  for name, data in made.folder_bytes(digits_dir).items():
    (tmp_path / name).write_bytes(data[: 100_000 if 'train' in name else None])
  with pytest.raises(UserError, match='digits_train.tfrecord is 100000 bytes'):
    dataset_factory.get_dataset('digits', 'train', str(tmp_path))
  assert dataset_factory.get_dataset('digits', 'test', str(tmp_path))


@pytest.mark.parametrize('text', ['{', '[]', '{"format_version": 1}'])
def test_damaged_metadata_are_named(tmp_path, text):
  (tmp_path / 'dataset.json').write_text(text)
  with pytest.raises(UserError, match='dataset.json is damaged'):
    dataset_factory.get_dataset('digits', 'train', str(tmp_path))


def test_number_of_classes_without_files():
  assert dataset_factory.get_num_classes('imagenet') == 1001
  assert dataset_factory.get_num_classes('flowers', '') == 5
  with pytest.raises(UserError, match='number of classes of folder'):
    dataset_factory.get_num_classes('folder')


def test_samples_are_counted_where_nothing_says_their_number(tmp_path):
  spec = classification.ClassificationSpec(
    'mine', {'train': None}, 2, file_patterns=('mine_%s_*',)
  )
  write_old_flowers(tmp_path, ['mine_train_0', 'mine_train_1'])
  assert spec.get_split('train', str(tmp_path)).num_samples == 2
  (tmp_path / 'mine_train_1').write_bytes(b'\x07' * 40)
  with pytest.raises(UserError, match='mine_train_1 is damaged'):
    spec.get_split('train', str(tmp_path))


def test_names_are_known_without_tensorflow():
  code = (
    'import sys; from datasets import dataset_factory as f;'
    '[f.get_spec(name) for name in f.dataset_names()];'
    'f.get_class_names("imagenet");'
    'print("tensorflow" in sys.modules)'
  )
  done = subprocess.run(
    [sys.executable, '-c', code], capture_output=True, text=True, check=True
  )
  assert done.stdout.strip() == 'False'


def test_label_files_round_trip(tmp_path):
  names = {0: 'a:b', 1: 'ünï ☃', 2: 'two words'}
  dataset_utils.write_label_file(names, str(tmp_path))
  assert dataset_utils.has_labels(str(tmp_path))
  assert dataset_utils.read_label_file(str(tmp_path)) == names
  assert not dataset_utils.has_labels(str(tmp_path), 'other.txt')
  (tmp_path / 'labels.txt').write_text('0:a\nnonsense\n')
  with pytest.raises(UserError, match='line 2'):
    dataset_utils.read_label_file(str(tmp_path))


def test_features_take_one_value_or_several():
  assert dataset_utils.int64_feature(3).int64_list.value[:] == [3]
  assert dataset_utils.int64_feature((3, 4)).int64_list.value[:] == [3, 4]
  assert dataset_utils.float_feature(0.5).float_list.value[:] == [0.5]
  assert dataset_utils.float_list_feature([0.5, 1.0]).float_list.value[1] == 1
  assert dataset_utils.bytes_feature(b'a').bytes_list.value[:] == [b'a']
  two = dataset_utils.bytes_list_feature([b'a', b'b'])
  assert two.bytes_list.value[:] == [b'a', b'b']


def test_sharded_writers_are_named_by_number(tmp_path):
  with contextlib.ExitStack() as stack:
    writers = dataset_utils.open_sharded_output_tfrecords(
      stack, str(tmp_path / 'out'), 2
    )
    writers[1].write(b'x')
  assert sorted(made.folder_bytes(tmp_path)) == [
    'out-00000-of-00002',
    'out-00001-of-00002',
  ]


def test_public_downloads(server, tmp_path):
  import io
  import zipfile

  server.put('a.tgz', made.tar_bytes({'a/x.txt': b'x'}))
  output = io.BytesIO()
  with zipfile.ZipFile(output, 'w') as archive:
    archive.writestr('b/y.txt', b'y')
  server.put('b.zip', output.getvalue())
  folder = str(tmp_path)
  dataset_utils.download_and_uncompress_tarball(server.url('a.tgz'), folder)
  dataset_utils.download_and_uncompress_zipfile(server.url('b.zip'), folder)
  written = made.folder_bytes(tmp_path)
  assert (written['a/x.txt'], written['b/y.txt']) == (b'x', b'y')
  server.requests.clear()
  dataset_utils.download_url(server.url('a.tgz'), folder)
  assert server.requests == []


def test_image_reader_of_flowers():
  from datasets.download_and_convert_flowers import ImageReader

  reader = ImageReader()
  data = made.encode(made.picture(0))
  with tf.Session() as session:
    assert reader.read_image_dims(session, data) == (20, 30)
    assert reader.decode_jpeg(session, data).dtype == np.uint8


def test_labels_may_come_from_a_file_alone(tmp_path):
  converted.write_label_file({0: 'a', 4: 'b'}, str(tmp_path))
  assert dataset_factory.get_num_classes('folder', str(tmp_path)) == 5
