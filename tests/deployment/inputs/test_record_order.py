import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.inputs import local_copy, record_order
from slim_support import errors
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


def test_copies_are_read_and_used_again(dataset, tmp_path):
  local = local_copy.on_disk(dataset, str(tmp_path / 'cache'))
  assert sorted(read(record_order.Shards(local).shuffled(seed=1), 10)) == list(
    range(10)
  )
  times = [os.stat(name).st_mtime_ns for name in local.data_sources]
  for name in dataset.data_sources:
    assert os.path.dirname(name) != os.path.dirname(local.data_sources[0])
  again = local_copy.on_disk(dataset, str(tmp_path / 'cache'))
  assert again.data_sources == local.data_sources
  assert [os.stat(name).st_mtime_ns for name in again.data_sources] == times


def test_a_copy_that_was_cut_short_is_made_again(dataset, tmp_path):
  local = local_copy.on_disk(dataset, str(tmp_path / 'cache'))
  with open(local.data_sources[1], 'r+b') as file:
    file.truncate(5)
  again = local_copy.on_disk(dataset, str(tmp_path / 'cache'))
  assert sorted(read(record_order.Shards(again).shuffled(seed=1), 10)) == list(
    range(10)
  )
  assert not [
    name
    for name in os.listdir(os.path.dirname(again.data_sources[0]))
    if name.endswith('.tmp')
  ]


def test_another_content_has_other_copies(dataset, tmp_path):
  local = local_copy.on_disk(dataset, str(tmp_path / 'cache'))
  with tf.io.TFRecordWriter(dataset.data_sources[0]) as writer:
    writer.write(b'77')
  again = local_copy.on_disk(dataset, str(tmp_path / 'cache'))
  assert again.data_sources[0] != local.data_sources[0]


def test_a_folder_that_cannot_be_written_is_named(dataset, tmp_path):
  (tmp_path / 'file').write_text('')
  with pytest.raises(errors.UserError, match='--cache_dir.*file'):
    local_copy.on_disk(dataset, str(tmp_path / 'file'))
