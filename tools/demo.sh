#!/usr/bin/env bash
# Install what is missing, pretrain a small PooDLe on video, read it out, write a report.
#
#   bash tools/demo.sh                      synthetic driving scenes, about 9 minutes of pretraining
#   bash tools/demo.sh --minutes 2          the same, shorter
#   bash tools/demo.sh --config configs/demo/poodle_r18_camvid.py --data-root DIR
#
# Every argument goes to tools/demo.py (--help lists them).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bash "$root/tools/setup_env.sh" demo
# The OpenMMLab packages warn about operators that this install does without.
export PYTHONWARNINGS=${PYTHONWARNINGS:-ignore}
exec "$root/.venv/bin/python" "$root/tools/demo.py" "$@"
