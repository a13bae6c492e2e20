#!/usr/bin/env bash
# Train CifarNet on CIFAR-10: convert, train, evaluate. Downloads the data, unless
# it is there. Variables:
#   SLIM_DIR      folder of everything below  (~/.cache/slim-image-models)
#   DATA_DIR      TFRecords of CIFAR-10       (SLIM_DIR/cifar10)
#   TRAIN_DIR     where to train              (SLIM_DIR/cifarnet-model)
#   STEPS         steps to train              (100000)
#   TRAIN_FLAGS   further flags of the training
#   EVAL_FLAGS    further flags of the evaluation

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"

require_steps STEPS
data="${DATA_DIR:-$slim_dir/cifar10}"
train="${TRAIN_DIR:-$slim_dir/cifarnet-model}"

convert_published cifar10 "$data"

slim train_image_classifier.py \
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
  ${train_flags[@]+"${train_flags[@]}"}

slim eval_image_classifier.py \
  --checkpoint_path="$train" \
  --eval_dir="$train/eval" \
  --dataset_name=cifar10 \
  --dataset_split_name=test \
  --dataset_dir="$data" \
  --model_name=cifarnet \
  ${eval_flags[@]+"${eval_flags[@]}"}
