#!/usr/bin/env bash
# Run the tests; on a fresh clone, make the environment first.
#
#   bash scripts/test.sh              # all but the slow ones
#   bash scripts/test.sh -m slow      # the slow ones
#   bash scripts/test.sh tests/nets   # any pytest arguments

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/environment.sh test

if [[ $# -eq 0 ]]; then
  set -- -m 'not slow'
fi
exec python -m pytest -q --durations=10 "$@"
