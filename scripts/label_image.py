r"""Names what is on images, with any network this library exports.

    python scripts/label_image.py \
      --image=daisy.jpg \
      --graph=/tmp/frozen_inception_v3.pb \
      --labels=/tmp/imagenet_slim_labels.txt \
      --input_layer=input \
      --output_layer=InceptionV3/Predictions/Reshape_1

--image may also be a folder, a pattern, or several of all, separated by commas.
--graph may be a frozen GraphDef, the folder of a SavedModel, a .tflite or an
.onnx file; or say --checkpoint_path, and --model_name unless it is a
--train_dir. Where the export left its metadata beside the graph, images are
prepared as they were for the evaluation, and classes have their names.
"""

import _checkout  # noqa: F401  (finds the modules below)

from deployment.checkpoints import run_folder
from deployment.command_line import entry
from deployment.labeling import config as label_config
from slim_support import flag_fields

flag_fields.define_flags(label_config.LabelConfig)


def main():
  """Checks the flags, then labels."""
  checkpoint = flag_fields.flag_value('checkpoint_path')
  recorded = run_folder.recorded_flags(checkpoint) if checkpoint else {}
  options = flag_fields.from_flags(label_config.LabelConfig, recorded)
  flag_fields.require(options, 'image', 'Say which image to label.')
  entry.load('deployment.labeling.label').label(options)


if __name__ == '__main__':
  entry.run(main)
