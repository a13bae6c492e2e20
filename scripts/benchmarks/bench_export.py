r"""Measures inference frozen and folded against the network with variables.

    python scripts/benchmarks/bench_export.py --json=/tmp/export.json

Both compute the probabilities of the same images in memory, in turns. 'frozen'
is what export_inference_graph.py writes as --frozen_file: constants instead of
variables, batch norm folded into the convolutions. 'cpu ms' is the processor
time of one image, which other programs on the machine disturb less.
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))

import common  # noqa: E402
import numpy as np  # noqa: E402
from absl import flags  # noqa: E402

from deployment.command_line import entry
from deployment.export import config as export_config  # noqa: E402
from nets import nets_factory  # noqa: E402

FLAGS = flags.FLAGS
common.define_flags('repeats')
flags.DEFINE_list('networks', 'mobilenet_v1,resnet_v1_50', 'Which networks.')
flags.DEFINE_list('batch_sizes', '1,16', 'Images in a batch.')
flags.DEFINE_float('seconds', 2.0, 'How long each is timed at each turn.', 0)

_KINDS = ('variables', 'frozen')
_COLUMNS = (
  'network',
  'batch',
  'variables',
  'frozen',
  'ratio',
  'variables, cpu ms',
  'frozen, cpu ms',
)
_WARM_UP = 3


def main():
  """Measures every network in both forms and prints the table."""
  entry.load('deployment.export.export')
  rows, figures = [], []
  for name in FLAGS.networks:
    variables, frozen = _predictors(name)
    for batch_size in map(int, FLAGS.batch_sizes):
      found = _measure(variables, frozen, batch_size)
      ratio = found['frozen'].ratio(found['variables'])
      rates = [found[kind].rate for kind in _KINDS]
      cpu = [found[kind].cpu_ms for kind in _KINDS]
      figures.append((name, batch_size, *rates, ratio, *cpu))
      rows.append(
        [name, batch_size]
        + [f'{rate:.1f}' for rate in rates]
        + [f'{ratio:.2f}']
        + [f'{milliseconds:.1f}' for milliseconds in cpu]
      )
  common.report(
    'Inference, images/s',
    _COLUMNS,
    rows,
    [dict(zip(_COLUMNS, figure, strict=True)) for figure in figures],
  )


def _predictors(name):
  """Return the network with variables and frozen, with the same weights."""
  import tensorflow.compat.v1 as tf

  from deployment.export import frozen_graph, graph_predictor, inference_graph

  row = nets_factory.network(name)
  options = export_config.ExportConfig(
    model_name=name, labels_offset=row.labels_offset
  )
  network = inference_graph.build(options, row.classes)
  session = tf.Session(graph=network.graph)
  with network.graph.as_default():
    session.run(tf.global_variables_initializer())
  frozen = frozen_graph.freeze(
    session, [network.output], [network.images.op.name]
  )
  return (
    graph_predictor.GraphPredictor(
      session, network.images, network.probabilities
    ),
    graph_predictor.from_graph_def(frozen),
  )


def _measure(variables, frozen, batch_size):
  """Return 'variables' and 'frozen' -> common.Measurement."""
  shape = variables.image_shape
  images = np.random.RandomState(0).uniform(-1, 1, [batch_size, *shape])
  images = images.astype(np.float32)
  contenders = [
    common.Contender(
      kind, lambda run=run: len(run(images)), _steps(run, images), _WARM_UP
    )
    for kind, run in zip(_KINDS, (variables, frozen), strict=True)
  ]
  return common.take_turns(contenders, FLAGS.repeats)


def _steps(run, images):
  """Return how many runs take about --seconds."""
  run(images)
  start = time.perf_counter()
  run(images)
  return max(1, round(FLAGS.seconds / (time.perf_counter() - start)))


if __name__ == '__main__':
  entry.run(main)
