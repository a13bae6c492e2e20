r"""Measures evaluation: images/s over a whole split.

    python scripts/benchmarks/bench_eval.py --model_name=mobilenet_v1 --baseline

Each step is a pass over all images with the evaluator of
eval_image_classifier.py. 'TF1' is the same network behind queues, with
streaming metrics, run as often as there are batches. 'label_image' runs the
exported network on the same images as files.
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
flags.DEFINE_string('model_name', 'mobilenet_v1', 'Name of the network.')
flags.DEFINE_integer('batch_size', 50, 'Images in a batch.', 1)
flags.DEFINE_integer('image_size', None, "Side of the images; the network's.")
flags.DEFINE_integer('num_images', 500, 'How many images there are.', 1)

flags.DEFINE_bool('label', False, 'Measure label_image on the same images too.')


def main():
  """Measures everything in turns and prints the table."""
  tf = entry.load('tensorflow.compat.v1')
  import photos

  from nets import nets_factory

  network = nets_factory.network(FLAGS.model_name)
  size = FLAGS.image_size or network.image_size
  with common.data_folder() as folder, contextlib.ExitStack() as stack:
    if size > 32:
      folder = os.path.join(folder, f'photos_{FLAGS.num_images}')
      dataset = photos.photos(folder, FLAGS.num_images)
    else:
      folder = os.path.join(folder, f'small_{FLAGS.num_images}')
      dataset = photos.small_images(
        folder, FLAGS.num_images, channels=network.default_channels
      )
    contenders = [_ours(tf, stack, dataset, size)]
    if FLAGS.label:
      contenders.append(_label_image(tf, stack, dataset, size))
    if FLAGS.baseline:
      contenders.append(_queues(stack, dataset, size, network.default_channels))
    _report(size, common.take_turns(contenders, FLAGS.repeats))


def _ours(tf, stack, dataset, size):
  """Return the Contender that evaluates as this library does."""
  from deployment.evaluation import config as eval_config
  from deployment.evaluation import evaluate

  folder = stack.enter_context(common.temporary_folder())
  options = eval_config.EvalConfig(
    model_name=FLAGS.model_name,
    batch_size=FLAGS.batch_size,
    eval_image_size=size,
    checkpoint_path=folder,
    eval_dir=folder,
    dataset_dir=folder,
  )
  with tf.Graph().as_default():
    evaluator = evaluate.Evaluator(options, dataset)
    session = stack.enter_context(tf.Session())
    session.run(tf.global_variables_initializer())

  def step():
    with open(os.devnull, 'w') as nowhere, contextlib.redirect_stderr(nowhere):
      return sum(len(batch.label) for batch in evaluator.batches(session))

  return common.Contender('evaluation', step, 1)


def _label_image(tf, stack, dataset, size):
  """Return the Contender that labels the images as files."""
  from datasets import reading
  from deployment.export import config as export_config
  from deployment.export import export
  from deployment.labeling import config as label_config
  from deployment.labeling import label, network
  from nets import nets_factory

  folder = pathlib.Path(stack.enter_context(common.temporary_folder()))
  with tf.Graph().as_default(), tf.Session() as session:
    channels = nets_factory.network(FLAGS.model_name).default_channels
    images = tf.placeholder(tf.float32, [None, size, size, channels])
    nets_factory.get_network_fn(FLAGS.model_name, 1001)(images)
    session.run(tf.global_variables_initializer())
    prefix = tf.train.Saver().save(session, str(folder / 'model.ckpt'))
  frozen = str(folder / 'frozen.pb')
  with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):
    export.export(
      export_config.ExportConfig(
        model_name=FLAGS.model_name,
        image_size=size,
        checkpoint_path=prefix,
        frozen_file=frozen,
      )
    )
  paths = []
  for record in reading.records(dataset):
    paths.append(str(folder / f'{len(paths)}.jpg'))
    pathlib.Path(paths[-1]).write_bytes(record.encoded)
  options = label_config.LabelConfig(
    graph=frozen, image=str(folder), batch_size=FLAGS.batch_size
  )
  loaded = network.load(options)

  def step():
    results = [*label.results(paths, loaded, options)]
    assert not any(result.error for result in results)
    return len(results)

  return common.Contender('label_image', step, 1)


def _queues(stack, dataset, size, channels):
  """Return the Contender that evaluates the TensorFlow 1 way."""
  import tensorflow.compat.v1 as tf
  import tf1_way

  from nets import nets_factory
  from preprocessing import preprocessing_factory

  family = preprocessing_factory.family_name(FLAGS.model_name)
  with tf.Graph().as_default():
    images, labels = tf1_way.batches(
      dataset,
      tf1_way.preprocessing(family, False, size, channels),
      FLAGS.batch_size,
      shuffle=False,
    )
    network_fn = nets_factory.get_network_fn(
      FLAGS.model_name, dataset.num_classes, is_training=False
    )
    logits, _ = network_fn(images)
    updates = tf1_way.metrics(logits, labels)
    session = stack.enter_context(tf1_way.session())
  batches = -(-dataset.num_samples // FLAGS.batch_size)

  def step():
    for _ in range(batches):
      session.run(updates)
    return batches * FLAGS.batch_size

  return common.Contender('TF1', step, 1)


def _report(size, results):
  """Print the rates and what they are relative to."""
  rows, figures = [], {}
  for name, result in results.items():
    row = [name, f'{result.rate:.1f}', f'{result.cpu_ms:.2f}']
    baseline = results.get('TF1')
    row.append(f'{result.ratio(baseline):.3f}' if baseline else '')
    row.append(f'{result.cpu_ratio(baseline):.3f}' if baseline else '')
    rows.append(row)
    figures[name] = {
      'images_per_second': result.rates,
      'cpu_ms_per_image': result.cpu,
    }
  title = (
    f'Evaluating {FLAGS.model_name}, batch {FLAGS.batch_size}, {size} x {size}'
  )
  header = ['input', 'images/s', 'cpu', 'of TF1', 'by cpu']
  common.report(title, header, rows, figures)


if __name__ == '__main__':
  entry.run(main)
