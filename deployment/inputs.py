"""From TFRecord shards to prefetched batches, with tf.data.

records -> shuffle -> decode, preprocess (in parallel) -> batch -> prefetch
"""

import dataclasses
import os
from collections.abc import Callable

import numpy as np
import tensorflow.compat.v1 as tf

import slim_errors
from datasets import dataset_utils
from preprocessing import image_ops

_SHUFFLE_RECORDS = 5000
_PREFETCHED_BATCHES = 2
_AUTOTUNE = tf.data.experimental.AUTOTUNE


@dataclasses.dataclass(frozen=True)
class Input:
  """What turns one data set into one network's batches.

  Attributes:
    dataset: a slim Dataset with the items 'image' and 'label'.
    preprocess: fn(image, height, width, seed) -> float32 image.
    image_size: side of the images in pixels.
    channels: 1 or 3; decoded images are converted to it before preprocessing.
    labels_offset: subtracted from every label.
    threads: images preprocessed at once; 0 lets TensorFlow tune it.
    readers: files read at once; 0 lets TensorFlow tune it.
  """

  dataset: object
  preprocess: Callable
  image_size: int
  channels: int = 3
  labels_offset: int = 0
  threads: int = 0
  readers: int = 0

  @property
  def num_classes(self) -> int:
    """Number of classes that the network tells apart."""
    return self.dataset.num_classes - self.labels_offset


def train_batches(
  source: Input, batch_size: int, seed=None, start=0, worker=(0, 1)
):
  """Returns endless shuffled batches.

  Args:
    source: the Input.
    batch_size: images in a batch.
    seed: an int makes the batches repeatable: the same seed gives the same
      images with the same distortions in the same order, whatever the threads.
    start: how many images to leave out at the beginning, so that a run that
      resumes goes on where it stopped.
    worker: (number, count); workers read different records.

  Returns:
    A tf.data Dataset of {'image': float32 [batch_size, size, size, channels],
    'label': int64 [batch_size]}.
  """
  repeatable = seed is not None
  if not repeatable:
    seed = int.from_bytes(os.urandom(4), 'little')
  files = np.array(dataset_utils.list_files(source.dataset))
  per_epoch = max(1, source.dataset.num_samples // worker[1])
  first_epoch, within = divmod(start, per_epoch)

  def epoch(number):
    return _shuffled_records(files, source.readers, worker, seed, number)

  epochs = tf.data.Dataset.range(first_epoch, np.iinfo(np.int64).max)
  records = epochs.flat_map(epoch).skip(within).enumerate(start)
  examples = records.map(
    lambda index, record: _example(source, record, _seed(seed, index)),
    num_parallel_calls=source.threads or _AUTOTUNE,
    deterministic=repeatable,
  )
  return _ready(source, examples.batch(batch_size, drop_remainder=True))


def eval_batches(source: Input, batch_size: int, max_batches=None):
  """Returns every example of the split once, in the order of the files.

  Args:
    source: the Input.
    batch_size: images in a batch; the last batch may hold fewer.
    max_batches: how many batches to take; None takes all.

  Returns:
    A tf.data Dataset of {'image': float32 [?, size, size, channels],
    'label': int64 [?], 'index': int64 [?], the number of the record}.
  """
  files = dataset_utils.list_files(source.dataset)
  records = tf.data.TFRecordDataset(files).enumerate()
  examples = records.map(
    lambda index, record: {**_example(source, record, None), 'index': index},
    num_parallel_calls=source.threads or _AUTOTUNE,
    deterministic=True,
  )
  batches = examples.batch(batch_size)
  if max_batches is not None:
    batches = batches.take(max_batches)
  return _ready(source, batches)


def _ready(source, batches):
  """Prefetches; leaves tuning off where the numbers are given.

  A tuner's thread sleeps between two looks, and closing the session waits for
  it: several seconds at the end of every run.
  """
  options = tf.data.Options()
  options.autotune.enabled = not source.threads
  return batches.prefetch(_PREFETCHED_BATCHES).with_options(options)


def iterator(batches):
  """Returns an initializable iterator that a session's start-up runs.

  Its initializer joins the table initializers, which MonitoredSession and
  every Scaffold run before the first step and after each recovery.
  """
  result = tf.data.make_initializable_iterator(batches)
  tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, result.initializer)
  return result


def _shuffled_records(files, readers, worker, seed, number):
  """Returns the records of one epoch, in an order of its own."""
  number_of, count = worker
  names = tf.data.Dataset.from_tensor_slices(files)
  by_file = len(files) >= count
  if by_file:
    names = names.shard(count, number_of)
  names = names.shuffle(len(files), seed=seed + number)
  records = names.interleave(
    tf.data.TFRecordDataset,
    cycle_length=readers or min(len(files), 16),
    num_parallel_calls=readers or _AUTOTUNE,
    deterministic=True,
  )
  if not by_file:
    records = records.shard(count, number_of)
  return records.shuffle(_SHUFFLE_RECORDS, seed=seed + number)


def _seed(seed, index):
  """Returns the [2] int32 seed of the example with this number."""
  low = tf.cast(tf.bitwise.bitwise_and(index, 0x7FFFFFFF), tf.int32)
  return tf.stack([tf.constant(seed & 0x3FFFFFFF, tf.int32), low])


def _example(source, record, seed):
  """Returns one record as {'image', 'label'}, ready to be batched."""
  decoder = source.dataset.decoder
  image, label = decoder.decode(record, ['image', 'label'])
  image = image_ops.set_channels(image, source.channels)
  size = source.image_size
  options = {} if seed is None else {'seed': seed}
  image = source.preprocess(image, size, size, **options)
  image.set_shape([size, size, source.channels])
  label = tf.cast(tf.reshape(label, []), tf.int64) - source.labels_offset
  return {'image': image, 'label': _checked(label, source.num_classes)}


def _checked(label, num_classes):
  """Returns the label, or fails in one sentence if it is out of range."""
  message = (
    f'A label is out of range: the network tells {num_classes} classes apart, '
    f'so labels must be 0 to {num_classes - 1} after --labels_offset, but one '
    'is'
  )
  fine = tf.logical_and(label >= 0, label < num_classes)
  with tf.control_dependencies([tf.Assert(fine, [message, label])]):
    return tf.identity(label)


def check_not_empty(dataset):
  """Raises UserError if the data set's files hold nothing at all."""
  files = dataset_utils.list_files(dataset)
  if not sum(tf.io.gfile.stat(name).length for name in files):
    raise slim_errors.UserError(
      f'{", ".join(files)}: nothing in it. Convert the data set again.'
    )


def describe_failure(dataset) -> str | None:
  """Returns which record, from 0, of which file cannot be read, or None.

  Reads the data set from the start, so it is for after a failure only.
  """
  with tf.Graph().as_default(), tf.Session() as session:
    record = tf.placeholder(tf.string, [])
    items = dataset.decoder.decode(record, ['image', 'label'])
    for name in dataset_utils.list_files(dataset):
      number = 0
      try:
        for content in tf.io.tf_record_iterator(name):
          session.run(items, {record: content})
          number += 1
      except tf.errors.DataLossError:
        return f'{name} is damaged: its record {number} cannot be read.'
      except tf.errors.OpError as error:
        return (
          f'{name}: the image or label of record {number} cannot be decoded '
          f'({error.message.splitlines()[0]}).'
        )
  return None
