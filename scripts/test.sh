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
# Two processes, each with the files of tests that it takes; the tests are too
# many for one, and more would take 2 GB of memory each.
exec python -m pytest -q -n 2 --dist loadfile --durations=10 "$@"
