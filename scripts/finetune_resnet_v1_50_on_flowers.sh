#!/usr/bin/env bash
# Fine-tunes ResNet V1 50 on the flowers; see finetune_on_flowers.sh for the
# paths that can be set. Needs a download.

set -euo pipefail
export MODEL=resnet_v1_50
export ARCHIVE=resnet_v1_50_2016_08_28.tar.gz
export SCOPES=resnet_v1_50/logits
export LEARNING_RATE=0.01
export ALL_LEARNING_RATE=0.001
exec bash "$(dirname "${BASH_SOURCE[0]}")/finetune_on_flowers.sh"
