#!/usr/bin/env bash
# Trains CifarNet on CIFAR-10: convert, train, evaluate. Needs a download, unless
# DATA_DIR holds the data already.
#   DATA_DIR      TFRecords of CIFAR-10 (/tmp/cifar10)
#   TRAIN_DIR     where to train       (/tmp/cifarnet-model)
#   STEPS         steps to train       (100000)
#   TRAIN_FLAGS   further flags of the training

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

data="${DATA_DIR:-/tmp/cifar10}"
train="${TRAIN_DIR:-/tmp/cifarnet-model}"
read -r -a train_flags <<< "${TRAIN_FLAGS:-}"

if [[ ! -e "$data/labels.txt" ]]; then
  python download_and_convert_data.py \
    --dataset_name=cifar10 \
    --dataset_dir="$data"
fi

python train_image_classifier.py \
  --train_dir="$train" \
  --dataset_name=cifar10 \
  --dataset_split_name=train \
  --dataset_dir="$data" \
  --model_name=cifarnet \
  --preprocessing_name=cifarnet \
  --max_number_of_steps="${STEPS:-100000}" \
  --batch_size=128 \
  --learning_rate=0.1 \
  --learning_rate_decay_type=exponential \
  --num_epochs_per_decay=200 \
  --save_interval_secs=120 \
  --save_summaries_secs=120 \
  --log_every_n_steps=100 \
  --optimizer=sgd \
  --weight_decay=0.004 \
  "${train_flags[@]}"

python eval_image_classifier.py \
  --checkpoint_path="$train" \
  --eval_dir="$train/eval" \
  --dataset_name=cifar10 \
  --dataset_split_name=test \
  --dataset_dir="$data" \
  --model_name=cifarnet
