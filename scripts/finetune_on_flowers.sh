#!/usr/bin/env bash
# Fine-tunes a released network on the flowers: the new layers first, then all
# of them. The recipes finetune_*_on_flowers.sh say which network.
#
# Needs a download, unless data and checkpoint are there already:
#   DATA_DIR        TFRecords of the flowers         (/tmp/flowers)
#   CHECKPOINT      released checkpoint or .tar.gz   (/tmp/checkpoints/ARCHIVE)
#   TRAIN_DIR       where to train                   (/tmp/flowers-models/MODEL)
#   HEAD_STEPS      steps for the new layers         (1000)
#   ALL_STEPS       steps for all layers             (500)
#   TRAIN_FLAGS     further flags of both trainings
#   EVAL_FLAGS      further flags of both evaluations
#
# Set by the recipe: MODEL, ARCHIVE, SCOPES (the classifier's scopes),
# LEARNING_RATE and ALL_LEARNING_RATE.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

: "${MODEL:?run one of the recipes finetune_*_on_flowers.sh}"
data="${DATA_DIR:-/tmp/flowers}"
train="${TRAIN_DIR:-/tmp/flowers-models/$MODEL}"
checkpoint="${CHECKPOINT:-/tmp/checkpoints/$ARCHIVE}"
read -r -a train_flags <<< "${TRAIN_FLAGS:-}"
read -r -a eval_flags <<< "${EVAL_FLAGS:-}"

if [[ ! -e "$checkpoint" && ! -e "$checkpoint.index" ]]; then
  mkdir -p "$(dirname "$checkpoint")"
  curl --fail --location --output "$checkpoint.part" \
    "http://download.tensorflow.org/models/$ARCHIVE"
  mv "$checkpoint.part" "$checkpoint"
fi

if [[ ! -e "$data/labels.txt" ]]; then
  python download_and_convert_data.py \
    --dataset_name=flowers \
    --dataset_dir="$data"
fi

evaluate() {
  python eval_image_classifier.py \
    --checkpoint_path="$1" \
    --eval_dir="$1/eval" \
    --dataset_name=flowers \
    --dataset_split_name=validation \
    --dataset_dir="$data" \
    --model_name="$MODEL" \
    "${eval_flags[@]}"
}

# The new layers only, on the released features.
python train_image_classifier.py \
  --train_dir="$train" \
  --dataset_name=flowers \
  --dataset_split_name=train \
  --dataset_dir="$data" \
  --model_name="$MODEL" \
  --checkpoint_path="$checkpoint" \
  --checkpoint_exclude_scopes="$SCOPES" \
  --trainable_scopes="$SCOPES" \
  --max_number_of_steps="${HEAD_STEPS:-1000}" \
  --batch_size=32 \
  --learning_rate="$LEARNING_RATE" \
  --learning_rate_decay_type=fixed \
  --save_interval_secs=60 \
  --save_summaries_secs=60 \
  --log_every_n_steps=10 \
  --optimizer=rmsprop \
  --weight_decay=0.00004 \
  "${train_flags[@]}"
evaluate "$train"

# All layers, gently.
python train_image_classifier.py \
  --train_dir="$train/all" \
  --dataset_name=flowers \
  --dataset_split_name=train \
  --dataset_dir="$data" \
  --model_name="$MODEL" \
  --checkpoint_path="$train" \
  --max_number_of_steps="${ALL_STEPS:-500}" \
  --batch_size=32 \
  --learning_rate="$ALL_LEARNING_RATE" \
  --learning_rate_decay_type=fixed \
  --save_interval_secs=60 \
  --save_summaries_secs=60 \
  --log_every_n_steps=10 \
  --optimizer=rmsprop \
  --weight_decay=0.00004 \
  "${train_flags[@]}"
evaluate "$train/all"
