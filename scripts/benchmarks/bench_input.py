r"""Measures the input pipeline: images/s by preprocessing family and stage.

    python scripts/benchmarks/bench_input.py --baseline --json=/tmp/input.json

Reads generated photos of --height x --width pixels (JPEG, in TFRecord files)
and small images (PNG). 'read', 'decode' and 'window' are the first stages of
the pipeline alone: reading records, decoding whole images, and decoding the
windows that training of the Inception family looks at. The column 'cpu' is the
processor time of one image in milliseconds: 1000 / cpu is the rate of one core
that does nothing else. 'of decode' and 'of TF1' compare rates, 'by cpu'
processor times, which other programs on the machine disturb less.
"""

import contextlib
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import common  # noqa: E402
from absl import flags  # noqa: E402

from deployment.command_line import entry  # noqa: E402

FLAGS = flags.FLAGS
common.define_flags('baseline', 'repeats', 'data_dir')
flags.DEFINE_list(
  'pipelines',
  'inception,inception_eval,vgg,vgg_eval,lenet,cifarnet',
  'What to measure: families, with _eval as evaluation prepares images.',
)
flags.DEFINE_integer('image_size', 224, 'Side of the photos in batches.', 1)
flags.DEFINE_integer('height', 375, 'Rows of the photos.', 1)
flags.DEFINE_integer('width', 500, 'Columns of the photos.', 1)
flags.DEFINE_integer('num_images', 512, 'How many photos there are.', 1)
flags.DEFINE_integer('num_small_images', 5000, 'How many small images.', 1)
flags.DEFINE_integer('batch_size', 32, 'Images in a batch.', 1)
flags.DEFINE_integer('batches', 24, 'Batches of photos that are timed.', 1)
flags.DEFINE_integer('small_batches', 100, 'Batches of small images.', 1)
flags.DEFINE_integer(
  'num_preprocessing_threads', None, 'As in training; its default.', 0
)

_STAGES = ('read', 'decode', 'window')
_SMALL = {'lenet': (28, 1), 'cifarnet': (32, 3)}
_WARM_UP = 8


def main():
  """Measures everything in turns and prints the table."""
  tf = entry.load('tensorflow.compat.v1')
  import photos
  import tf1_way

  with common.data_folder() as folder, contextlib.ExitStack() as stack:
    large = photos.photos(
      os.path.join(folder, f'photos_{FLAGS.height}x{FLAGS.width}'),
      FLAGS.num_images,
      height=FLAGS.height,
      width=FLAGS.width,
    )
    contenders = [
      _contender(tf, stack, name, lambda n=name: _stage(tf, n, large))
      for name in _STAGES
    ]
    for name in FLAGS.pipelines:
      family, is_eval = name.removesuffix('_eval'), name.endswith('_eval')
      size, channels = _SMALL.get(family, (FLAGS.image_size, 3))
      dataset = large
      if family in _SMALL:
        dataset = photos.small_images(
          os.path.join(folder, family),
          FLAGS.num_small_images,
          channels=channels,
        )
      case = (family, is_eval, dataset, size, channels)
      contenders.append(
        _contender(tf, stack, name, lambda c=case: _ours(tf, *c))
      )
      if FLAGS.baseline:
        contenders.append(
          _contender(
            tf,
            stack,
            f'{name} TF1',
            lambda c=case: _queues(tf1_way, *c),
            tf1_way.session,
          )
        )
    _report(common.take_turns(contenders, FLAGS.repeats))


def _contender(tf, stack, name, build, session=None):
  """Return a Contender with a graph and an open session of its own."""
  small = name.partition(' ')[0].removesuffix('_eval') in _SMALL
  with tf.Graph().as_default():
    images = build()
    opened = stack.enter_context((session or tf.Session)())
    for initializer in tf.get_collection(tf.GraphKeys.TABLE_INITIALIZERS):
      opened.run(initializer)
    fetch = opened.make_callable([images.op])

  def step():
    fetch()
    return FLAGS.batch_size

  steps = FLAGS.small_batches if small else FLAGS.batches
  return common.Contender(name, step, steps, _WARM_UP)


