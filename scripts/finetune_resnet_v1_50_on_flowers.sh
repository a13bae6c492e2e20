#!/usr/bin/env bash
# Fine-tune ResNet V1 50 on the flowers. Needs a download.
# finetune_on_flowers.sh lists the variables that can be set.

set -euo pipefail
export MODEL=resnet_v1_50
export SCOPES=resnet_v1_50/logits
export LEARNING_RATE=0.01
export ALL_LEARNING_RATE=0.001
exec bash "$(dirname "${BASH_SOURCE[0]}")/finetune_on_flowers.sh" "$@"
