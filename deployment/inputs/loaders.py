"""Loaders: four ways to turn stored records into batches of images.

| Loader | Data sets | Why it is quick |
| --- | --- | --- |
| JpegLoader | RGB photos of this library | decodes only the rows it needs |
| SmallImageLoader | small images of this library | decodes batch by batch |
| CachedSmallImageLoader | the same, of one size | decodes once |
| GeneralLoader | everything else | |

`choose` picks one. All give the same pixels for the same record and seed.
"""

import abc
from collections.abc import Callable
from typing import Any

import tensorflow.compat.v1 as tf

from datasets import slim_dataset
from deployment.inputs import image_files
from deployment.inputs.input_spec import InputSpec
from preprocessing import image_ops, windows
from slim_support import cores

LABEL_OUT_OF_RANGE = 'A label is out of range'

_DECODED_AT_ONCE = 512
# More images at once than this are no quicker, and each takes memory.
_MOST_THREADS_PER_CORE = 8


class Loader(abc.ABC):
  """Turns stored records into batches of images.

  Args:
    spec: the InputSpec.
    seed: the int that decides all distortions; None for evaluation, which has
      none.
    deterministic: whether batches come in the order of their records.
  """

  def __init__(
    self, spec: InputSpec, seed: int | None, deterministic: bool
  ) -> None:
    self.spec = spec
    self.is_training = seed is not None
    self._seed = seed
    usable = cores.usable_cores()
    threads = spec.threads or usable
    self._parallel = {
      'num_parallel_calls': min(threads, usable * _MOST_THREADS_PER_CORE),
      'deterministic': deterministic,
    }

  def cacheable(self, records: tf.data.Dataset) -> tf.data.Dataset:
    """Return what is to be cached of a data set, one element per record.

    Args:
      records: a Dataset of string scalars.
    """
    return records

  @abc.abstractmethod
  def batches(
    self, numbered: tf.data.Dataset, batch_size: int, lookup: Callable
  ) -> tf.data.Dataset:
    """Return the batches.

    Args:
      numbered: a Dataset of (index, key), int64 and any type.
      batch_size: images in a batch. Training has no batch that is not full.
      lookup: fn(key) -> what `cacheable` makes of a record. It takes one key or
        a batch of keys.

    Returns:
      A Dataset of dicts: 'image', float32 [batch, size, size, channels];
      'label' and 'index', int64 [batch].
    """

  def seed_of(self, index: tf.Tensor) -> tf.Tensor | None:
    """Return the seed of one example, [2] int32; None for evaluation.

    Args:
      index: the number of the example, an int64 scalar.
    """
    if self._seed is None:
      return None
    low = tf.cast(tf.bitwise.bitwise_and(index, 0x7FFFFFFF), tf.int32)
    return tf.stack([tf.constant(self._seed & 0x3FFFFFFF, tf.int32), low])

  def network_labels(self, labels: tf.Tensor) -> tf.Tensor:
    """Return the network's labels, int64, after a check of their range."""
    spec = self.spec
    labels = tf.cast(labels, tf.int64)
    first, last = spec.labels_offset, spec.dataset.num_classes - 1
    message = (
      f'{LABEL_OUT_OF_RANGE}: labels must be {first} to {last} '
      f'({spec.num_classes} classes, --labels_offset={first}), but there is '
      'the label'
    )
    least, greatest = tf.reduce_min(labels), tf.reduce_max(labels)
    in_range = tf.logical_and(least >= first, greatest <= last)
    # tf.Assert would add a conditional, an operation on every record.
    check = tf.raw_ops.Assert(
      condition=in_range,
      data=[message, tf.where(least < first, least, greatest)],
    )
    with tf.control_dependencies([check]):
      return labels - first

  def _features(self):
    """Return how to parse the data set's records."""
    return {
      self.spec.dataset.image_key: tf.io.FixedLenFeature([], tf.string),
      self.spec.dataset.label_key: tf.io.FixedLenFeature([], tf.int64),
    }

  def _plan(self, shape, seed):
    """Return the preprocessing's windows.Plan for an image of this shape."""
    size = self.spec.image_size
    return self.spec.preprocessing.plan(
      shape, size, size, self.is_training, seed
    )

  def _start(self, image, seed):
    """Return the part of preprocessing that works image by image, a dict."""
    image = image_ops.set_channels(image, self.spec.channels)
    size = self.spec.image_size
    return self.spec.preprocessing.start(
      image, size, size, is_training=self.is_training, seed=seed
    )

  def _finish(self, batch):
    """Return a batch after the part of preprocessing that works batch-wise."""
    return {
      'image': self.spec.preprocessing.finish(batch),
      'label': batch['label'],
      'index': batch['index'],
    }


class _LoaderByExample(Loader):
  """A loader that prepares one example at a time and batches afterwards."""

  def batches(
    self, numbered: tf.data.Dataset, batch_size: int, lookup: Callable
  ) -> tf.data.Dataset:
    def example(index, key):
      part, label = self.decode(lookup(key), self.seed_of(index))
      label = self.network_labels(tf.reshape(label, []))
      return {**part, 'label': label, 'index': index}

    batches = numbered.map(example, **self._parallel).batch(
      batch_size, drop_remainder=self.is_training
    )
    if self.spec.preprocessing.finish:
      batches = batches.map(self._finish, **self._parallel)
    return batches

  @abc.abstractmethod
  def decode(self, record: tf.Tensor, seed: tf.Tensor | None) -> tuple:
    """Return ({'image': ...}, label) of one record.

    Args:
      record: a serialized tf.train.Example, a string scalar.
      seed: see `seed_of`.
    """


