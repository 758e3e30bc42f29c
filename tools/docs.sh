#!/usr/bin/env bash
# Build the site of docs/ into docs/_build/html; every warning is an error.
#
#   bash tools/docs.sh          open docs/_build/html/index.html afterwards
#
# Arguments go to sphinx-build. Installs what is missing; the build itself needs no network.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
bash tools/setup_env.sh docs
html=docs/_build/html
rm -rf docs/_build # nothing of an earlier build stays
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} CUDA_VISIBLE_DEVICES= PYTHONWARNINGS=ignore
start=$SECONDS
# Warnings go to stderr; packages that are imported greet on stdout.
.venv/bin/python -m sphinx -q -n -W --keep-going -d docs/_build/doctrees "$@" docs "$html" >/dev/null
echo "docs: $(find "$html" -name '*.html' | wc -l) pages in $html after $((SECONDS - start)) s"
