r"""Train an image classification network, from scratch or by fine-tuning.

    python train_image_classifier.py \
      --train_dir=/tmp/digits-model \
      --dataset_name=digits \
      --dataset_split_name=train \
      --dataset_dir=/tmp/digits \
      --model_name=lenet \
      --max_number_of_steps=1000

Run the same command again to resume from the last checkpoint. With --ps_hosts,
--worker_hosts and --job_name, or with TF_CONFIG, it is one process of a
cluster: see docs/clusters.md and scripts/run_local_cluster.sh.
"""

import os
from collections.abc import Sequence

from datasets import dataset_factory
from deployment.cluster import members
from deployment.command_line import entry
from deployment.training import config as train_config
from slim_support import flag_fields

flag_fields.define_flags(train_config.TrainConfig)


def main(argv: Sequence[str] = ()) -> int:
  """Check the flags, then run this process; return the exit status.

  Args:
    argv: what was left over after the flags; not used.
  """
  del argv
  job_dir = flag_fields.flag_value(train_config.TrainConfig, 'job_dir')
  options = flag_fields.from_flags(
    train_config.TrainConfig, {'train_dir': job_dir} if job_dir else None
  )
  place = members.resolve(options, os.environ)
  split = members.split_to_read(options, place)
  if split:
    dataset_factory.check_dataset(
      options.dataset_name, split, options.dataset_dir
    )
  return entry.load('deployment.roles').run(options, place)


if __name__ == '__main__':
  entry.run(main)
