r"""Measures training: images/s with generated and with real input.

    python scripts/benchmarks/bench_train.py --model_name=mobilenet_v1 \
      --baseline --keras --json=/tmp/train.json

'synthetic' trains on one batch that stays in memory, 'real' on generated
photos (JPEG) or small images (PNG) through the whole input pipeline; both run
the graph, session and hooks of train_image_classifier.py. 'TF1' is the same
network and optimizer behind queues and slim.learning. Each trains in a process
of its own, because TensorFlow's threads and memory belong to a process. 'of
peak' relates the multiply-adds of the steps to the fastest convolution of this
machine.
"""

import contextlib
import os
import pathlib
import sys
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import common  # noqa: E402
from absl import flags  # noqa: E402

from deployment.command_line import entry  # noqa: E402

FLAGS = flags.FLAGS
common.define_flags('baseline', 'repeats', 'data_dir')
flags.DEFINE_string('model_name', 'mobilenet_v1', 'Name of the network.')
flags.DEFINE_integer('batch_size', 32, 'Images in a batch.', 1)
flags.DEFINE_integer('image_size', None, "Side of the images; the network's.")
flags.DEFINE_integer('steps', 10, 'Steps that are timed at each turn.', 1)
flags.DEFINE_integer('num_images', 512, 'How many images there are.', 1)
flags.DEFINE_integer('num_preprocessing_threads', None, 'As in training.', 0)
flags.DEFINE_bool('keras', False, 'Measure Keras 3 beside it.')
flags.DEFINE_integer(
  'profile', 0, 'Show so many kinds of operations that take the most time.', 0
)
flags.DEFINE_enum(
  'answer',
  None,
  ['synthetic', 'real', 'TF1'],
  'Train on this input, as many steps as each line of the standard input says, '
  'and answer with the processor time so far: the processes it starts do.',
)
flags.DEFINE_integer(
  'memory_steps', 0, 'Measure how memory grows over so many steps instead.', 0
)

_WARM_UP = 5  # Queues hold so many batches.
_SETTLED_STEPS = 50  # after which memory should no longer grow
_KERAS = {
  'mobilenet_v1': 'MobileNet',
  'mobilenet_v2': 'MobileNetV2',
  'resnet_v1_50': 'ResNet50',
  'resnet_v2_50': 'ResNet50V2',
  'inception_v3': 'InceptionV3',
  'vgg_16': 'VGG16',
}


def main():
  """Measures everything in turns and prints the table."""
  tf = entry.load('tensorflow.compat.v1')
  from absl import logging

  logging.set_verbosity(logging.WARNING)
  with common.data_folder() as folder, contextlib.ExitStack() as stack:
    bench = _Bench(tf, folder, stack)
    if FLAGS.memory_steps:
      _measure_memory(bench)
      return
    if FLAGS.answer:
      common.answer(bench.step(FLAGS.answer))
      return
    contenders = [bench.contender('synthetic'), bench.contender('real')]
    if FLAGS.baseline:
      contenders.append(bench.contender('TF1'))
    if FLAGS.keras:
      contenders.append(bench.keras())
    _report(bench, common.take_turns(contenders, FLAGS.repeats))
    if FLAGS.profile:
      _profile(tf, *bench.ours('real'))


