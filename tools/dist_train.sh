#!/usr/bin/env bash
# Train on all GPUs of one or several machines:  bash tools/dist_train.sh CONFIG GPUS [train.py's options]
# GPUS counts the processes of this machine. Several machines: run it on each with NNODES (how many),
# NODE_RANK (0, 1, …), MASTER_ADDR (the first machine) and PORT.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: bash tools/dist_train.sh CONFIG GPUS [options of tools/train.py]" >&2
    exit 2
fi
CONFIG=$1
GPUS=$2
shift 2
exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --nproc_per_node="$GPUS" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "$@"
