#!/usr/bin/env bash
# Fine-tunes Inception V1 on the flowers; see finetune_on_flowers.sh for the
# paths that can be set. Needs a download.

set -euo pipefail
export MODEL=inception_v1
export ARCHIVE=inception_v1_2016_08_28.tar.gz
export SCOPES=InceptionV1/Logits
export LEARNING_RATE=0.01
export ALL_LEARNING_RATE=0.001
exec bash "$(dirname "${BASH_SOURCE[0]}")/finetune_on_flowers.sh"
