import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from deployment.inputs import record_order
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
