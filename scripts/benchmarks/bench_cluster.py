r"""Measures clones against one clone, and worker processes against threads.

    python scripts/benchmarks/bench_cluster.py --json=/tmp/cluster.json

Two clones with half the batch each, on two virtual CPU devices, are compared
with one clone with the whole batch, on images in memory. A cluster of one
parameter server and two workers is compared with one process: whole runs of
train_image_classifier.py on digits, whose speed is read from their logs after
the first steps. The workers run as they come, each with a thread for every
core, and with the cores divided between them. All take turns.
"""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import common  # noqa: E402
from absl import flags  # noqa: E402

from deployment.command_line import entry  # noqa: E402

FLAGS = flags.FLAGS
common.define_flags('repeats')
flags.DEFINE_list(
  'networks', 'lenet:28:50,mobilenet_v1_050:96:32', 'NAME:SIZE:BATCH, ...'
)
flags.DEFINE_integer('clone_steps', 10, 'Steps of the clones at each turn.', 1)
flags.DEFINE_integer('images', 6000, 'Images that a run of processes takes.')
flags.DEFINE_integer('process_repeats', 3, 'Turns of the processes.', 0)

_COLUMNS = ('network', 'batch', 'compared', 'images/s', 'with', 'images/s')
_WORKERS = 2
_SKIPPED_LINES = 2


def main():
  """Measures every network both ways and prints the table."""
  entry.load('deployment.model_deploy')
  rows = []
  with tempfile.TemporaryDirectory(prefix='benchmark-') as folder:
    for text in FLAGS.networks:
      name, size, batch = text.split(':')
      case = (name, int(size), int(batch))
      rows += _rows(case, _measure_clones(*case), '1 clone')
      if FLAGS.process_repeats:
        rows += _rows(case, _measure_processes(folder, *case), '1 process')
  header = [*_COLUMNS, 'ratio', 'lowest', 'highest']
  common.report('Training, images/s', header, rows, [header, *rows])


def _rows(case, found, reference):
  """Return a row of the table for everything but the reference.

  Args:
    case: network, size and batch.
    found: name to list of images/s, one a turn.
    reference: the name of what the others are compared with.
  """
  base = found.pop(reference)
  rows = []
  for name, rates in found.items():
    ratios = [mine / its for mine, its in zip(rates, base, strict=True)]
    shown = [statistics.median(ratios), min(ratios), max(ratios)]
    rows.append(
      [case[0], case[2], reference, f'{statistics.median(base):.0f}']
      + [name, f'{statistics.median(rates):.0f}']
      + [f'{ratio:.2f}' for ratio in shown]
    )
  return rows


def _measure_clones(name, size, batch):
  """Return '1 clone' and '2 clones' -> images/s of every turn."""
  contenders = []
  for clones in (1, 2):
    step = _clone_step(name, size, batch, clones)
    title = '1 clone' if clones == 1 else f'{clones} clones'
    contenders.append(common.Contender(title, step, FLAGS.clone_steps, 2))
  found = common.take_turns(contenders, FLAGS.repeats)
  return {title: list(result.rates) for title, result in found.items()}


def _clone_step(name, size, batch, clones):
  """Return a function that trains on one batch and returns its size."""
  import tensorflow.compat.v1 as tf

  from deployment import model_deploy
  from nets import nets_factory

  with tf.Graph().as_default():
    deploy = model_deploy.DeploymentConfig(
      clones, clone_on_cpu=True, exact_placement=True
    )
    network_fn = nets_factory.get_network_fn(name, 10, is_training=True)
    channels = nets_factory.network(name).default_channels
    with tf.device(deploy.inputs_device()):
      # A variable, because constants would be folded into the graph.
      images = tf.get_local_variable(
        'images',
        initializer=tf.random.normal([batch, size, size, channels], seed=1),
      )
      labels = tf.one_hot(tf.range(batch) % 10, 10)
    parts = iter(
      list(zip(tf.split(images, clones), tf.split(labels, clones), strict=True))
    )

    def model():
      images_, labels_ = next(parts)
      logits, _ = network_fn(images_)
      tf.losses.softmax_cross_entropy(labels_, logits)

    optimizer = tf.train.GradientDescentOptimizer(0.001)
    train_op = model_deploy.deploy(deploy, model, optimizer=optimizer).train_op
    session = tf.Session(
      config=tf.ConfigProto(
        device_count={'CPU': clones}, allow_soft_placement=True
      )
    )
    session.run(
      [tf.global_variables_initializer(), tf.local_variables_initializer()]
    )
    run = session.make_callable(train_op)

  def step():
    run()
    return batch

  return step


