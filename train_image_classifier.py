r"""Trains an image classification network, from scratch or fine-tuning.

    python train_image_classifier.py \
      --train_dir=/tmp/digits-model \
      --dataset_name=digits \
      --dataset_split_name=train \
      --dataset_dir=/tmp/digits \
      --model_name=lenet \
      --max_number_of_steps=1000

Run the same command again to go on from the last checkpoint. With
--ps_hosts, --worker_hosts and --job_name, or with TF_CONFIG, it is a process
of a cluster: see docs/clusters.md and scripts/run_local_cluster.sh.
"""

import os

from datasets import dataset_factory
from deployment import cli, cluster, config, flag_fields

flag_fields.define_flags(config.TrainConfig)


def main():
  """Checks the flags, then plays its part; returns the exit status."""
  options = flag_fields.from_flags(config.TrainConfig)
  place = cluster.resolve(options, os.environ)
  split = cluster.split_to_read(options, place)
  if split:
    dataset_factory.check_dataset(
      options.dataset_name, split, options.dataset_dir
    )
  return cli.load('deployment.roles').run(options, place)


if __name__ == '__main__':
  cli.run(main)
