#!/usr/bin/env bash
# Trains LeNet on MNIST: convert, train, evaluate. Needs a download, unless
# DATA_DIR holds the data already.
#   DATA_DIR      TFRecords of MNIST   (/tmp/mnist)
#   TRAIN_DIR     where to train       (/tmp/lenet-model)
#   STEPS         steps to train       (20000)
#   TRAIN_FLAGS   further flags of the training

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

data="${DATA_DIR:-/tmp/mnist}"
train="${TRAIN_DIR:-/tmp/lenet-model}"
read -r -a train_flags <<< "${TRAIN_FLAGS:-}"

if [[ ! -e "$data/labels.txt" ]]; then
  python download_and_convert_data.py \
    --dataset_name=mnist \
    --dataset_dir="$data"
fi

python train_image_classifier.py \
  --train_dir="$train" \
  --dataset_name=mnist \
  --dataset_split_name=train \
  --dataset_dir="$data" \
  --model_name=lenet \
  --preprocessing_name=lenet \
  --max_number_of_steps="${STEPS:-20000}" \
  --batch_size=50 \
  --learning_rate=0.01 \
  --learning_rate_decay_type=fixed \
  --save_interval_secs=60 \
  --save_summaries_secs=60 \
  --log_every_n_steps=100 \
  --optimizer=sgd \
  --weight_decay=0 \
  "${train_flags[@]}"

python eval_image_classifier.py \
  --checkpoint_path="$train" \
  --eval_dir="$train/eval" \
  --dataset_name=mnist \
  --dataset_split_name=test \
  --dataset_dir="$data" \
  --model_name=lenet
