"""From TFRecord files to prefetched batches, with tf.data.

record_order.py reads the records in the right order, a loader of loaders.py
decodes, prepares and batches them, and prefetching makes batches ahead.
"""

import os

import tensorflow.compat.v1 as tf

from deployment.inputs import loaders, record_order
from deployment.inputs.input_spec import InputSpec

_PREFETCHED_BATCHES = 2


def train_batches(
  spec: InputSpec,
  batch_size: int,
  seed: int | None = None,
  start: int | tf.Tensor = 0,
  worker: tuple[int, int] = (0, 1),
  resuming: bool = False,
) -> tf.data.Dataset:
  """Return endless shuffled batches.

  Args:
    spec: the InputSpec.
    batch_size: images in a batch.
    seed: an int makes the batches repeatable: the same seed gives the same
      images with the same distortions in the same order, with any number of
      threads.
    start: how many images came before, so that a run that resumes continues
      where it stopped; an int or an int64 scalar, which is read when the
      iterator is initialized. Without a seed, a new order begins.
    worker: (number, count); workers read different records.
    resuming: whether `start` is likely to be more than 0, so that it is worth
      counting the records of files whose numbers are not known.

  Returns:
    A Dataset of {'image': float32 [batch_size, size, size, channels],
    'label': int64 [batch_size], 'index': int64 [batch_size], counted from the
    first epoch on}.
  """
  repeatable = seed is not None
  skipped = start if repeatable else 0
  if not repeatable:
    seed = int.from_bytes(os.urandom(4), 'little')
  loader = loaders.choose(
    spec, seed=seed, deterministic=repeatable, cached=spec.cached
  )
  shards = record_order.Shards(
    spec.dataset,
    worker,
    spec.readers,
    count=resuming and repeatable and not spec.cached,
  )
  if spec.cached:

    def shuffled_batches(cache, count):
      positions = record_order.shuffled_numbers(count, seed=seed, start=skipped)
      return loader.batches(
        positions.enumerate(start), batch_size, _lookup_in(cache)
      )

    batches = _cached(loader, shards).flat_map(shuffled_batches)
  else:
    records = shards.shuffled(seed=seed, start=skipped)
    batches = loader.batches(records.enumerate(start), batch_size, tf.identity)
  return _prefetched(batches)


def eval_batches(
  spec: InputSpec, batch_size: int, max_batches: int | None = None
) -> tf.data.Dataset:
  """Return every example of the split once, in the order of the files.

  Args:
    spec: the InputSpec.
    batch_size: images in a batch; the last batch may hold fewer.
    max_batches: how many batches to take; None takes all.

  Returns:
    A Dataset of {'image': float32 [?, size, size, channels],
    'label': int64 [?], 'index': int64 [?], the number of the record}.
  """
  loader = loaders.choose(spec, seed=None, deterministic=True, cached=False)
  records = record_order.in_order(spec.dataset)
  if max_batches is not None:
    records = records.take(max_batches * batch_size)
  return _prefetched(
    loader.batches(records.enumerate(), batch_size, tf.identity)
  )


def iterator(batches: tf.data.Dataset) -> tf.data.Iterator:
  """Return an initializable iterator that a session's start-up initializes.

  Its initializer joins the table initializers, which MonitoredSession and
  every Scaffold run before the first step and after each recovery.

  Args:
    batches: a Dataset.
  """
  result = tf.data.make_initializable_iterator(batches)
  tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, result.initializer)
  return result


def _cached(loader, shards):
  """Return a Dataset of one element: (all elements batched, their number)."""
  everything = loader.cacheable(shards.once()).batch(record_order.ENDLESS)

  def with_count(cache):
    first = tf.nest.flatten(cache)[0]
    return cache, tf.shape(first, out_type=tf.int64)[0]

  return everything.map(with_count)


def _lookup_in(cache):
  """Return the function from positions in the cache to what is cached there."""

  def lookup(positions):
    return tf.nest.map_structure(
      lambda cached: tf.gather(cached, positions), cache
    )

  return lookup


def _prefetched(batches):
  """Return the batches, made ahead of their use.

  tf.data's autotuning is off: it finds no better number than one image per
  core, and a session that closes waits for its thread for up to a minute. One
  image keeps to one thread, because the other threads have images of their own.
  """
  options = tf.data.Options()
  options.autotune.enabled = False
  options.threading.max_intra_op_parallelism = 1
  return batches.prefetch(_PREFETCHED_BATCHES).with_options(options)
