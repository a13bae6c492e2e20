#!/usr/bin/env bash
# Train LeNet on MNIST: convert, train, evaluate. Downloads the data, unless it
# is there. Variables:
#   SLIM_DIR      folder of everything below  (~/.cache/slim-image-models)
#   DATA_DIR      TFRecords of MNIST          (SLIM_DIR/mnist)
#   TRAIN_DIR     where to train              (SLIM_DIR/lenet-model)
#   STEPS         steps to train              (20000)
#   TRAIN_FLAGS   further flags of the training
#   EVAL_FLAGS    further flags of the evaluation

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"

require_steps STEPS
data="${DATA_DIR:-$slim_dir/mnist}"
train="${TRAIN_DIR:-$slim_dir/lenet-model}"

convert_published mnist "$data"

slim train_image_classifier.py \
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
  ${train_flags[@]+"${train_flags[@]}"}

slim eval_image_classifier.py \
  --checkpoint_path="$train" \
  --eval_dir="$train/eval" \
  --dataset_name=mnist \
  --dataset_split_name=test \
  --dataset_dir="$data" \
  --model_name=lenet \
  ${eval_flags[@]+"${eval_flags[@]}"}