class _Bench:
  """Makes the contenders.

  Args:
    tf: TensorFlow.
    folder: where generated images are kept.
    stack: closes the sessions in the end.
  """

  def __init__(self, tf, folder, stack):
    from nets import nets_factory

    self._tf = tf
    self._stack = stack
    network = nets_factory.network(FLAGS.model_name)
    self.size = FLAGS.image_size or network.image_size
    self.channels = network.default_channels
    self._folder = folder
    self.dataset = self._images(folder)

  def _images(self, folder):
    """Return photos, or images of the network's size if that is small."""
    import photos

    if self.size > 32:
      folder = os.path.join(folder, 'photos_375x500')
      return photos.photos(folder, FLAGS.num_images)
    folder = os.path.join(folder, f'small_{self.channels}')
    return photos.small_images(
      folder, max(2000, FLAGS.num_images), channels=self.channels
    )

  def _config(self):
    from deployment.training import config as train_config

    threads = FLAGS.num_preprocessing_threads
    folder = self._stack.enter_context(common.temporary_folder())
    return train_config.TrainConfig(
      model_name=FLAGS.model_name,
      batch_size=FLAGS.batch_size,
      train_image_size=self.size,
      train_dir=folder,
      dataset_dir=folder,
      clone_on_cpu=not self._tf.config.list_physical_devices('GPU'),
      **({} if threads is None else {'num_preprocessing_threads': threads}),
    )

  def _synthetic_batches(self, spec, batch_size, **options):
    """Replace `pipeline.train_batches`: one batch, again and again."""
    del spec, options
    tf = self._tf
    shape = [batch_size, self.size, self.size, self.channels]
    labels = tf.range(batch_size, dtype=tf.int64) % self.dataset.num_classes
    batch = {'image': tf.random.uniform(shape, -1, 1), 'label': labels}
    batches = tf.data.Dataset.from_tensors(batch).cache().repeat()
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)

  def step(self, name):
    """Return a function of no arguments that trains a step."""
    if name == 'TF1':
      return self._queues()
    session, train_op = self.ours(name)
    return lambda: session.run(train_op)

  def ours(self, name):
    """Return a session and what trains a step in it, as this library does."""
    from deployment.cluster import replica
    from deployment.inputs import pipeline
    from deployment.training import train_graph, train_session
    from slim_support import signals

    data_config = self._config()
    batches = (
      self._synthetic_batches if name == 'synthetic' else pipeline.train_batches
    )
    with self._tf.Graph().as_default():
      with mock.patch.object(pipeline, 'train_batches', batches):
        graph = train_graph.build(
          data_config, train_session.deployment(data_config), self.dataset
        )
      replica = replica.Replica(data_config, None, signals.Stopper())
      session = self._stack.enter_context(
        train_session.open_session(
          data_config, graph, replica, self._tf.train.Saver()
        )
      )
    return session, graph.train_op

  def _queues(self):
    """Return a function that trains a step the TensorFlow 1 way."""
    import tf1_way

    from nets import nets_factory
    from preprocessing import preprocessing_factory

    family = preprocessing_factory.family_name(FLAGS.model_name)
    with self._tf.Graph().as_default():
      images, labels = tf1_way.batches(
        self.dataset,
        tf1_way.preprocessing(family, True, self.size, self.channels),
        FLAGS.batch_size,
      )
      network_fn = nets_factory.get_network_fn(
        FLAGS.model_name,
        self.dataset.num_classes,
        weight_decay=0.00004,
        is_training=True,
      )
      return self._stack.enter_context(
        tf1_way.training(network_fn, images, labels, self.dataset.num_classes)
      )

  def contender(self, name):
    """Return the Contender that `step` makes of this name."""
    # The flags of this run hold for it too; the last of two of a kind counts.
    command = [
      __file__,
      *sys.argv[1:],
      f'--answer={name}',
      f'--data_dir={self._folder}',
    ]
    return self._elsewhere(name, command)

  def keras(self):
    """Return the Contender that trains with Keras 3."""
    if FLAGS.model_name not in _KERAS:
      raise SystemExit(f'--keras knows {", ".join(_KERAS)}')
    script = pathlib.Path(__file__).with_name('keras_steps.py')
    sizes = (FLAGS.batch_size, self.size, self.dataset.num_classes)
    command = [script, _KERAS[FLAGS.model_name], *map(str, sizes)]
    return self._elsewhere('Keras 3', command)

  def _elsewhere(self, name, command):
    """Return a Contender whose steps a process of its own takes."""
    process = self._stack.enter_context(common.Answering(command))

    def step():
      process.ask(1)
      return FLAGS.batch_size

    return common.Contender(
      name, step, FLAGS.steps, _WARM_UP, lambda: process.ask(0)
    )


def _profile(tf, session, train_op):
  """Print which kinds of operations one step spends its time in."""
  for _ in range(_WARM_UP):
    session.run(train_op)
  metadata = tf.RunMetadata()
  options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
  session.run(train_op, options=options, run_metadata=metadata)
  times = {}
  for device in metadata.step_stats.dev_stats:
    for node in device.node_stats:
      kind = node.timeline_label.partition(' = ')[2].partition('(')[0]
      kind = kind or node.node_name.rpartition(':')[2]
      times[kind] = times.get(kind, 0) + node.op_end_rel_micros
  total = sum(times.values())
  rows = [
    [kind, f'{micros / 1000:.1f}', f'{100 * micros / total:.1f} %']
    for kind, micros in sorted(times.items(), key=lambda item: -item[1])
  ]
  print(
    '\n' + common.table(['operation', 'ms', 'share'], rows[: FLAGS.profile])
  )


def _measure_memory(bench):
  """Print how much memory the process has gained after the first steps."""
  train = bench.step('real')
  for step in range(FLAGS.memory_steps):
    train()
    if step == _SETTLED_STEPS:
      settled = common.resident_mb()
  end = common.resident_mb()
  row = [
    FLAGS.model_name,
    f'{settled:.0f}',
    f'{end:.0f}',
    f'{end - settled:+.0f}',
  ]
  header = [
    'network',
    f'MB at step {_SETTLED_STEPS}',
    f'at step {FLAGS.memory_steps}',
    'growth',
  ]
  figures = {'settled_mb': settled, 'end_mb': end}
  common.report('Memory of training', header, [row], figures)


def _report(bench, results):
  """Print the rates and what they are relative to."""
  import roofline

  needs = roofline.PASSES_OF_TRAINING * roofline.multiply_adds(
    FLAGS.model_name, bench.dataset.num_classes, bench.size, bench.channels
  )
  peaks = roofline.peaks()
  rows, figures = [], {'peaks': peaks, 'multiply_adds_per_image': needs}
  for name, result in results.items():
    row = [name, f'{result.rate:.1f}', f'{result.cpu_ms:.2f}']
    row += [f'{1000 * result.percentile(p):.1f}' for p in (50, 90, 99)]
    row += [
      f'{result.ratio(results[other]):.3f}' if other in results else ''
      for other in ('synthetic', 'TF1', 'Keras 3')
    ]
    row.append(f'{result.rate * needs / max(peaks.values()):.2f}')
    rows.append(row)
    figures[name] = {
      'images_per_second': result.rates,
      'cpu_ms_per_image': result.cpu,
      'seconds_per_step': result.seconds,
    }
  header = ['input', 'images/s', 'cpu', 'p50 ms', 'p90', 'p99']
  header += ['of synthetic', 'of TF1', 'of Keras', 'of peak']
  title = (
    f'Training {FLAGS.model_name}, batch {FLAGS.batch_size}, '
    f'{bench.size} x {bench.size}; peaks in 10^9 multiply-adds/s: '
  )
  title += ', '.join(f'{kind} {peak / 1e9:.0f}' for kind, peak in peaks.items())
  common.report(title, header, rows, figures)


if __name__ == '__main__':
  entry.run(main)
