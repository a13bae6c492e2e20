import io
import types

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from PIL import Image

from datasets import classification, dataset_utils
from deployment.inputs import input_spec, pipeline
from preprocessing import parts, preprocessing_factory
from tf_slim_compat import slim

NUM_IMAGES = 40
SHARDS = (14, 13, 13)
FAMILIES = ('cifarnet', 'inception', 'lenet', 'vgg')


def encoded(number):
  """Returns an image and its format: mostly RGB JPEGs, but not only."""
  random = np.random.default_rng(number)
  coarse = random.integers(0, 256, (6, 8, 3), np.uint8)
  size = (60 + number, 44 + number % 7)
  image = Image.fromarray(coarse).resize(size, Image.BICUBIC)
  image_format, mode = 'JPEG', 'RGB'
  if number % 5 == 3:
    image_format = 'PNG'
  elif number % 10 == 4:
    mode = 'L'
  elif number % 10 == 9:
    mode = 'CMYK'
  buffer = io.BytesIO()
  image.convert(mode).save(buffer, image_format)
  return buffer.getvalue(), image_format.lower().encode()


def example(data, image_format, label):
  return dataset_utils.image_to_tfexample(
    data, image_format, 1, 1, label
  ).SerializeToString()


def write(folder, records, shards):
  records = iter(records)
  for index, count in enumerate(shards):
    name = folder / f'train_{index:05}-of-{len(shards):05}.tfrecord'
    with tf.io.TFRecordWriter(str(name)) as writer:
      for _ in range(count):
        writer.write(next(records))


def split(folder, count, **options):
  spec = classification.ClassificationSpec(
    name='mixed',
    splits={'train': count},
    num_classes=NUM_IMAGES,
    file_patterns=('%s_*.tfrecord',),
    **options,
  )
  return spec.get_split('train', str(folder))


@pytest.fixture(scope='module')
def dataset(tmp_path_factory):
  folder = tmp_path_factory.mktemp('mixed')
  records = [example(*encoded(n), n) for n in range(NUM_IMAGES)]
  write(folder, records, SHARDS)
  return split(folder, NUM_IMAGES)


@pytest.fixture(scope='module')
def alike(tmp_path_factory):
  """A data set of small images of one size."""
  folder = tmp_path_factory.mktemp('alike')
  images = np.random.default_rng(0).integers(0, 256, (30, 26, 28, 3), np.uint8)
  records = []
  for label, image in enumerate(images):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, 'PNG')
    records.append(example(buffer.getvalue(), b'png', label))
  write(folder, records, (15, 15))
  return split(folder, 30, image_size=(26, 28))


def of_unknown_size(dataset):
  return type(dataset)(**(vars(dataset) | {'image_shape': [None, None, 3]}))


def make_spec(dataset, family='lenet', **options):
  options = {'image_size': 24, 'threads': 2, 'readers': 2} | options
  parts = preprocessing_factory.get_parts(family)
  return input_spec.InputSpec(dataset, parts, **options)


def read(batches, count=None):
  """Returns batches as a list, `count` of them or all."""
  iterator = tf.data.make_initializable_iterator(batches)
  batch = iterator.get_next()
  found = []
  with tf.Session() as session:
    session.run([iterator.initializer, tf.tables_initializer()])
    while count is None or len(found) < count:
      try:
        found.append(session.run(batch))
      except tf.errors.OutOfRangeError:
        break
  return found


def labels(batches):
  return np.concatenate([batch['label'] for batch in batches]).tolist()


def assert_same(first, second):
  assert labels(first) == labels(second)
  for one, other in zip(first, second, strict=True):
    np.testing.assert_array_equal(one['image'], other['image'])


def test_evaluation_sees_every_image_once_in_order(dataset):
  batches = read(pipeline.eval_batches(make_spec(dataset), 16))
  assert [len(batch['label']) for batch in batches] == [16, 16, 8]
  assert labels(batches) == list(range(NUM_IMAGES))
  index = np.concatenate([batch['index'] for batch in batches])
  assert index.tolist() == list(range(NUM_IMAGES))
  assert batches[2]['image'].shape == (8, 24, 24, 3)


def test_evaluation_of_some_batches(dataset):
  batches = read(pipeline.eval_batches(make_spec(dataset), 16, max_batches=2))
  assert labels(batches) == list(range(32))


@pytest.mark.parametrize('family', FAMILIES)
def test_same_seed_same_batches_whatever_the_threads(dataset, family):
  first, second, other = (
    read(
      pipeline.train_batches(
        make_spec(dataset, family, threads=threads), 16, seed=seed
      ),
      4,
    )
    for seed, threads in ((5, 1), (5, 3), (6, 3))
  )
  assert_same(first, second)
  assert labels(first) != labels(other)


def test_without_a_seed_batches_differ(dataset):
  first, second = (
    read(pipeline.train_batches(make_spec(dataset), 16), 1) for _ in range(2)
  )
  assert labels(first) != labels(second)


@pytest.mark.parametrize('in_memory', [False, True])
def test_every_epoch_holds_every_image_in_a_new_order(dataset, in_memory):
  spec = make_spec(dataset, in_memory=in_memory)
  found = labels(read(pipeline.train_batches(spec, 8, seed=1), 15))
  epochs = [found[start : start + NUM_IMAGES] for start in (0, 40, 80)]
  for epoch in epochs:
    assert sorted(epoch) == list(range(NUM_IMAGES))
  assert len({tuple(epoch) for epoch in epochs}) == 3


