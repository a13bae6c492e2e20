r"""Says what a GraphDef takes, gives, holds and costs.

    python scripts/summarize_graph.py --in_graph=/tmp/inception_v3_inf_graph.pb

Prints the inputs, the possible outputs with their multiply-adds, the number of
parameters and the ops. What freeze_graph wants as --output_node_names is among
the outputs.
"""

import _checkout  # noqa: F401  (finds the modules below)
from absl import flags

from deployment.command_line import entry
from slim_support import errors

_IN_GRAPH = flags.DEFINE_string(
  'in_graph', None, 'The GraphDef, binary or, as .pbtxt or .txt, text.'
)


def main():
  """Checks the flag, then prints the summary."""
  if not _IN_GRAPH.value:
    raise errors.UserError('--in_graph is missing. Say which GraphDef.')
  predictors = entry.load('deployment.export.predictors')
  graph_summary = entry.load('deployment.export.graph_summary')
  graph_def = predictors.read_graph_def(_IN_GRAPH.value)
  print(graph_summary.report(graph_summary.summarize(graph_def)))


if __name__ == '__main__':
  entry.run(main)
