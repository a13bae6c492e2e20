"""Labeling of image files: print the most probable classes of each."""

import collections
import concurrent.futures
import dataclasses
import itertools
import json
import os
from collections.abc import Iterator

import numpy as np
import tensorflow.compat.v1 as tf

from deployment.labeling import config as label_config
from deployment.labeling import image_loading, image_search
from deployment.labeling import network as label_network
from slim_support import errors, output

_MOST_BATCH_BYTES = 2**31


@dataclasses.dataclass
class Result:
  """The predictions for one image.

  Attributes:
    image: path of the file.
    error: why there are no predictions, '' if there are.
    predictions: dicts of 'label', 'index' and 'score', the highest score first.
  """

  image: str
  error: str = ''
  predictions: list[dict] = dataclasses.field(default_factory=list)


def label(options: label_config.LabelConfig) -> None:
  """Print the most probable classes of every image.

  Args:
    options: which images, and which network.

  Raises:
    UserError: if an image could not be labeled, after all others were; or if
      the network or a flag cannot be used.
  """
  paths = image_search.find(options.image)
  network = label_network.load(options)
  failed = 0
  for result in results(paths, network, options):
    failed += bool(result.error)
    if options.json:
      output.print_line(_as_json(result))
    elif len(paths) > 1:
      output.print_line(f'{result.image}\n{_as_text(result, "  ")}\n')
    elif not result.error:
      output.print_line(_as_text(result, ''))
  if failed and len(paths) == 1:
    raise errors.UserError(f'{paths[0]}: {result.error}')
  if failed:
    raise errors.UserError(
      f'{failed} of {len(paths)} images could not be labeled.'
    )


def results(
  paths: list[str],
  network: label_network.LabelNetwork,
  options: label_config.LabelConfig,
) -> Iterator[Result]:
  """Yield the Result of every image, in order.

  Images are read and prepared in threads while the network runs on those
  before; two batches of them are held at most.

  Args:
    paths: the image files.
    network: the network.
    options: gives batch_size and top_k.

  Raises:
    UserError: if the network does not run.
  """
  _check_memory(options.batch_size, network.image_shape)
  pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
  with tf.Graph().as_default(), tf.Session() as session:
    encoded = tf.placeholder(tf.string, [])
    loader = image_loading.ImageLoader(
      session.make_callable(network.prepare(encoded), [encoded])
    )
    try:
      loading = _load_ahead(pool, loader, paths, options.batch_size)
      while batch := [*itertools.islice(loading, options.batch_size)]:
        yield from _label_batch(batch, network, options.top_k)
    finally:
      pool.shutdown(cancel_futures=True)


def _check_memory(batch_size, image_shape):
  """Raise UserError if a batch of prepared images would not fit in memory."""
  image_bytes = 4 * int(np.prod(image_shape, dtype=np.int64))
  most = max(1, _MOST_BATCH_BYTES // image_bytes)
  if batch_size > most:
    height, width, _ = image_shape
    raise errors.UserError(
      f'--batch_size={batch_size}: images of {width} x {height} pixels need '
      f'{batch_size * image_bytes / 2**30:.0f} GiB. Use --batch_size={most} or '
      'less.'
    )


def _load_ahead(pool, loader, paths, ahead):
  """Yield (path, future of its prepared image), with some more under way."""
  waiting = collections.deque()
  for path in paths:
    waiting.append((path, pool.submit(loader.load, path)))
    if len(waiting) > ahead:
      yield waiting.popleft()
  yield from waiting


def _label_batch(batch, network, top_k):
  """Return the Results of a batch of (path, future of its prepared image)."""
  found, images = [], []
  for path, future in batch:
    found.append(Result(path))
    try:
      images.append(future.result())
    except image_loading.UnusableImageError as error:
      found[-1].error = str(error)
  scores = iter(network.scores(np.stack(images)) if images else ())
  for result in found:
    if not result.error:
      _add_predictions(result, next(scores), network.names, top_k)
  return found


def _add_predictions(result, scores, names, top_k):
  """Add the highest scores, with the names of their classes, to a Result."""
  if not np.isfinite(scores).all():
    result.error = 'The network gives it scores that are NaN or infinite.'
    return
  best = np.argsort(-scores, kind='stable')[:top_k]
  result.predictions = [
    {
      'label': str((names and names[index]) or index),
      'index': int(index),
      'score': float(scores[index]),
    }
    for index in best
  ]


def _as_json(result):
  """Return a Result as a JSON object in one line."""
  if result.error:
    row = {'image': result.image, 'error': result.error}
  else:
    row = {'image': result.image, 'predictions': result.predictions}
  text = json.dumps(row, ensure_ascii=False)
  # The bytes of names that are not UTF-8 become escapes of JSON.
  return text.encode('utf-8', 'backslashreplace').decode()


def _as_text(result, indent):
  """Return a Result in lines for people to read."""
  if result.error:
    return f'{indent}error: {result.error}'
  return '\n'.join(
    f'{indent}{row["label"]} ({row["index"]}): {row["score"]:.6f}'
    for row in result.predictions
  )
