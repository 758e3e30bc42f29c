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
# Keep freed memory, in large pages: a fifth less time for small networks on a CPU (docs/performance.md).
keep=glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=100000000000:glibc.malloc.top_pad=67108864
export GLIBC_TUNABLES=${GLIBC_TUNABLES:-glibc.malloc.hugetlb=1:$keep}
exec "$root/.venv/bin/python" "$root/tools/demo.py" "$@"
