#!/usr/bin/env bash
# Fine-tunes MobileNet V1 on your own images:
#
#   IMAGE_DIR=photos bash scripts/finetune_mobilenet_v1_on_folder.sh
#
# where photos/ holds a folder of images for each class. Needs a download, unless
# the checkpoint is there already.
#   IMAGE_DIR     folder of class folders               (required)
#   WORK_DIR      TFRecords, checkpoints and graphs     (/tmp/mobilenet-on-folder)
#   CHECKPOINT    released checkpoint or .tar.gz
#   STEPS         steps to train                        (500)
#   TRAIN_FLAGS   further flags of the training
#   EVAL_FLAGS    further flags of the evaluation

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

: "${IMAGE_DIR:?say IMAGE_DIR=FOLDER, the folder of class folders}"
work="${WORK_DIR:-/tmp/mobilenet-on-folder}"
archive=mobilenet_v1_1.0_224.tgz
checkpoint="${CHECKPOINT:-$work/$archive}"
read -r -a train_flags <<< "${TRAIN_FLAGS:-}"
read -r -a eval_flags <<< "${EVAL_FLAGS:-}"

mkdir -p "$work"
if [[ ! -e "$checkpoint" && ! -e "$checkpoint.index" ]]; then
  curl --fail --location --output "$checkpoint.part" \
    "http://download.tensorflow.org/models/mobilenet_v1_2018_08_02/$archive"
  mv "$checkpoint.part" "$checkpoint"
fi

if [[ ! -e "$work/data/labels.txt" ]]; then
  python download_and_convert_data.py \
    --dataset_name=folder \
    --image_dir="$IMAGE_DIR" \
    --dataset_dir="$work/data"
fi

# The classifier does not fit your classes, so it starts anew by itself; the
# other layers start from the checkpoint. Batch norm keeps its statistics.
python train_image_classifier.py \
  --train_dir="$work/model" \
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
  "${train_flags[@]}"

python eval_image_classifier.py \
  --checkpoint_path="$work/model" \
  --eval_dir="$work/model/eval" \
  --dataset_split_name=validation \
  "${eval_flags[@]}"

python export_inference_graph.py \
  --checkpoint_path="$work/model" \
  --frozen_file="$work/frozen_mobilenet_v1.pb"
