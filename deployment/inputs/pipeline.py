"""From TFRecord shards to prefetched batches, with tf.data.

records -> shuffle -> decode, preprocess (in parallel) -> batch -> prefetch

Small images come the other way round: batch -> decode, preprocess, because
what tf.data takes to handle an element is more than such an image takes. Where
all of them fit, training reads and decodes them once.
"""

import dataclasses
import os

import tensorflow.compat.v1 as tf

from datasets import reading
from deployment.inputs import examples, record_order
from nets import nets_factory
from preprocessing import preprocessing_factory
from slim_support import cores

_PREFETCHED_BATCHES = 2
_KEPT_BYTES = 256 * 10**6
_DECODED_AT_ONCE = 512


@dataclasses.dataclass(frozen=True)
class InputSpec:
  """What turns one data set into one network's batches.

  Attributes:
    dataset: a slim Dataset with the items 'image' and 'label'.
    preprocessing: how the images are prepared, a preprocessing_factory.Parts.
    image_size: side of the images in pixels.
    channels: 1 or 3; decoded images are converted to it before preprocessing.
    labels_offset: subtracted from every label.
    threads: images preprocessed at once; 0 takes one for each core.
    readers: files read at once; 0 reads as many as there are, up to 16.
    in_memory: whether training keeps the data set in memory, small images
      decoded, others as they are stored. None keeps small images only, and
      only if all of them take up to 256 MB.
  """

  dataset: object
  preprocessing: preprocessing_factory.Parts
  image_size: int
  channels: int = 3
  labels_offset: int = 0
  threads: int = 0
  readers: int = 0
  in_memory: bool | None = None

  @property
  def num_classes(self) -> int:
    """Number of classes that the network tells apart."""
    return self.dataset.num_classes - self.labels_offset


def train_batches(
  source: InputSpec, batch_size: int, seed=None, start=0, worker=(0, 1)
):
  """Returns endless shuffled batches.

  Args:
    source: the InputSpec.
    batch_size: images in a batch.
    seed: an int makes the batches repeatable: the same seed gives the same
      images with the same distortions in the same order, whatever the threads.
    start: how many images to leave out at the beginning, so that a run that
      resumes goes on where it stopped; an int or an int64 scalar, which is
      read when the iterator is initialised.
    worker: (number, count); workers read different records.

  Returns:
    A tf.data Dataset of {'image': float32 [batch_size, size, size, channels],
    'label': int64 [batch_size], 'index': int64 [batch_size], counted from the
    first epoch on}.
  """
  repeatable = seed is not None
  if not repeatable:
    seed = int.from_bytes(os.urandom(4), 'little')
  parallel = _parallel(source, deterministic=repeatable)
  part = {'worker': worker, 'readers': source.readers}

  def batches_of(found, kept=None):
    numbered = found.enumerate(start)
    return _batches(
      source, numbered, batch_size, seed=seed, parallel=parallel, kept=kept
    )

  def batches_of_kept(kept):
    count = tf.shape(tf.nest.flatten(kept)[0], out_type=tf.int64)[0]
    return batches_of(record_order.order(count, seed=seed, start=start), kept)

  if _is_kept(source):
    read = record_order.once(source.dataset, **part)
    batches = _kept(source, read, parallel).flat_map(batches_of_kept)
  else:
    batches = batches_of(
      record_order.shuffled(source.dataset, seed=seed, start=start, **part)
    )
  return _prefetched(batches)


def eval_batches(source: InputSpec, batch_size: int, max_batches=None):
  """Returns every example of the split once, in the order of the files.

  Args:
    source: the InputSpec.
    batch_size: images in a batch; the last batch may hold fewer.
    max_batches: how many batches to take; None takes all.

  Returns:
    A tf.data Dataset of {'image': float32 [?, size, size, channels],
    'label': int64 [?], 'index': int64 [?], the number of the record}.
  """
  files = reading.list_files(source.dataset)
  numbered = tf.data.TFRecordDataset(files).enumerate()
  if max_batches is not None:
    numbered = numbered.take(max_batches * batch_size)
  parallel = _parallel(source, deterministic=True)
  return _prefetched(
    _batches(source, numbered, batch_size, seed=None, parallel=parallel)
  )