def _measure_processes(folder, name, size, batch):
  """Return '1 process', '2 workers' and ... -> images/s of every turn."""
  from datasets import download_and_convert_digits

  data = os.path.join(folder, 'digits')
  if not os.path.isdir(data):
    download_and_convert_digits.run(data)
  arguments = [
    f'--dataset_dir={data}',
    '--dataset_name=digits',
    f'--model_name={name}',
    f'--train_image_size={size}',
    f'--batch_size={batch}',
    '--optimizer=sgd',
    '--learning_rate=0.001',
    '--save_summaries_secs=0',
    f'--max_number_of_steps={max(6, FLAGS.images // batch)}',
    f'--log_every_n_steps={max(1, FLAGS.images // batch // 10)}',
  ]
  threads = max(1, (os.cpu_count() or 1) // _WORKERS)
  divided = {
    f'TF_NUM_{kind}_THREADS': str(threads) for kind in ('INTRAOP', 'INTEROP')
  }
  contenders = {
    '1 process': lambda: _process_rate(folder, arguments),
    f'{_WORKERS} workers': lambda: _cluster_rate(folder, arguments, {}),
    f'{_WORKERS} workers, cores divided': lambda: _cluster_rate(
      folder, arguments, divided
    ),
  }
  found = {title: [] for title in contenders}
  for _ in range(FLAGS.process_repeats):
    for title, rate in contenders.items():
      found[title].append(rate())
  return found


def _process_rate(folder, arguments):
  """Return the images/s of one training process."""
  with tempfile.TemporaryDirectory(dir=folder) as train_dir:
    result = subprocess.run(
      [
        sys.executable,
        ROOT / 'train_image_classifier.py',
        f'--train_dir={train_dir}',
        *arguments,
      ],
      capture_output=True,
      text=True,
      check=True,
    )
  return _rate(result.stderr)


def _cluster_rate(folder, arguments, environment):
  """Return the images/s of one parameter server and the workers."""
  with tempfile.TemporaryDirectory(dir=folder) as train_dir:
    logs = os.path.join(train_dir, 'logs')
    subprocess.run(
      [
        ROOT / 'scripts' / 'run_local_cluster.sh',
        *('--ps', '1', '--workers', str(_WORKERS), '--log_dir', logs, '--'),
        f'--train_dir={train_dir}',
        *arguments,
      ],
      env={**os.environ, 'PYTHON': sys.executable, **environment},
      capture_output=True,
      check=True,
    )
    return _rate(pathlib.Path(logs, 'worker-0.log').read_text())


def _rate(log):
  """Return the images/s of a log: of the cluster's steps, not a worker's."""
  lines = re.findall(r'step (\d+): .* ([\d.]+) images/s', log)
  steps = [int(step) for step, _ in lines]
  rates = [float(rate) for _, rate in lines]
  taken = [
    (after - before, rate)
    for before, after, rate in zip(steps, steps[1:], rates[1:], strict=False)
  ][_SKIPPED_LINES - 1 :]
  return sum(n for n, _ in taken) / sum(n / rate for n, rate in taken)


if __name__ == '__main__':
  entry.run(main)
