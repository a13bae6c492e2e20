#!/usr/bin/env bash
# Fine-tunes Inception-ResNet V2 on the flowers; see finetune_on_flowers.sh for the
# paths that can be set. Needs a download.

set -euo pipefail
export MODEL=inception_resnet_v2
export ARCHIVE=inception_resnet_v2_2016_08_30.tar.gz
export SCOPES=InceptionResnetV2/Logits,InceptionResnetV2/AuxLogits
export LEARNING_RATE=0.01
export ALL_LEARNING_RATE=0.0001
exec bash "$(dirname "${BASH_SOURCE[0]}")/finetune_on_flowers.sh"