def _parallel(source, *, deterministic):
  return {
    'num_parallel_calls': source.threads or cores.usable_cores(),
    'deterministic': deterministic,
  }


def _is_kept(source):
  """Says whether training keeps the data set in memory."""
  if source.in_memory is not None:
    return source.in_memory
  size = examples.decoded_bytes(source)
  return size is not None and size <= _KEPT_BYTES


def _kept(source, read, parallel):
  """Returns a Dataset of one element, all there is.

  Args:
    source: the InputSpec.
    read: a Dataset of the records.
    parallel: how `map` works in parallel.

  Returns:
    A Dataset of one string vector, the records, or if images are small and
    their sizes known of what `examples.decoded` returns.
  """
  if examples.decoded_bytes(source) is not None:
    read = read.batch(_DECODED_AT_ONCE).map(
      lambda records: examples.decoded(source, records), **parallel
    )
    read = read.unbatch()
  return read.batch(record_order.FOREVER)


def _batches(source, numbered, batch_size, *, seed, parallel, kept=None):
  """Turns (index, record) into batches.

  Args:
    source: the InputSpec.
    numbered: a Dataset of (index, record), or of (index, place in `kept`).
    batch_size: images in a batch. Training, which has a seed, has no batch
      that is not full.
    seed: see `examples.example`.
    parallel: how `map` works in parallel.
    kept: see `_kept`.
  """

  def found(what):
    if kept is None:
      return what
    return tf.nest.map_structure(lambda stored: tf.gather(stored, what), kept)

  is_training = seed is not None
  if examples.are_small(source):
    prepare = (
      examples.decoded_examples
      if isinstance(kept, dict)
      else examples.small_examples
    )
    return numbered.batch(batch_size, drop_remainder=is_training).map(
      lambda index, what: prepare(source, found(what), index, seed), **parallel
    )
  batches = numbered.map(
    lambda index, what: examples.example(source, found(what), index, seed),
    **parallel,
  ).batch(batch_size, drop_remainder=is_training)
  if source.preprocessing.finish:
    return batches.map(
      lambda batch: examples.finished(source, batch), **parallel
    )
  return batches


def _prefetched(batches):
  """Returns batches that are made ahead of their use.

  tf.data's tuner stays off: it finds no better number than one image per core,
  and a session that closes waits up to a minute for its thread. One image
  keeps to one thread, because others have images of their own.
  """
  options = tf.data.Options()
  options.autotune.enabled = False
  options.threading.max_intra_op_parallelism = 1
  return batches.prefetch(_PREFETCHED_BATCHES).with_options(options)


def iterator(batches):
  """Returns an initializable iterator that a session's start-up runs.

  Its initializer joins the table initializers, which MonitoredSession and
  every Scaffold run before the first step and after each recovery.
  """
  result = tf.data.make_initializable_iterator(batches)
  tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, result.initializer)
  return result


def input_spec(config, dataset, image_size) -> InputSpec:
  """Returns the Input of a configuration.

  Args:
    config: a DataConfig.
    dataset: the slim Dataset.
    image_size: side of the images, or None for the network's default.
  """
  network = nets_factory.network(config.model_name)
  return InputSpec(
    dataset=dataset,
    preprocessing=preprocessing_factory.get_parts(config.preprocessing),
    image_size=image_size or network.image_size,
    channels=1 if config.use_grayscale else network.channels,
    labels_offset=config.labels_offset,
    threads=config.num_preprocessing_threads,
    readers=getattr(config, 'num_readers', 0),
    in_memory=_IN_MEMORY.get(getattr(config, 'cache_dataset', 'auto')),
  )


# --cache_dataset as InputSpec.in_memory; the other values leave it to the size.
_IN_MEMORY = {'memory': True, 'none': False}


def class_names(dataset, labels_offset: int) -> list[str]:
  """Returns the name of each of the network's labels, its number without."""
  names = dataset.labels_to_names or {}
  labels = range(labels_offset, dataset.num_classes)
  return [str(names.get(label, label)) for label in labels]
