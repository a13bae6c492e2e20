#!/usr/bin/env bash
# Fine-tune Inception V3 on the flowers. Needs a download.
# finetune_on_flowers.sh lists the variables that can be set.

set -euo pipefail
export MODEL=inception_v3
export SCOPES=InceptionV3/Logits,InceptionV3/AuxLogits
export LEARNING_RATE=0.01
export ALL_LEARNING_RATE=0.0001
exec bash "$(dirname "${BASH_SOURCE[0]}")/finetune_on_flowers.sh" "$@"
