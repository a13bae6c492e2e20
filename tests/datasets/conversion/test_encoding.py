import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from datasets.conversion import encoding
from datasets.images import png

FEATURES = {
  'bytes': b'\x00\xff' * 300,
  'text list': [b'a', b''],
  'one integer': 7,
  'integers': [0, 127, 128, 2**40, -1, -(2**63)],
  'floats': [0.5, -1.0],
  'empty': [],
}


def test_example_reads_as_tensorflow_writes_it():
  example = tf.train.Example.FromString(encoding.encode_features(FEATURES))
  features = example.features.feature
  assert features['bytes'].bytes_list.value[:] == [FEATURES['bytes']]
  assert features['text list'].bytes_list.value[:] == [b'a', b'']
  assert features['one integer'].int64_list.value[:] == [7]
  assert features['integers'].int64_list.value[:] == FEATURES['integers']
  assert features['floats'].float_list.value[:] == [0.5, -1.0]
  assert features['empty'].WhichOneof('kind') is None
  assert len(features) == len(FEATURES)


def test_order_of_features_does_not_matter():
  turned = dict(reversed(FEATURES.items()))
  assert encoding.encode_features(turned) == encoding.encode_features(FEATURES)


def test_sample_is_the_example_of_the_public_helper():
  from datasets import dataset_utils

  sample = encoding.Sample(b'abc', 'png', 300, 2, 999)
  ours = tf.train.Example.FromString(encoding.encode_sample(sample))
  assert ours == dataset_utils.image_to_tfexample(b'abc', b'png', 300, 2, 999)


def test_shard_appears_only_when_whole(tmp_path):
  path = str(tmp_path / 'a.tfrecord')
  with encoding.ShardWriter(path) as writer:
    writer.write(b'one')
    assert not os.path.exists(path)
    writer.write(b'two')
  assert not os.path.exists(path)
  assert encoding.finish_shard(path) == os.path.getsize(path)
  assert list(tf.python_io.tf_record_iterator(path)) == [b'one', b'two']
  with (
    pytest.raises(RuntimeError),
    encoding.ShardWriter(str(tmp_path / 'b.tfrecord')) as writer,
  ):
    raise RuntimeError
  assert os.listdir(tmp_path) == ['a.tfrecord']


@pytest.mark.parametrize(
  'shape', [(5, 28, 28, 1), (3, 32, 32, 3), (2, 1, 7, 3)]
)
def test_png_decodes_to_the_same_pixels(shape):
  images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
  encoded = list(png.encode_batch(images, batch_size=2))
  assert encoded == list(png.encode_batch(images))
  with tf.Session() as session:
    for data, image in zip(encoded, images, strict=True):
      decoded = session.run(tf.image.decode_png(data))
      np.testing.assert_array_equal(decoded, image)


@pytest.mark.parametrize(
  'images', [np.zeros((1, 2, 2, 2), np.uint8), np.zeros((1, 2, 2, 3))]
)
def test_png_refuses_what_it_cannot_write(images):
  with pytest.raises(ValueError, match='expected'):
    list(png.encode_batch(images))
