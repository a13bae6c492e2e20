#!/usr/bin/env bash
# Fine-tunes Inception V3 on the flowers; see finetune_on_flowers.sh for the
# paths that can be set. Needs a download.

set -euo pipefail
export MODEL=inception_v3
export ARCHIVE=inception_v3_2016_08_28.tar.gz
export SCOPES=InceptionV3/Logits,InceptionV3/AuxLogits
export LEARNING_RATE=0.01
export ALL_LEARNING_RATE=0.0001
exec bash "$(dirname "${BASH_SOURCE[0]}")/finetune_on_flowers.sh"
