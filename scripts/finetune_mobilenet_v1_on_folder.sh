#!/usr/bin/env bash
# Fine-tune MobileNet V1 on your own images:
#
#   IMAGE_DIR=photos bash scripts/finetune_mobilenet_v1_on_folder.sh
#
# photos/ holds a folder of images for each class. The images are converted
# again when they change, and every version of them is trained in a folder of
# its own. Downloads the checkpoint, unless it is there. Variables:
#   IMAGE_DIR     folder of class folders       (required)
#   SLIM_DIR      folder of everything below    (~/.cache/slim-image-models)
#   WORK_DIR      TFRecords, models and graphs  (SLIM_DIR/mobilenet-on-folder)
#   CHECKPOINT    checkpoint or archive to use instead of a download
#   STEPS         steps to train                (500)
#   TRAIN_FLAGS   further flags of the training
#   EVAL_FLAGS    further flags of the evaluation

set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"

[[ -n "${IMAGE_DIR:-}" ]] ||
  fail "IMAGE_DIR is not set. Set it to the folder of class folders."
[[ -d "$IMAGE_DIR" ]] || fail "IMAGE_DIR=$IMAGE_DIR is not a folder."
require_steps STEPS
work="${WORK_DIR:-$slim_dir/mobilenet-on-folder}"
checkpoint="${CHECKPOINT:-}"
if [[ -z "$checkpoint" ]]; then
  download_checkpoint mobilenet_v1
fi
checkpoint_exists "$checkpoint" || fail "There is no CHECKPOINT=$checkpoint."

slim download_and_convert_data.py \
  --dataset_name=folder \
  --image_dir="$IMAGE_DIR" \
  --dataset_dir="$work/data"

# Other images get another folder: a model of the previous ones must neither be
# resumed nor taken for a model of these.
version="$(cat "$work"/data/dataset.json "$work"/data/*.tfrecord | cksum)"
model="$work/model-${version/ /-}"

# The classifier of the checkpoint does not fit your classes and is left out; the
# other layers start from the checkpoint. Batch norm keeps its statistics.
slim train_image_classifier.py \
  --train_dir="$model" \
  --dataset_name=folder \
  --dataset_split_name=train \
  --dataset_dir="$work/data" \
  --model_name=mobilenet_v1 \
  --checkpoint_path="$checkpoint" \
  --freeze_batch_norm \
  --max_number_of_steps="${STEPS:-500}" \
  --batch_size=32 \
  --optimizer=momentum \
  --learning_rate=0.01 \
  --learning_rate_decay_type=cosine \
  --warmup_steps=20 \
  --log_every_n_steps=10 \
  ${train_flags[@]+"${train_flags[@]}"}

slim eval_image_classifier.py \
  --checkpoint_path="$model" \
  --eval_dir="$model/eval" \
  --dataset_split_name=validation \
  ${eval_flags[@]+"${eval_flags[@]}"}

slim export_inference_graph.py \
  --checkpoint_path="$model" \
  --frozen_file="$work/frozen_mobilenet_v1.pb"

echo "Model: $model"
echo "Graph: $work/frozen_mobilenet_v1.pb"
