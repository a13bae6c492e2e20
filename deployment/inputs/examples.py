"""From records to images and labels: decoding and preprocessing.

Where a data set of this library holds RGB JPEGs, preprocessing plans before
anything is decoded, and only the window that it wants is. Small images are
decoded and prepared a batch at a time. Data sets with decoders of their own
take the general way.
"""

import math

import tensorflow.compat.v1 as tf

from datasets import slim_dataset
from preprocessing import image_ops, windows


def example(source, record, index, seed):
  """Returns one record, ready to be batched.

  Args:
    source: the batches.InputSpec.
    record: a string scalar, a tf.Example.
    index: its number, an int64 scalar.
    seed: the int from which its distortions follow; None for evaluation, which
      has none.

  Returns:
    Dict of 'image', float32 [size, size, channels] or what `finished` makes it
    from, 'label', int64, and 'index'.
  """
  seed = _seed(seed, index)
  if _reads_jpegs(source):
    part, label = _from_encoded(source, record, seed)
  else:
    image, label = source.dataset.decoder.decode(record, ['image', 'label'])
    part = _from_image(source, image, seed)
  label = _label(source, tf.reshape(label, []))
  return {**part, 'label': label, 'index': index}


def are_small(source) -> bool:
  """Says whether `small_examples` can read the source's records."""
  return source.preprocessing.start is not None and _has_keys(source)


def small_examples(source, records, indices, seed):
  """Returns a batch of records, ready for the network.

  Args:
    source: the batches.InputSpec; `are_small` holds of it.
    records: a string vector.
    indices: their numbers, int64.
    seed: see `example`.

  Returns:
    Dict of 'image', float32 [batch, size, size, channels], 'label' and 'index',
    int64 [batch].
  """
  features = tf.io.parse_example(records, _features(source))

  def prepared(encoded, index):
    image = slim_dataset.decode(encoded, source.dataset.image_shape)
    return _from_image(source, image, _seed(seed, index))

  part = _for_each(prepared, features[source.dataset.image_key], indices)
  return _small_batch(source, part, features[source.dataset.label_key], indices)


def decoded_bytes(source) -> int | None:
  """Returns how much memory the decoded images of the data set take.

  Returns:
    None unless they are small and their size is known, and so `decoded` can
    read them.
  """
  if not are_small(source) or None in source.dataset.image_shape:
    return None
  return source.dataset.num_samples * math.prod(source.dataset.image_shape)


def decoded(source, records):
  """Returns a batch of records as `decoded_examples` takes them.

  Args:
    source: the batches.InputSpec; its `decoded_bytes` are known.
    records: a string vector.

  Returns:
    Dict of 'image', uint8 [batch, height, width, channels], and 'label', int64
    [batch].
  """
  features = tf.io.parse_example(records, _features(source))
  images = _for_each(
    lambda encoded: slim_dataset.decode(encoded, source.dataset.image_shape),
    features[source.dataset.image_key],
  )
  return {'image': images, 'label': features[source.dataset.label_key]}


def decoded_examples(source, batch, indices, seed):
  """Returns a batch of what `decoded` gave, as `small_examples` does."""
  part = _for_each(
    lambda image, index: _from_image(source, image, _seed(seed, index)),
    batch['image'],
    indices,
  )
  return _small_batch(source, part, batch['label'], indices)


def _small_batch(source, part, labels, indices):
  label = _label(source, labels)
  return finished(source, {**part, 'label': label, 'index': indices})


def finished(source, batch):
  """Returns a batch of examples with their images as the network takes them."""
  images = source.preprocessing.finish(batch)
  return {'image': images, 'label': batch['label'], 'index': batch['index']}


def _for_each(function, *batches):
  """Returns what the function makes of each element, a dict, batched.

  Takes about half the time of `tf.map_fn`, whose loop costs more than a small
  image. The results of all elements must have the same, known shapes.
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


def _seed(seed, index):
  """Returns the [2] int32 seed of the example with this number, or None."""
  if seed is None:
    return None
  low = tf.cast(tf.bitwise.bitwise_and(index, 0x7FFFFFFF), tf.int32)
  return tf.stack([tf.constant(seed & 0x3FFFFFFF, tf.int32), low])


def _has_keys(source):
  """Says whether the data set tells under which keys images and labels are.

  Those of this library do. Others have decoders of their own, which are left
  their work.
  """
  dataset = source.dataset
  return (
    getattr(dataset, 'image_key', None) is not None
    and getattr(dataset, 'label_key', None) is not None
  )


def _features(source):
  return {
    source.dataset.image_key: tf.io.FixedLenFeature([], tf.string),
    source.dataset.label_key: tf.io.FixedLenFeature([], tf.int64),
  }


def _reads_jpegs(source):
  """Says whether it is worth a look whether a record holds a JPEG."""
  return (
    source.preprocessing.plan is not None
    and source.channels == 3
    and getattr(source.dataset, 'channels', None) == 3
    and _has_keys(source)
  )


def _from_encoded(source, record, seed):
  """Decodes of a JPEG only what preprocessing wants of it."""
  features = tf.io.parse_single_example(record, _features(source))
  encoded = features[source.dataset.image_key]
  shape = windows.rgb_jpeg_shape(encoded)

  def planned():
    plan = _plan(source, shape, seed)
    return windows.carry_out_on_jpeg(plan, encoded, shape)

  def general():
    image = slim_dataset.decode(encoded, [None, None, 3])
    return windows.carry_out(_plan(source, tf.shape(image), seed), image)

  image = tf.cond(shape[2] > 0, planned, general)
  image.set_shape([source.image_size, source.image_size, 3])
  return {'image': image}, features[source.dataset.label_key]


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


def _label(source, labels):
  """Returns the network's labels, or fails in one sentence if one is none."""
  labels = tf.cast(labels, tf.int64) - source.labels_offset
  message = (
    'A label is out of range: the network tells '
    f'{source.num_classes} classes apart, so labels must be 0 to '
    f'{source.num_classes - 1} after --labels_offset, but one is'
  )
  least, greatest = tf.reduce_min(labels), tf.reduce_max(labels)
  fine = tf.logical_and(least >= 0, greatest < source.num_classes)
  # tf.Assert would add a conditional, an operation on every record.
  check = tf.raw_ops.Assert(
    condition=fine, data=[message, tf.where(least < 0, least, greatest)]
  )
  with tf.control_dependencies([check]):
    return tf.identity(labels)