@pytest.mark.parametrize('in_memory', [False, True])
@pytest.mark.parametrize('done', [2, 7])
def test_a_later_start_goes_on_with_the_same_batches(dataset, in_memory, done):
  spec = make_spec(dataset, in_memory=in_memory)
  whole = read(pipeline.train_batches(spec, 8, seed=3), done + 2)
  start = tf.constant(8 * done, tf.int64)
  rest = read(pipeline.train_batches(spec, 8, seed=3, start=start), 2)
  assert_same(whole[done:], rest)


@pytest.mark.parametrize('in_memory', [False, True])
def test_without_a_seed_a_later_start_begins_a_new_order(dataset, in_memory):
  # One thread, because others might overtake each other.
  spec = make_spec(dataset, in_memory=in_memory, threads=1)
  start = tf.constant(NUM_IMAGES + 24, tf.int64)
  (first, *rest) = read(pipeline.train_batches(spec, 8, start=start), 5)
  assert first['index'][0] == NUM_IMAGES + 24
  assert sorted(labels([first, *rest])) == list(range(NUM_IMAGES))


@pytest.mark.parametrize('in_memory', [False, True])
@pytest.mark.parametrize(
  'shares', [(27, 13), (10, 10, 10, 10)], ids=['by file', 'by record']
)
def test_workers_share_out_the_images(dataset, shares, in_memory):
  spec = make_spec(dataset, in_memory=in_memory)
  seen = []
  for number, share in enumerate(shares):
    # Without a seed, the next epoch's first image may overtake the last.
    batches = pipeline.train_batches(
      spec, 1, seed=number, worker=(number, len(shares))
    )
    seen += labels(read(batches, share))
  assert sorted(seen) == list(range(NUM_IMAGES))


@pytest.mark.parametrize('family', FAMILIES)
@pytest.mark.parametrize('is_training', [True, False])
def test_the_quick_ways_change_no_pixel(dataset, family, is_training):
  general = type(dataset)(**(vars(dataset) | {'image_key': None}))
  batches = [
    read(
      pipeline.train_batches(make_spec(data, family), 8, seed=2)
      if is_training
      else pipeline.eval_batches(make_spec(data, family), 8),
      5,
    )
    for data in (dataset, general)
  ]
  assert_same(*batches)


@pytest.mark.parametrize('family', ['cifarnet', 'lenet'])
@pytest.mark.parametrize('channels', [1, 3])
def test_decoding_once_changes_no_pixel(alike, family, channels):
  options = {'in_memory': True, 'channels': channels}
  batches = [
    read(
      pipeline.train_batches(
        make_spec(data, family, **options), 8, seed=2, start=25
      ),
      9,
    )
    for data in (alike, of_unknown_size(alike))
  ]
  assert_same(*batches)
  epochs = np.split(np.array(labels(batches[0]))[5:65], 2)
  assert [sorted(epoch) for epoch in epochs] == [list(range(30))] * 2


@pytest.mark.parametrize('case', ['fits', 'too large', 'of unknown size'])
def test_small_images_are_kept_if_they_fit(alike, case, monkeypatch):
  size = 30 * 26 * 28 * 3
  monkeypatch.setattr(
    input_spec, '_MOST_CACHED_BYTES', size - (case == 'too large')
  )
  data = of_unknown_size(alike) if case == 'of unknown size' else alike
  left_to_it, told = (
    read(
      pipeline.train_batches(make_spec(data, in_memory=in_memory), 8, seed=2), 4
    )
    for in_memory in (None, case == 'fits')
  )
  assert_same(left_to_it, told)


def test_one_channel_for_a_network_that_takes_one(dataset):
  for family in FAMILIES:
    spec = make_spec(dataset, family, channels=1)
    (batch,) = read(pipeline.train_batches(spec, 8, seed=1), 1)
    assert batch['image'].shape == (8, 24, 24, 1)


@pytest.mark.parametrize('wrong', ['negative', 'too great'])
def test_labels_out_of_range_are_refused(dataset, wrong):
  spec = make_spec(dataset, labels_offset=int(wrong == 'negative'))
  if wrong == 'too great':
    few = type(dataset)(**(vars(dataset) | {'num_classes': 10}))
    spec = make_spec(few)
  with pytest.raises(tf.errors.InvalidArgumentError, match='labels must be'):
    read(pipeline.eval_batches(spec, 16))


def test_a_data_set_and_a_preprocessing_of_the_user(dataset):
  """A tf-slim Dataset without our attributes, and only `preprocess_image`."""
  names = ('data_sources', 'reader', 'decoder', 'num_samples', 'num_classes')
  theirs = slim.dataset.Dataset(
    items_to_descriptions={}, **{name: vars(dataset)[name] for name in names}
  )

  def preprocess_image(image, height, width, is_training):
    image = tf.image.resize_images(tf.cast(image, tf.float32), [height, width])
    return image + (1000.0 if is_training else 0.0)

  mine = types.SimpleNamespace(preprocess_image=preprocess_image)
  spec = input_spec.InputSpec(theirs, parts.of(mine), 24, channels=1)
  evaluated = read(pipeline.eval_batches(spec, 16))
  assert labels(evaluated) == list(range(NUM_IMAGES))
  trained = read(pipeline.train_batches(spec, 8, seed=1), 5)
  assert sorted(labels(trained)) == list(range(NUM_IMAGES))
  for batch, offset in [(evaluated[0], 0), (trained[0], 1000)]:
    assert batch['image'].shape[1:] == (24, 24, 1)
    assert offset <= batch['image'].min() < batch['image'].max() <= offset + 255
