import os
import tempfile

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets import dataset_factory, reading
from deployment.inputs import record_counts, record_order
from tf_slim_compat import slim


@pytest.fixture
def dataset(tmp_path):
  """Three files of 4, 3 and 3 records, numbered in the order of the files."""
  numbers = iter(range(10))
  for index, count in enumerate((4, 3, 3)):
    with tf.io.TFRecordWriter(str(tmp_path / f'{index}.tfrecord')) as writer:
      for _ in range(count):
        writer.write(b'%d' % next(numbers))
  return slim.dataset.Dataset(
    data_sources=[str(path) for path in sorted(tmp_path.iterdir())],
    reader=tf.TFRecordReader,
    decoder=None,
    num_samples=10,
    items_to_descriptions={},
    name='numbers',
  )


def read(found, count):
  iterator = tf.data.make_initializable_iterator(found)
  batch = iterator.get_next()
  with tf.Session() as session:
    session.run(iterator.initializer)
    return [int(session.run(batch)) for _ in range(count)]


@pytest.mark.parametrize('in_memory', [False, True])
def test_start_may_lie_epochs_ahead(dataset, in_memory):
  def found(count, **options):
    if in_memory:
      return read(
        record_order.shuffled_numbers(np.int64(10), seed=4, **options), count
      )
    return read(record_order.Shards(dataset).shuffled(seed=4, **options), count)

  assert found(7, start=33) == found(40)[33:]


def test_every_order_is_equally_likely():
  # 400 epochs: where 0 comes is uniform over ten places. The 99.9 % point of
  # chi-squared with 9 degrees of freedom is 27.9.
  found = read(record_order.shuffled_numbers(np.int64(10), seed=9), 4000)
  places = [epoch.index(0) for epoch in np.reshape(found, (400, 10)).tolist()]
  counts = np.bincount(places, minlength=10)
  assert ((counts - 40) ** 2 / 40).sum() < 27.9


@pytest.fixture
def many_files(tmp_path):
  """Nine files of one to five records, numbered in the order of the files."""
  counts = [3, 1, 5, 2, 4, 4, 1, 2, 3]
  numbers = iter(range(sum(counts)))
  for index, count in enumerate(counts):
    with tf.io.TFRecordWriter(str(tmp_path / f'{index}.tfrecord')) as writer:
      for _ in range(count):
        writer.write(b'%d' % next(numbers))
  paths = [str(path) for path in sorted(tmp_path.iterdir())]
  dataset = slim.dataset.Dataset(
    data_sources=paths,
    reader=tf.TFRecordReader,
    decoder=None,
    num_samples=sum(counts),
    items_to_descriptions={},
  )
  dataset.record_counts = dict(zip(paths, counts, strict=True))
  return dataset


@pytest.fixture
def small_groups(monkeypatch):
  monkeypatch.setattr(record_order, '_GROUP_RECORDS', 1)


_SEED = 4


def _shards(dataset, worker=(0, 1), **options):
  return record_order.Shards(dataset, worker, readers=2, **options)


@pytest.mark.parametrize(
  'worker',
  [(0, 1), (0, 2), (1, 2), (3, 12)],
  ids=['alone', 'first of two', 'second of two', 'by record'],
)
def test_every_start_continues_the_same_order(many_files, small_groups, worker):
  shards = _shards(many_files, worker)
  whole = read(shards.shuffled(seed=_SEED), 65)
  start = tf.placeholder(tf.int64, [])
  batches = shards.shuffled(seed=_SEED, start=start)
  iterator = tf.data.make_initializable_iterator(batches)
  record = iterator.get_next()
  with tf.Session() as session:
    for skipped in (0, 1, 4, 11, 18, 24, 25, 26, 49, 51, 59):
      session.run(iterator.initializer, {start: skipped})
      rest = [int(session.run(record)) for _ in range(6)]
      assert rest == whole[skipped : skipped + 6], skipped


def test_groups_hold_every_record_once_an_epoch(many_files, small_groups):
  found = read(_shards(many_files).shuffled(seed=_SEED), 75)
  epochs = [found[:25], found[25:50], found[50:]]
  assert [sorted(epoch) for epoch in epochs] == [list(range(25))] * 3
  assert len(set(map(tuple, epochs))) == 3


def test_the_order_does_not_depend_on_known_counts(many_files, small_groups):
  known = read(_shards(many_files).shuffled(seed=_SEED, start=31), 40)
  many_files.record_counts = {}
  assert read(_shards(many_files).shuffled(seed=_SEED, start=31), 40) == known


def test_files_that_were_read_before_are_not_opened(many_files, small_groups):
  shards = _shards(many_files)
  whole = read(shards.shuffled(seed=_SEED), 25)
  # Of nine files, two a group, one is left over for the last group.
  bounds = np.cumsum([*many_files.record_counts.values()])
  last = np.searchsorted(bounds, whole[-1], side='right')
  for index, path in enumerate(many_files.data_sources):
    if index != last:
      with open(path, 'wb') as file:
        file.write(b'damaged' * 5)
  start = 25 - many_files.record_counts[many_files.data_sources[last]]
  rest = read(shards.shuffled(seed=_SEED, start=start), 25 - start)
  assert rest == whole[start:]
  with pytest.raises(tf.errors.DataLossError):
    read(shards.shuffled(seed=_SEED, start=start - 1), 1)


def test_counts_come_from_the_conversion(digits_dir):
  dataset = dataset_factory.get_dataset('digits', 'train', digits_dir)
  names = dataset.data_sources
  counts = record_counts.of_files(dataset, names, count=False)
  assert counts == [reading.count_records([name]) for name in names]
  assert sum(counts) == dataset.num_samples


def test_files_are_counted_once(many_files, tmp_path, monkeypatch):
  expected = [*many_files.record_counts.values()]
  many_files.record_counts = {}
  names = many_files.data_sources
  monkeypatch.setattr(tempfile, 'tempdir', str(tmp_path / 'temporary'))
  counted = []
  count_by_length = reading.count_by_length
  monkeypatch.setattr(
    reading,
    'count_by_length',
    lambda name: counted.append(name) or count_by_length(name),
  )

  def counts(count):
    return record_counts.of_files(many_files, names, count=count)

  assert counts(False) is None
  assert counts(True) == expected
  assert counts(False) == counts(True) == expected
  assert sorted(counted) == names
  # Another file with the same name and size is another file.
  os.utime(names[0], ns=(1, 1))
  assert counts(False) is None


def test_a_cut_file_is_not_counted(many_files):
  path = many_files.data_sources[2]
  with open(path, 'r+b') as file:
    file.truncate(os.path.getsize(path) - 1)
  with pytest.raises(OSError, match='cut'):
    reading.count_by_length(path)


def test_evaluation_keeps_the_order_of_the_files(many_files):
  assert read(record_order.in_order(many_files), 25) == list(range(25))
