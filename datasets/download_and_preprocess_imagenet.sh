#!/usr/bin/env bash
# Converts ImageNet ILSVRC2012 to TFRecords.
#
#   bash datasets/download_and_preprocess_imagenet.sh DATA_DIR
#
# DATA_DIR holds ILSVRC2012_img_train.tar and ILSVRC2012_img_val.tar. For bounding
# boxes it also holds the folder bounding_boxes with the XML files, or
# ILSVRC2012_bbox_train_v2.tar.gz. Missing archives are downloaded with an account
# at image-net.org, IMAGENET_USERNAME and IMAGENET_ACCESS_KEY; the script asks for
# them if they are not set. At the end DATA_DIR holds the shards
# train-00000-of-01024 to validation-00127-of-00128. After an interruption, run
# the same command again to continue. Further flags are passed on.
set -euo pipefail

if [[ $# -lt 1 || "$1" == -* ]]; then
  echo "Usage: bash $0 DATA_DIR [flags of download_and_convert_data.py]" >&2
  exit 1
fi
data_dir="$1"
shift
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
python="${PYTHON:-$(command -v python || command -v python3)}"
mkdir -p "$data_dir"

if [[ ! -e "$data_dir/ILSVRC2012_img_train.tar" \
      || ! -e "$data_dir/ILSVRC2012_img_val.tar" ]]; then
  # Without a terminal the answers may come through a pipe: do not wait long.
  timeout=()
  [[ -t 0 ]] || timeout=(-t 5)
  if [[ -z "${IMAGENET_USERNAME:-}" ]]; then
    read -r ${timeout[@]+"${timeout[@]}"} -p 'USERNAME at image-net.org: ' \
      IMAGENET_USERNAME || true
  fi
  if [[ -z "${IMAGENET_ACCESS_KEY:-}" ]]; then
    read -r -s ${timeout[@]+"${timeout[@]}"} -p 'PASSWORD or access key: ' \
      IMAGENET_ACCESS_KEY || true
    echo
  fi
  export IMAGENET_USERNAME="${IMAGENET_USERNAME:-}"
  export IMAGENET_ACCESS_KEY="${IMAGENET_ACCESS_KEY:-}"
fi

exec "$python" "$root/download_and_convert_data.py" \
  --dataset_name=imagenet --dataset_dir="$data_dir" "$@"
