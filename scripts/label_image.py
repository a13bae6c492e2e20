r"""Label images with any network that this library exports.

    python scripts/label_image.py \
      --image=daisy.jpg \
      --graph=/tmp/frozen_inception_v3.pb \
      --labels=/tmp/imagenet_slim_labels.txt \
      --input_layer=input \
      --output_layer=InceptionV3/Predictions/Reshape_1

--image may also be a folder or a pattern, or several of these, separated by
commas. --graph may be a frozen GraphDef, the folder of a SavedModel, a .tflite
or an .onnx file. Use --checkpoint_path instead to label with a checkpoint; it
needs --model_name, unless it is in a --train_dir. Where the export wrote its
metadata beside the graph, images are prepared as in evaluation, and classes
have their names.
"""

import _checkout  # noqa: F401  (makes the modules below importable)

from deployment.checkpoints import run_folder
from deployment.command_line import entry
from deployment.labeling import config as label_config
from slim_support import flag_fields

flag_fields.define_flags(label_config.LabelConfig)


def main() -> None:
  """Check the flags, then label the images."""
  checkpoint = flag_fields.flag_value(
    label_config.LabelConfig, 'checkpoint_path'
  )
  recorded = run_folder.recorded_flags(checkpoint) if checkpoint else {}
  options = flag_fields.from_flags(label_config.LabelConfig, recorded)
  flag_fields.require(options, 'image', 'Name the image to label.')
  entry.load('deployment.labeling.label').label(options)


if __name__ == '__main__':
  entry.run(main)
