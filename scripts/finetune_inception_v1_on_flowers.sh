#!/usr/bin/env bash
# Fine-tune Inception V1 on the flowers. Needs a download.
# finetune_on_flowers.sh lists the variables that can be set.

set -euo pipefail
export MODEL=inception_v1
export SCOPES=InceptionV1/Logits
export LEARNING_RATE=0.01
export ALL_LEARNING_RATE=0.001
exec bash "$(dirname "${BASH_SOURCE[0]}")/finetune_on_flowers.sh" "$@"
