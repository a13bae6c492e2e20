r"""Measures conversion to TFRecords against one session call an image.

Usage:

  python scripts/benchmarks/bench_convert.py --baseline --json=/tmp/convert.json

Three kinds of input are made in a temporary folder: photograph-like JPEGs of
500 x 375 in class folders, and arrays of MNIST's and CIFAR-10's size. Each is
converted by this library, with all its checks, several processes and every
shard on the disk at the end; with --baseline also by a straight loop that runs
a TensorFlow session for each image, to learn a JPEG's size or to encode a PNG.
Turns of the two alternate. TensorFlow is imported before the clock starts.
"""

import contextlib
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import common  # noqa: E402
import numpy as np  # noqa: E402
from absl import flags  # noqa: E402

from deployment.command_line import entry  # noqa: E402

FLAGS = flags.FLAGS
flags.DEFINE_integer('num_jpegs', 3670, 'How many JPEGs to convert.')
flags.DEFINE_integer('num_pngs', 10000, 'How many images of each small size.')
common.define_flags('baseline', 'repeats')

_SHARDS = 5
_CLASSES = 5


def photograph(seed: int, height: int, width: int) -> np.ndarray:
  """Return an image with detail of all sizes, as photographs have."""
  from PIL import Image

  random = np.random.default_rng(seed)
  image = np.full((height, width, 3), 128.0, np.float32)
  for divisor, strength in ((80, 60), (40, 40), (20, 25), (10, 16), (5, 10)):
    shape = (max(2, height // divisor), max(2, width // divisor))
    for channel in range(3):
      grain = random.normal(0, strength, shape).astype(np.float32)
      smooth = Image.fromarray(grain).resize((width, height), Image.BICUBIC)
      image[:, :, channel] += np.asarray(smooth)
  image += random.normal(0, 4, image.shape)
  return np.clip(image, 0, 255).astype(np.uint8)


def make_jpegs(folder: str, count: int):
  """Write JPEGs of 500 x 375 into class folders."""
  from PIL import Image

  photographs = [photograph(seed, 420, 560) for seed in range(20)]
  random = np.random.default_rng(0)
  for index in range(count):
    class_folder = os.path.join(folder, f'class{index % _CLASSES}')
    os.makedirs(class_folder, exist_ok=True)
    top, left = random.integers(0, 45), random.integers(0, 60)
    crop = photographs[index % 20][top : top + 375, left : left + 500]
    path = os.path.join(class_folder, f'{index:05}.jpg')
    Image.fromarray(crop).save(path, quality=90)


def small_images(count: int, side: int, channels: int) -> np.ndarray:
  """Return uint8 of [count, side, side, channels]: crops of photographs."""
  photographs = [photograph(seed, 8 * side, 8 * side) for seed in range(20)]
  random = np.random.default_rng(0)
  images = np.empty((count, side, side, channels), np.uint8)
  for index in range(count):
    top, left = random.integers(0, 7 * side, 2)
    crop = photographs[index % 20][top : top + side, left : left + side]
    images[index] = crop[:, :, :channels]
  if channels == 1:  # strokes on an empty ground, like digits
    images[images < 128] = 0
  return images


def convert_jpegs(images: str, output: str):
  """Convert the JPEGs with this library."""
  from datasets import download_and_convert_folder
  from datasets.conversion import options

  download_and_convert_folder.run(
    output, options.Options(image_dir=images, num_shards=_SHARDS)
  )


def convert_jpegs_straight(images: str, output: str):
  """Convert the JPEGs with a session call each."""
  import tensorflow.compat.v1 as tf

  from datasets import dataset_utils
  from datasets.download_and_convert_flowers import ImageReader

  class_names = sorted(os.listdir(images))
  paths = [
    (os.path.join(images, name, filename), label)
    for label, name in enumerate(class_names)
    for filename in sorted(os.listdir(os.path.join(images, name)))
  ]
  a_shard = -(-len(paths) // _SHARDS)
  with tf.Graph().as_default(), tf.Session() as session:
    reader = ImageReader()
    for shard in range(_SHARDS):
      name = os.path.join(output, f'{shard}.tfrecord')
      with tf.python_io.TFRecordWriter(name) as writer:
        for path, label in paths[shard * a_shard : (shard + 1) * a_shard]:
          with tf.gfile.GFile(path, 'rb') as file:
            data = file.read()
          height, width = reader.read_image_dims(session, data)
          example = dataset_utils.image_to_tfexample(
            data, b'jpg', height, width, label
          )
          writer.write(example.SerializeToString())


def convert_arrays(images: np.ndarray, output: str):
  """Convert images in memory with this library."""
  from datasets.conversion import engine
  from datasets.download_and_convert_mnist import array_split

  labels = np.zeros(len(images), np.uint8)
  opened = engine.OpenedSource({0: 'a'}, {'train': array_split(images, labels)})
  source = engine.Source('bench', open=lambda paths, work: opened)
  engine.convert(source, output)


def convert_arrays_straight(images: np.ndarray, output: str):
  """Convert images in memory with a session call each."""
  import tensorflow.compat.v1 as tf

  from datasets import dataset_utils

  height, width = images.shape[1:3]
  path = os.path.join(output, 'train.tfrecord')
  with tf.Graph().as_default(), tf.Session() as session:
    image = tf.placeholder(tf.uint8)
    encoded = tf.image.encode_png(image)
    with tf.python_io.TFRecordWriter(path) as writer:
      for pixels in images:
        data = session.run(encoded, {image: pixels})
        example = dataset_utils.image_to_tfexample(
          data, b'png', height, width, 0
        )
        writer.write(example.SerializeToString())


def measure(convert, images, count: int) -> float:
  """Return the images a second of one conversion into a fresh folder."""
  with tempfile.TemporaryDirectory() as output:
    os.sync()  # what was written before shall not be paid for here
    start = time.perf_counter()
    convert(images, output)
    return count / (time.perf_counter() - start)


def bench(name: str, images, count: int, ours, straight):
  """Measures both ways in turn; returns a row of the table and its figures."""
  ways = {'ours': ours} | ({'straight': straight} if FLAGS.baseline else {})
  results = {way: common.Measurement([], [], []) for way in ways}
  for _ in range(FLAGS.repeats):
    for way, convert in ways.items():
      results[way].rates.append(measure(convert, images, count))
  row = [name, count, *(f'{found.rate:.0f}' for found in results.values())]
  figures = {way: found.rates for way, found in results.items()}
  if FLAGS.baseline:
    figures['ratio'] = results['ours'].ratio(results['straight'])
    row.append(f'{figures["ratio"]:.1f}')
  return row, {'images': count, 'images_per_second': figures}


def main():
  """Run all measurements and prints the table."""
  entry.load('datasets.conversion.encoding')
  rows, figures = [], {}
  silence = open(os.devnull, 'w')  # noqa: SIM115  (what conversions say)
  with silence, contextlib.redirect_stdout(silence):
    for name, *case in _cases():
      row, figures[name] = bench(name, *case)
      rows.append(row)
  header = ['input', 'images', 'images/s']
  header += ['straight', 'ratio'] if FLAGS.baseline else []
  common.report('Conversion', header, rows, figures)


def _cases():
  """Yield name, images, how many there are, and both ways to convert them."""
  with tempfile.TemporaryDirectory() as folder:
    make_jpegs(folder, FLAGS.num_jpegs)
    ways = convert_jpegs, convert_jpegs_straight
    yield 'JPEG 500 x 375', folder, FLAGS.num_jpegs, *ways
  for name, side, channels in (
    ('MNIST 28 x 28 x 1', 28, 1),
    ('CIFAR-10 32 x 32 x 3', 32, 3),
  ):
    images = small_images(FLAGS.num_pngs, side, channels)
    yield name, images, len(images), convert_arrays, convert_arrays_straight


if __name__ == '__main__':
  entry.run(main)
