#!/usr/bin/env bash
# Make the virtual environment .venv in the checkout, unless it is there.
#
#   source scripts/environment.sh EXTRAS     # for instance: digits,plots
#
# Installs the project with the extras, then activates the environment. A second
# run with the same pyproject.toml and extras installs nothing.
# PYTHON names the interpreter (3.10 to 3.13); python3 by default.

_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
_extras="$1"
_stamp="$_root/.venv/.installed"
_wanted="$_extras $(cat "$_root/pyproject.toml" "$_root/setup.py" | cksum)"

if [[ ! -x "$_root/.venv/bin/python" ]]; then
  echo "Making the environment $_root/.venv"
  "${PYTHON:-python3}" -m venv "$_root/.venv"
fi
# shellcheck disable=SC1091
source "$_root/.venv/bin/activate"
if ! grep -qxF -- "$_wanted" "$_stamp" 2>/dev/null; then
  echo "Installing the project with [$_extras]; the first time takes minutes"
  python -m pip install --quiet --disable-pip-version-check --upgrade pip
  python -m pip install --quiet --disable-pip-version-check \
    --editable "${_root}[$_extras]"
  echo "$_wanted" >> "$_stamp"
fi
