r"""Evaluates a checkpoint over every sample of a split.

    python eval_image_classifier.py \
      --checkpoint_path=/tmp/digits-model \
      --eval_dir=/tmp/digits-model/eval \
      --dataset_name=digits \
      --dataset_split_name=test \
      --dataset_dir=/tmp/digits \
      --model_name=lenet

What the flags leave open is taken from the run.json beside the checkpoint.
"""

from datasets import dataset_factory
from deployment import cli, config, flag_fields

flag_fields.define_flags(config.EvalConfig)


def main():
  """Checks the flags, then evaluates."""
  recorded = config.recorded_run(flag_fields.flag_value('checkpoint_path'))
  options = flag_fields.from_flags(config.EvalConfig, recorded)
  dataset_factory.check_dataset(
    options.dataset_name, options.dataset_split_name, options.dataset_dir
  )
  cli.load('deployment.evaluation').evaluate(options)


if __name__ == '__main__':
  cli.run(main)
