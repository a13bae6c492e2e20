#!/usr/bin/env bash
# Go from a fresh clone to a trained network and a labelled image, on real
# handwritten digits: make the environment, convert, train, evaluate, export,
# freeze, label. Downloads Python packages only.
#
#   bash scripts/quickstart.sh [FOLDER]     # default: quickstart, in the checkout

set -euo pipefail

if [[ $# -gt 1 || "${1:-}" == -* ]]; then
  echo 'Usage: bash scripts/quickstart.sh [FOLDER]' >&2
  exit 1
fi
checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
work="${1:-$checkout/quickstart}"
mkdir -p "$work"
work="$(cd "$work" && pwd)"
cd "$checkout"
source scripts/environment.sh digits,images,plots,progress,tensorboard

data="$work/data" model="$work/model" export="$work/export"
mkdir -p "$export"

say() { printf '\n== %s\n' "$*"; }

say "Convert 1,797 handwritten digits to TFRecords"
python download_and_convert_data.py \
  --dataset_name=digits \
  --dataset_dir="$data"

say "Train LeNet on 1,500 of them"
python train_image_classifier.py \
  --train_dir="$model" \
  --dataset_name=digits \
  --dataset_split_name=train \
  --dataset_dir="$data" \
  --model_name=lenet \
  --batch_size=50 \
  --max_number_of_steps=1000 \
  --optimizer=adam \
  --opt_epsilon=1e-8 \
  --learning_rate=0.001 \
  --learning_rate_decay_type=cosine \
  --random_seed=1 \
  --log_every_n_steps=20 \
  --save_interval_steps=250

say "Evaluate on the other 297, at every checkpoint"
python eval_image_classifier.py \
  --checkpoint_path="$model" \
  --eval_dir="$model/eval" \
  --all_checkpoints \
  --dataset_name=digits \
  --dataset_split_name=test \
  --dataset_dir="$data" \
  --model_name=lenet

say "Export the graph"
python export_inference_graph.py \
  --model_name=lenet \
  --dataset_name=digits \
  --output_file="$export/lenet.pb"

say "Freeze it with TensorFlow's own tool"
checkpoint="$(python -c 'import sys, json
print(json.load(open(sys.argv[1]))["checkpoint"])' "$model/eval/metrics.json")"
TF_CPP_MIN_LOG_LEVEL=3 python -m tensorflow.python.tools.freeze_graph \
  --input_graph="$export/lenet.pb" \
  --input_binary=true \
  --input_checkpoint="$checkpoint" \
  --output_graph="$export/frozen_lenet.pb" \
  --output_node_names=Predictions/Reshape_1 2> "$work/freeze.log" ||
  { cat "$work/freeze.log" >&2; exit 1; }

say "Label the first test image"
image="$(python scripts/extract_image.py \
  --dataset_name=digits \
  --dataset_split_name=test \
  --dataset_dir="$data" \
  --output_dir="$work")"
echo "$image"
python scripts/label_image.py \
  --graph="$export/frozen_lenet.pb" \
  --labels="$data/labels.txt" \
  --image="$image" \
  --input_layer=input \
  --output_layer=Predictions/Reshape_1 \
  --input_mean=128 \
  --input_std=128

cat <<EOF

Data:        $data
Checkpoints: $model
Evaluation:  $model/eval/metrics.json
Graphs:      $export

See the training:  source .venv/bin/activate; tensorboard --logdir="$model"
EOF
