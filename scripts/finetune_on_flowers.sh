#!/usr/bin/env bash
# Fine-tune a released network on the flowers: first the new layers, then all of
# them. The recipes finetune_*_on_flowers.sh choose the network.
#
# Downloads the data and the checkpoint, unless they are there. Variables:
#   SLIM_DIR        folder of everything below  (~/.cache/slim-image-models)
#   DATA_DIR        TFRecords of the flowers    (SLIM_DIR/flowers)
#   CHECKPOINT      checkpoint or archive to use instead of a download
#   TRAIN_DIR       where to train              (SLIM_DIR/flowers-models/MODEL)
#   HEAD_STEPS      steps for the new layers    (1000)
#   ALL_STEPS       steps for all layers        (500)
#   TRAIN_FLAGS     further flags of both trainings
#   EVAL_FLAGS      further flags of both evaluations
#
# Set by the recipe: MODEL, SCOPES (the scopes of the classifier),
# LEARNING_RATE and ALL_LEARNING_RATE.

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"

: "${MODEL:?Run one of the recipes finetune_*_on_flowers.sh.}"
require_steps HEAD_STEPS ALL_STEPS
data="${DATA_DIR:-$slim_dir/flowers}"
train="${TRAIN_DIR:-$slim_dir/flowers-models/$MODEL}"
checkpoint="${CHECKPOINT:-}"
if [[ -z "$checkpoint" ]]; then
  download_checkpoint "$MODEL"
fi
checkpoint_exists "$checkpoint" || fail "There is no CHECKPOINT=$checkpoint."

convert_published flowers "$data"

evaluate() {
  slim eval_image_classifier.py \
    --checkpoint_path="$1" \
    --eval_dir="$1/eval" \
    --dataset_name=flowers \
    --dataset_split_name=validation \
    --dataset_dir="$data" \
    --model_name="$MODEL" \
    ${eval_flags[@]+"${eval_flags[@]}"}
}

# The new layers only, on the features of the released network.
slim train_image_classifier.py \
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
  ${train_flags[@]+"${train_flags[@]}"}
evaluate "$train"

# All layers, with a smaller learning rate.
slim train_image_classifier.py \
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
  ${train_flags[@]+"${train_flags[@]}"}
evaluate "$train/all"
