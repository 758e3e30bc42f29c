#!/usr/bin/env bash
# Train on all GPUs of one or several machines:  bash tools/dist_train.sh CONFIG GPUS [train.py's options]
# GPUS counts the processes of this machine. Several machines: run it on each with NNODES (how many),
# NODE_RANK (0, 1, …), MASTER_ADDR (the first machine) and PORT. On one machine PORT is not needed: any
# free port is taken, so that several runs fit beside one another. One machine without a GPU trains on
# its CPU, with gloo; several without one want --cfg-options env_cfg.dist_cfg.backend=gloo on each.
set -euo pipefail
if [ $# -lt 2 ]; then
    echo "usage: bash tools/dist_train.sh CONFIG GPUS [options of tools/train.py]" >&2
    exit 2
fi
CONFIG=$1
GPUS=$2
shift 2
PYTHON=${PYTHON:-python}
# Several machines have to agree, and one of them cannot know about the others.
if [ "${NNODES:-1}" = 1 ] &&
    [ "$("$PYTHON" -c 'import torch; print(torch.cuda.is_available())')" = False ]; then
    gloo=env_cfg.dist_cfg.backend=gloo
    echo "no GPU found: $GPUS processes on the CPU, --cfg-options $gloo" >&2
    options=(--cfg-options "$gloo")
    for word in "$@"; do
        case $word in # of several --cfg-options the last one counts, so ours goes into each
            --cfg-options) options+=("$word" "$gloo") ;;
            --cfg-options=*) options+=(--cfg-options "$gloo" "${word#*=}") ;;
            *) options+=("$word") ;;
        esac
    done
    set -- "${options[@]}"
fi
if [ "${NNODES:-1}" = 1 ] && [ -z "${PORT:-}" ]; then
    meet=(--standalone)
else
    meet=(
        --nnodes="${NNODES:-1}"
        --node_rank="${NODE_RANK:-0}"
        --master_addr="${MASTER_ADDR:-127.0.0.1}"
        --master_port="${PORT:-29500}"
    )
fi
exec "$PYTHON" -m torch.distributed.run "${meet[@]}" --nproc_per_node="$GPUS" \
    "$(dirname "$0")/train.py" "$CONFIG" --launcher pytorch "$@"
