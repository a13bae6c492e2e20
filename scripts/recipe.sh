#!/usr/bin/env bash
# What the training recipes share: paths, checks, downloads. Sourced by them.
#
#   source "$(dirname "${BASH_SOURCE[0]}")/recipe.sh"
#
# Data, checkpoints and models go to the folder SLIM_DIR, by default
# ~/.cache/slim-image-models, which only its owner can read and write.
# TRAIN_FLAGS and EVAL_FLAGS become the arrays train_flags and eval_flags.
# shellcheck disable=SC2034

_checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

# fail SENTENCE: print it and end the recipe.
fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# slim SCRIPT FLAGS...: run a script of the checkout, from any folder.
slim() {
  python "$_checkout/$1" "${@:2}"
}

# require_steps NAME...: check that the variables, if set, are step counts.
require_steps() {
  local name
  for name in "$@"; do
    [[ -z "${!name:-}" || "${!name}" =~ ^[1-9][0-9]{0,17}$ ]] ||
      fail "$name=${!name} is not a number of steps. Use a whole number."
  done
}

# checkpoint_exists PATH: whether it is a file, a folder or a prefix of files.
checkpoint_exists() {
  [[ -e "$1" || -e "$1.index" ]]
}

# convert_published NAME FOLDER: make the TFRecords of a published data set.
# Records of other programs, which come without dataset.json, stay as they are.
convert_published() {
  if [[ -e "$2/labels.txt" && ! -e "$2/dataset.json" && ! -e "$2/.conversion" ]]
  then
    echo "Using the TFRecords in $2."
  else
    slim download_and_convert_data.py --dataset_name="$1" --dataset_dir="$2"
  fi
}

# download_checkpoint MODEL: download the released checkpoint of a network,
# unless it is there, and set `checkpoint` to the path of its archive.
download_checkpoint() {
  private_folder "$slim_dir/checkpoints"
  checkpoint="$(slim scripts/download_checkpoint.py \
    --model_name="$1" --output_dir="$slim_dir/checkpoints")"
}

# private_folder PATH: make it, unless it is there, and check that nobody else
# can put a file there that a recipe would then trust.
private_folder() {
  local mode
  (umask 077 && mkdir -p "$1")
  mode="$(ls -ld "$1")"
  [[ -O "$1" && "${mode:8:1}" == '-' ]] ||
    fail "Other users can write to $1. Set SLIM_DIR to a folder of your own."
}

(($# == 0)) || fail "Unexpected argument '$1'. Recipes are set up by" \
  "variables; see the comment at the top of $0."
command -v python > /dev/null || fail "There is no python here. Activate the" \
  "environment first: source $_checkout/.venv/bin/activate"
slim_dir="${SLIM_DIR:-${HOME:?Set HOME or SLIM_DIR.}/.cache/slim-image-models}"
private_folder "$slim_dir"
TRAIN_FLAGS="${TRAIN_FLAGS:-}" EVAL_FLAGS="${EVAL_FLAGS:-}"
read -r -a train_flags <<< "${TRAIN_FLAGS//$'\n'/ }"
read -r -a eval_flags <<< "${EVAL_FLAGS//$'\n'/ }"
