"""Labels for images: from files and a network to the most probable classes."""

import concurrent.futures
import dataclasses
import glob
import json
import os

import numpy as np
import tensorflow.compat.v1 as tf
from absl import logging

from datasets.images import headers
from deployment.labeling import network as label_network
from slim_support import errors

_SUFFIXES = ('.jpg', '.jpeg', '.png', '.gif', '.bmp', '.webp')
_FORMATS = ('jpeg', 'png', 'gif', 'bmp', 'webp')
_MOST_PIXELS = 200_000_000


@dataclasses.dataclass
class Result:
  """What is said of one image.

  Attributes:
    image: the file.
    error: why there are no predictions, '' if there are.
    predictions: dicts of 'label', 'index' and 'score', the highest first.
  """

  image: str
  error: str = ''
  predictions: list = dataclasses.field(default_factory=list)


def label(options):
  """Prints the most probable classes of every image.

  Args:
    options: a LabelConfig.

  Raises:
    UserError: if an image could not be labelled, after all others were; or if
      something else is wrong that the user can mend.
  """
  files = find_images(options.image)
  network = label_network.load(options)
  failed = 0
  for result in results(files, network, options):
    failed += bool(result.error)
    if options.json:
      print(_as_json(result), flush=True)
    elif len(files) > 1:
      print(f'{result.image}\n{_as_text(result, "  ")}\n', flush=True)
    elif not result.error:
      print(_as_text(result, ''))
  if failed and len(files) == 1:
    raise errors.UserError(f'{files[0]}: {result.error}')
  if failed:
    raise errors.UserError(
      f'{failed} of {len(files)} images could not be labelled.'
    )


def find_images(what: str) -> list[str]:
  """Returns the files that --image means.

  Args:
    what: files, folders (with all images below them) and patterns, separated
      by commas.

  Raises:
    UserError: if a folder or a pattern holds no images.
  """
  found = []
  for part in [what] if os.path.exists(what) else what.split(','):
    part = os.path.expanduser(part.strip())
    if os.path.isdir(part):
      inside = _images_below(part)
    elif not os.path.exists(part) and glob.has_magic(part):
      inside = sorted(glob.glob(part, recursive=True))
    else:
      inside = [part]
    if not inside:
      raise errors.UserError(f'--image={part}: there are no images.')
    found += inside
  return found


def _images_below(folder):
  """Returns what is an image, or calls itself one."""
  found = []
  for parent, folders, names in os.walk(folder):
    folders.sort()
    for name in sorted(names):
      path = os.path.join(parent, name)
      if name.lower().endswith(_SUFFIXES) or _is_image(path):
        found.append(path)
  return found


def _is_image(path):
  try:
    with open(path, 'rb') as file:
      return headers.sniff(file.read(16)) in _FORMATS
  except OSError:
    return False


def results(files, network, options):
  """Yields a Result for every file, in order.

  Args:
    files: paths.
    network: a `label_network.LabelNetwork`.
    options: a LabelConfig, for batch_size and top_k.
  """
  with (
    tf.Graph().as_default(),
    tf.Session() as session,
    concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool,
  ):
    encoded = tf.placeholder(tf.string, [])
    prepare = session.make_callable(network.prepare(encoded), [encoded])
    for start in range(0, len(files), options.batch_size):
      batch = files[start : start + options.batch_size]
      read = list(pool.map(lambda path: _read(path, prepare), batch))
      yield from _label_batch(batch, read, network, options.top_k)


def _read(path, prepare):
  """Returns a file's prepared image, or the reason why there is none."""
  if not os.path.isfile(path):
    remote = ' Addresses are not fetched.' if '://' in path else ''
    return f'There is no such file.{remote}'
  try:
    with open(path, 'rb') as file:
      data = file.read()
    header = headers.read_header(data)
    if header.width * header.height > _MOST_PIXELS:
      return f'{header.width} x {header.height} pixels are too many.'
    if header.orientation != 1:
      logging.warning('%s is labelled as stored, not turned upright.', path)
    return prepare(data)
  except headers.BadImage as error:
    return f'{error}.'
  except OSError as error:
    return f'It cannot be read: {error.strerror}.'
  except tf.errors.OpError as error:
    return f'It cannot be decoded: {error.message.splitlines()[0]}'


def _label_batch(files, read, network, top_k):
  """Returns the Results of some files of which the readable ones are run."""
  images = [image for image in read if not isinstance(image, str)]
  scores = iter(network.predictor(np.stack(images)) if images else ())
  return [
    Result(path, error=image)
    if isinstance(image, str)
    else Result(path, predictions=_top(next(scores), network.names, top_k))
    for path, image in zip(files, read, strict=True)
  ]


def _top(scores, names, top_k):
  """Returns the highest scores with their classes' names."""
  best = np.argsort(-scores, kind='stable')[:top_k]
  return [
    {
      'label': str(
        index if not names or names[index] is None else names[index]
      ),
      'index': int(index),
      'score': float(scores[index]),
    }
    for index in best
  ]


def _as_json(result):
  if result.error:
    return json.dumps({'image': result.image, 'error': result.error})
  row = {'image': result.image, 'predictions': result.predictions}
  return json.dumps(row, ensure_ascii=False)


def _as_text(result, indent):
  if result.error:
    return f'{indent}error: {result.error}'
  return '\n'.join(
    f'{indent}{row["label"]} ({row["index"]}): {row["score"]:.6f}'
    for row in result.predictions
  )
