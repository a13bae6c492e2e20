"""From TFRecord shards to prefetched batches, with tf.data.

records -> shuffle -> decode, preprocess (in parallel) -> batch -> prefetch

Where a data set of this library holds RGB JPEGs, preprocessing plans before
anything is decoded, and only the window that it wants is.
"""

import dataclasses
import os

import tensorflow.compat.v1 as tf

import slim_errors
from datasets import dataset_utils
from deployment import records
from preprocessing import image_ops, preprocessing_factory, windows

_PREFETCHED_BATCHES = 2


@dataclasses.dataclass(frozen=True)
class Input:
  """What turns one data set into one network's batches.

  Attributes:
    dataset: a slim Dataset with the items 'image' and 'label'.
    preprocessing: how the images are prepared, a preprocessing_factory.Parts.
    image_size: side of the images in pixels.
    channels: 1 or 3; decoded images are converted to it before preprocessing.
    labels_offset: subtracted from every label.
    threads: images preprocessed at once; 0 takes one for each core.
    readers: files read at once; 0 reads as many as there are, up to 16.
    in_memory: whether training keeps the records, as they are stored, in
      memory.
  """

  dataset: object
  preprocessing: preprocessing_factory.Parts
  image_size: int
  channels: int = 3
  labels_offset: int = 0
  threads: int = 0
  readers: int = 0
  in_memory: bool = False

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
      resumes goes on where it stopped; an int or an int64 scalar, which is
      read when the iterator is initialised.
    worker: (number, count); workers read different records.

  Returns:
    A tf.data Dataset of {'image': float32 [batch_size, size, size, channels],
    'label': int64 [batch_size]}.
  """
  repeatable = seed is not None
  if not repeatable:
    seed = int.from_bytes(os.urandom(4), 'little')
  read = records.shuffled(
    source.dataset,
    seed=seed,
    start=start,
    worker=worker,
    readers=source.readers,
    in_memory=source.in_memory,
  )
  examples = read.enumerate(start).map(
    lambda index, record: _example(source, record, _seed(seed, index)),
    num_parallel_calls=_threads(source),
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
  examples = (
    tf.data.TFRecordDataset(files)
    .enumerate()
    .map(
      lambda index, record: {**_example(source, record, None), 'index': index},
      num_parallel_calls=_threads(source),
      deterministic=True,
    )
  )
  batches = examples.batch(batch_size)
  if max_batches is not None:
    batches = batches.take(max_batches)
  return _ready(source, batches)


def _threads(source) -> int:
  return source.threads or usable_cores()


def usable_cores() -> int:
  """Returns how many processor cores this process may use."""
  if hasattr(os, 'sched_getaffinity'):
    return len(os.sched_getaffinity(0))
  return os.cpu_count() or 1


def _ready(source, batches):
  """Finishes and prefetches batches.

  tf.data's tuner stays off: it finds no better number than one image per core,
  and a session that closes waits up to a minute for its thread. One image
  keeps to one thread, because others have images of their own.
  """
  options = tf.data.Options()
  options.autotune.enabled = False
  options.threading.max_intra_op_parallelism = 1
  batches = _finished(source, batches)
  return batches.prefetch(_PREFETCHED_BATCHES).with_options(options)


def iterator(batches):
  """Returns an initializable iterator that a session's start-up runs.

  Its initializer joins the table initializers, which MonitoredSession and
  every Scaffold run before the first step and after each recovery.
  """
  result = tf.data.make_initializable_iterator(batches)
  tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, result.initializer)
  return result


def _seed(seed, index):
  """Returns the [2] int32 seed of the example with this number."""
  low = tf.cast(tf.bitwise.bitwise_and(index, 0x7FFFFFFF), tf.int32)
  return tf.stack([tf.constant(seed & 0x3FFFFFFF, tf.int32), low])


def _example(source, record, seed):
  """Returns one record as {'image', 'label', ...}, ready to be batched."""
  if _reads_jpegs(source):
    part, label = _from_encoded(source, record, seed)
  else:
    image, label = source.dataset.decoder.decode(record, ['image', 'label'])
    part = _from_image(source, image, seed)
  label = tf.cast(tf.reshape(label, []), tf.int64) - source.labels_offset
  return {**part, 'label': _checked(label, source.num_classes)}


def _reads_jpegs(source):
  """Says whether it is worth a look whether a record holds a JPEG.

  Data sets of this library say under which keys an image and its label are
  stored. Others have decoders of their own, which are left their work.
  """
  dataset = source.dataset
  return (
    source.preprocessing.plan is not None
    and source.channels == 3
    and getattr(dataset, 'channels', None) == 3
    and getattr(dataset, 'image_key', None) is not None
    and getattr(dataset, 'label_key', None) is not None
  )


def _from_encoded(source, record, seed):
  """Decodes of a JPEG only what preprocessing wants of it."""
  dataset = source.dataset
  features = tf.io.parse_single_example(
    record,
    {
      dataset.image_key: tf.io.FixedLenFeature([], tf.string),
      dataset.label_key: tf.io.FixedLenFeature([], tf.int64),
    },
  )
  encoded = features[dataset.image_key]
  shape = windows.rgb_jpeg_shape(encoded)

  def planned():
    plan = _plan(source, shape, seed)
    return windows.carry_out_on_jpeg(plan, encoded, shape)

  def general():
    image = tf.io.decode_image(encoded, 3, expand_animations=False)
    image.set_shape([None, None, 3])
    return windows.carry_out(_plan(source, tf.shape(image), seed), image)

  image = tf.cond(shape[2] > 0, planned, general)
  image.set_shape([source.image_size, source.image_size, 3])
  return {'image': image}, features[dataset.label_key]


def _plan(source, shape, seed):
  size = source.image_size
  is_training = seed is not None
  return source.preprocessing.plan(shape, size, size, is_training, seed)


def _from_image(source, image, seed):
  """Prepares a decoded image as far as it goes one by one."""
  image = image_ops.set_channels(image, source.channels)
  size = source.image_size
  if source.preprocessing.start is not None:
    return source.preprocessing.start(
      image, size, size, is_training=seed is not None, seed=seed
    )
  image = windows.carry_out(_plan(source, tf.shape(image), seed), image)
  image.set_shape([size, size, source.channels])
  return {'image': image}


def _finished(source, batches):
  """Prepares the images as far as it goes by batch."""
  finish = source.preprocessing.finish
  if finish is None:
    return batches

  def finished(batch):
    images = finish(batch)
    rest = {name: batch[name] for name in ('label', 'index') if name in batch}
    return {'image': images, **rest}

  return batches.map(
    finished,
    num_parallel_calls=_threads(source),
    deterministic=True,
  )


def _checked(label, num_classes):
  """Returns the label, or fails in one sentence if it is out of range."""
  message = (
    f'A label is out of range: the network tells {num_classes} classes apart, '
    f'so labels must be 0 to {num_classes - 1} after --labels_offset, but one '
    'is'
  )
  fine = tf.logical_and(label >= 0, label < num_classes)
  # tf.Assert would add a conditional, an operation on every record.
  check = tf.raw_ops.Assert(condition=fine, data=[message, label])
  with tf.control_dependencies([check]):
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
