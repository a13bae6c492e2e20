r"""Trains an image classification network, from scratch or fine-tuning.

    python train_image_classifier.py \
      --train_dir=/tmp/digits-model \
      --dataset_name=digits \
      --dataset_split_name=train \
      --dataset_dir=/tmp/digits \
      --model_name=lenet \
      --max_number_of_steps=1000

Run the same command again to go on from the last checkpoint.
"""

from datasets import dataset_factory
from deployment import cli, config, flag_fields

flag_fields.define_flags(config.TrainConfig)


def main():
  """Checks the flags, then trains; returns the exit status."""
  options = flag_fields.from_flags(config.TrainConfig)
  dataset_factory.check_dataset(
    options.dataset_name, options.dataset_split_name, options.dataset_dir
  )
  return cli.load('deployment.training').train(options)


if __name__ == '__main__':
  cli.run(main)