def _threads():
  from deployment.training import config as train_config

  if FLAGS.num_preprocessing_threads is None:
    return train_config.TrainConfig().num_preprocessing_threads
  return FLAGS.num_preprocessing_threads


def _ours(tf, family, is_eval, dataset, size, channels):
  """Build this library's pipeline; returns the images of a batch."""
  from deployment.inputs import input_spec, pipeline
  from preprocessing import preprocessing_factory

  spec = input_spec.InputSpec(
    dataset,
    preprocessing_factory.get_parts(family),
    size,
    channels,
    threads=_threads(),
    readers=4,
    in_memory=False,  # Training would read and decode small images only once.
  )
  if is_eval:
    batches = pipeline.eval_batches(spec, FLAGS.batch_size).repeat()
  else:
    batches = pipeline.train_batches(spec, FLAGS.batch_size)
  return pipeline.iterator(batches).get_next()['image']


def _queues(tf1_way, family, is_eval, dataset, size, channels):
  """Build the TensorFlow 1 way; returns the images of a batch."""
  preprocess = tf1_way.preprocessing(family, not is_eval, size, channels)
  images, _ = tf1_way.batches(
    dataset, preprocess, FLAGS.batch_size, shuffle=not is_eval
  )
  return images


def _stage(tf, name, dataset):
  """Build the first stages of the pipeline; returns a number per image."""
  from deployment.inputs import pipeline
  from preprocessing import image_ops, inception_plans, windows

  def taken(record):
    if name == 'read':
      return tf.strings.length(record)
    features = {dataset.image_key: tf.io.FixedLenFeature([], tf.string)}
    encoded = tf.io.parse_single_example(record, features)[dataset.image_key]
    if name == 'decode':
      return tf.image.decode_jpeg(encoded, channels=3)[0, 0, 0]
    shape = windows.rgb_jpeg_shape(encoded)
    plan = inception_plans.train_plan(
      shape, FLAGS.image_size, FLAGS.image_size, seed=image_ops.fresh_seed()
    )
    plan = windows.Plan(plan.window, lambda pixels: pixels[0, 0, 0])
    return windows.carry_out_on_jpeg(plan, encoded, shape)

  records = tf.data.TFRecordDataset(dataset.data_sources).repeat()
  taken = records.map(taken, num_parallel_calls=_threads() or os.cpu_count())
  batches = taken.batch(FLAGS.batch_size).prefetch(2)
  options = tf.data.Options()
  options.autotune.enabled = False
  return pipeline.iterator(batches.with_options(options)).get_next()


def _report(results):
  """Print the rates and what they are relative to."""
  decoding = results['decode']
  rows, figures = [], {}
  for name, result in results.items():
    row = [name, f'{result.rate:.0f}', f'{result.cpu_ms:.3f}']
    small = name.partition(' ')[0].removesuffix('_eval') in _SMALL
    row.append('' if small else f'{result.ratio(decoding):.2f}')
    baseline = results.get(f'{name} TF1')
    row.append(f'{result.ratio(baseline):.2f}' if baseline else '')
    row.append(f'{result.cpu_ratio(baseline):.2f}' if baseline else '')
    rows.append(row)
    figures[name] = {
      'images_per_second': result.rates,
      'cpu_ms_per_image': result.cpu,
    }
    if baseline:
      figures[name]['ratio_to_baseline'] = result.ratio(baseline)
      figures[name]['cpu_ratio_to_baseline'] = result.cpu_ratio(baseline)
  header = ['pipeline', 'images/s', 'cpu', 'of decode', 'of TF1', 'by cpu']
  common.report('Input pipeline', header, rows, figures)


if __name__ == '__main__':
  entry.run(main)
