r"""Evaluate a checkpoint on every image of a split.

    python eval_image_classifier.py \
      --checkpoint_path=/tmp/digits-model \
      --eval_dir=/tmp/digits-model/eval \
      --dataset_name=digits \
      --dataset_split_name=test \
      --dataset_dir=/tmp/digits \
      --model_name=lenet

Flags that are not given are taken from the run.json beside the checkpoint.
"""

from collections.abc import Sequence

from datasets import dataset_factory
from deployment.checkpoints import run_folder
from deployment.command_line import entry
from deployment.evaluation import config as eval_config
from slim_support import flag_fields

flag_fields.define_flags(eval_config.EvalConfig)


def main(argv: Sequence[str] = ()) -> None:
  """Check the flags, then evaluate.

  Args:
    argv: what was left over after the flags; not used.
  """
  del argv
  recorded = run_folder.recorded_flags(
    flag_fields.flag_value(eval_config.EvalConfig, 'checkpoint_path')
  )
  options = flag_fields.from_flags(eval_config.EvalConfig, recorded)
  dataset_factory.check_dataset(
    options.dataset_name, options.dataset_split_name, options.dataset_dir
  )
  entry.load('deployment.evaluation.evaluate').evaluate(options)


if __name__ == '__main__':
  entry.run(main)
