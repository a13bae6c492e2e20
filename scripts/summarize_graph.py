r"""Print what a GraphDef takes, gives, holds and costs.

    python scripts/summarize_graph.py --in_graph=/tmp/inception_v3_inf_graph.pb

Prints the inputs, the possible outputs with their multiply-adds, the number of
parameters and the ops. What freeze_graph needs as --output_node_names is among
the outputs.
"""

import _checkout  # noqa: F401  (finds the modules below)
from absl import flags

from deployment.command_line import entry
from slim_support import errors, output

_IN_GRAPH = flags.DEFINE_string(
  'in_graph',
  None,
  'The GraphDef; binary, or text if it ends in .pbtxt or .txt.',
)


def main() -> None:
  """Check the flag, then print the summary."""
  if not _IN_GRAPH.value:
    raise errors.UserError('--in_graph is missing. Name a GraphDef.')
  graph_predictor = entry.load('deployment.export.graph_predictor')
  graph_summary = entry.load('deployment.export.graph_summary')
  graph_def = graph_predictor.read_graph_def(_IN_GRAPH.value)
  summary = graph_summary.summarize(graph_def)
  output.print_line(graph_summary.format_text(summary))


if __name__ == '__main__':
  entry.run(main)