class _LoaderByBatch(Loader):
  """A loader that batches first and prepares a batch at a time.

  For small images, handling them one by one would take longer than preparing
  them.
  """

  def batches(
    self, numbered: tf.data.Dataset, batch_size: int, lookup: Callable
  ) -> tf.data.Dataset:
    def prepare(indices, keys):
      part, labels = self.decode(lookup(keys), indices)
      labels = self.network_labels(labels)
      return self._finish({**part, 'label': labels, 'index': indices})

    return numbered.batch(batch_size, drop_remainder=self.is_training).map(
      prepare, **self._parallel
    )

  @abc.abstractmethod
  def decode(self, elements: Any, indices: tf.Tensor) -> tuple:
    """Return (dict of batched tensors, labels) of a batch.

    Args:
      elements: what `lookup` gave for the batch.
      indices: the numbers of the examples, int64 [batch].
    """


class JpegLoader(_LoaderByExample):
  """The loader of RGB photos: preprocessing plans before it decodes.

  Of a JPEG, only the window is decoded that preprocessing is going to use.
  """

  def decode(self, record: tf.Tensor, seed: tf.Tensor | None) -> tuple:
    """See the base class."""
    features = tf.io.parse_single_example(record, self._features())
    encoded = features[self.spec.dataset.image_key]
    shape = windows.rgb_jpeg_shape(encoded)

    def window_of_jpeg():
      plan = self._plan(shape, seed)
      return windows.carry_out_on_jpeg(plan, encoded, shape)

    def window_of_image():
      image = slim_dataset.decode(encoded, [None, None, 3])
      return windows.carry_out(self._plan(tf.shape(image), seed), image)

    image = tf.cond(shape[2] > 0, window_of_jpeg, window_of_image)
    image.set_shape([self.spec.image_size, self.spec.image_size, 3])
    return {'image': image}, features[self.spec.dataset.label_key]


class SmallImageLoader(_LoaderByBatch):
  """The loader of small images: decodes and prepares a batch at a time."""

  def decode(self, elements: tf.Tensor, indices: tf.Tensor) -> tuple:
    """See the base class; elements are records."""
    dataset = self.spec.dataset
    features = tf.io.parse_example(elements, self._features())

    def start(encoded, index):
      image = slim_dataset.decode(encoded, dataset.image_shape)
      return self._start(image, self.seed_of(index))

    part = _map_batch(start, features[dataset.image_key], indices)
    return part, features[dataset.label_key]


class CachedSmallImageLoader(_LoaderByBatch):
  """The loader of small images of one size that are cached decoded."""

  def cacheable(self, records: tf.data.Dataset) -> tf.data.Dataset:
    """Return the decoded images and their labels, one element per record."""
    dataset = self.spec.dataset

    def decoded(some_records):
      features = tf.io.parse_example(some_records, self._features())
      images = _map_batch(
        lambda encoded: slim_dataset.decode(encoded, dataset.image_shape),
        features[dataset.image_key],
      )
      return {'image': images, 'label': features[dataset.label_key]}

    batches = records.batch(_DECODED_AT_ONCE).map(decoded, **self._parallel)
    return batches.unbatch()

  def decode(self, elements: dict, indices: tf.Tensor) -> tuple:
    """See the base class; elements are dicts of `cacheable`."""
    part = _map_batch(
      lambda image, index: self._start(image, self.seed_of(index)),
      elements['image'],
      indices,
    )
    return part, elements['label']


class GeneralLoader(_LoaderByExample):
  """The loader for data sets with decoders of their own, and for all else."""

  def decode(self, record: tf.Tensor, seed: tf.Tensor | None) -> tuple:
    """See the base class."""
    image, label = self.spec.dataset.decoder.decode(record, ['image', 'label'])
    if image.shape.rank is None or image.shape[-1] is None:
      image = image_files.with_channels(image, self.spec.channels)
    if self.spec.preprocessing.start:
      return self._start(image, seed), label
    size = self.spec.image_size
    image = image_ops.set_channels(image, self.spec.channels)
    image = windows.carry_out(self._plan(tf.shape(image), seed), image)
    image.set_shape([size, size, self.spec.channels])
    return {'image': image}, label


def choose(
  spec: InputSpec, *, seed: int | None, deterministic: bool, cached: bool
) -> Loader:
  """Return the quickest loader that suits a data set and a preprocessing.

  Args:
    spec: the InputSpec.
    seed: see `Loader`.
    deterministic: see `Loader`.
    cached: whether the data set is cached in memory.
  """
  if spec.has_small_images:
    decode_once = cached and spec.decoded_bytes is not None
    kind = CachedSmallImageLoader if decode_once else SmallImageLoader
  elif (
    spec.preprocessing.plan
    and spec.knows_keys
    and spec.channels == getattr(spec.dataset, 'channels', None) == 3
  ):
    kind = JpegLoader
  else:
    kind = GeneralLoader
  return kind(spec, seed, deterministic)


def _map_batch(function, *batches):
  """Return the function's results for each element, dicts of tensors, batched.

  Takes about half the time of `tf.map_fn`, whose loop costs more than a small
  image. The results of all elements must have the same, known shapes.

  Args:
    function: takes one element of each batch.
    *batches: tensors with the same first dimension.
  """
  specs = [tf.TensorSpec(batch.shape[1:], batch.dtype) for batch in batches]
  body = tf.function(function, autograph=False).get_concrete_function(*specs)
  body.add_to_graph()
  outputs = tf.nest.flatten(body.structured_outputs)
  results = tf.raw_ops.MapDefun(
    arguments=list(batches),
    captured_inputs=body.captured_inputs,
    output_types=[output.dtype for output in outputs],
    output_shapes=[output.shape for output in outputs],
    f=body,
  )
  return tf.nest.pack_sequence_as(body.structured_outputs, results)
