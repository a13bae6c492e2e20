r"""Export a network for inference.

The graph without weights, for TensorFlow's freeze_graph:

    python export_inference_graph.py \
      --model_name=inception_v3 \
      --output_file=/tmp/inception_v3_inf_graph.pb

With the weights of a training run, in several formats, checked against it:

    python export_inference_graph.py \
      --checkpoint_path=/tmp/digits-model \
      --frozen_file=/tmp/digits.pb \
      --saved_model_dir=/tmp/digits-saved-model \
      --tflite_file=/tmp/digits.tflite \
      --verify

Flags that are not given are taken from the run.json beside the checkpoint.
"""

from collections.abc import Sequence

from deployment.checkpoints import run_folder
from deployment.command_line import entry
from deployment.export import config as export_config
from slim_support import flag_fields

flag_fields.define_flags(export_config.ExportConfig)


def main(argv: Sequence[str] = ()) -> None:
  """Check the flags, then export.

  Args:
    argv: what was left over after the flags; not used.
  """
  del argv
  checkpoint = flag_fields.flag_value(
    export_config.ExportConfig, 'checkpoint_path'
  )
  recorded = run_folder.recorded_flags(checkpoint) if checkpoint else {}
  options = flag_fields.from_flags(export_config.ExportConfig, recorded)
  if not options.with_weights:
    flag_fields.require(
      options, 'output_file', 'Name the file for the GraphDef.'
    )
  entry.load('deployment.export.export').export(options)


if __name__ == '__main__':
  entry.run(main)
