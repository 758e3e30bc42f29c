#!/usr/bin/env bash
# Make or refresh the virtual environment .venv in the checkout.
#
#   bash tools/setup_env.sh          pretraining + segmentation (what the demo needs)
#   bash tools/setup_env.sh det      the same and detection, whose operators are compiled once
#   bash tools/setup_env.sh test     the same and the test tools
#   bash tools/setup_env.sh docs     the first set and what builds the site (tools/docs.sh)
#
# PYTHON names the interpreter that makes the environment (default python3, 3.10 or newer).
# An environment that is complete and up to date costs a fraction of a second.
set -euo pipefail

extras=${1:-demo}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv=$root/.venv
python=$venv/bin/python
unfinished=$venv/.unfinished # there while an installation runs: the next run starts afresh

say() { printf '[setup] %s\n' "$*" >&2; }
fail() {
    say "ERROR: $*"
    exit 1
}

case $extras in
    demo) packages=('.[seg,tensorboard]') holds=(demo) ;;
    det) packages=('.[seg,det,tensorboard]') holds=(demo det) ;;
    test) packages=('.[test]' ruff) holds=(demo det test) ;;
    docs) packages=('.[seg,tensorboard,docs]') holds=(demo docs) ;;
    *) fail "unknown set '$extras': use demo, det, test or docs" ;;
esac

exec 9<"$root" # two runs at once in one checkout: the second one waits
if command -v flock >/dev/null; then
    flock -n 9 || { say 'another set-up is running here: waiting'; flock 9; }
fi

# What the environment was made from; the path is part of it because the install is editable.
key() {
    { echo "$root"; "$python" -V; cat pyproject.toml requirements/constraints.txt tools/setup_env.sh; } |
        sha256sum | cut -d' ' -f1
}
stamp=$venv/.stamp-$extras
if [ -x "$python" ] && [ ! -e "$unfinished" ] && [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$(key)" ]; then
    exit 0
fi

if [ -e "$unfinished" ] || ! "$python" -m pip --version >/dev/null 2>&1; then
    interpreter=${PYTHON:-python3}
    command -v "$interpreter" >/dev/null || fail "no '$interpreter': install Python 3.10 or newer, or set PYTHON"
    "$interpreter" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        fail "$("$interpreter" -V) is too old: set PYTHON to an interpreter of 3.10 or newer"
    say "making .venv with $("$interpreter" -V)"
    "$interpreter" -m venv --clear "$venv" >&2 ||
        fail "python -m venv failed (on Debian and Ubuntu: apt-get install python3-venv)"
fi
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail ".venv holds $("$python" -V): remove it and set PYTHON to 3.10 or newer"

# Builds of source packages happen in environments of their own; the constraints hold there too.
export PIP_DISABLE_PIP_VERSION_CHECK=1
export PIP_CONSTRAINT=$root/requirements/constraints.txt
export PIP_BUILD_CONSTRAINT=$root/requirements/constraints.txt
log=$venv/install.log

install() { # install WHAT PIP-ARGS...: quiet, three attempts, the log's end on failure
    local what=$1 attempt
    shift
    for attempt in 1 2 3; do
        say "installing $what"
        if "$python" -m pip install --retries 5 --timeout 60 --progress-bar off "$@" >"$log" 2>&1; then
            return
        fi
        say "attempt $attempt of 3 failed"
        [ "$attempt" = 3 ] || sleep $((attempt * 5))
    done
    rm -f "$unfinished" # pip gave up in order: the next run goes on from here
    tail -n 25 "$log" >&2
    fail "could not install $what (log: $log). Check the network and run the command again."
}

start=$SECONDS
: >"$unfinished"
install 'pip and setuptools' pip setuptools
install 'torch and torchvision (about 5 GB with their libraries, the longest step)' torch torchvision
if ! "$python" -m pip show -q onedl-mmcv 2>/dev/null; then
    # Built without compiled operators because its build sees no torch. Past pip's cache, which
    # files this wheel and one with operators under the same name.
    install 'mmcv (without compiled operators)' --no-cache-dir --no-deps onedl-mmcv
fi
install "poodle_mm and the rest ($extras)" -e "${packages[@]}"

check_imports() {
    "$python" -W ignore - "$@" >&2 <<'PY' || fail 'the environment does not import: see the message above'
import importlib
import sys

for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ImportError as error:
        hint = ' (on Debian and Ubuntu: apt-get install libgl1 libglib2.0-0)' if name == 'cv2' else ''
        sys.exit(f'[setup] import {name}: {error}{hint}')
PY
}
check_imports torch torchvision cv2 av mmengine mmcv mmpretrain poodle_mm poodle_scenes

rm -f "$unfinished"     # from here on the environment is whole, if without operators: a build that
key >"$venv/.stamp-demo" # fails or is interrupted costs neither the demo nor the next run anything
if [ "$extras" = det ] || [ "$extras" = test ]; then
    or_cpu=() # detection is trained where operators run on the GPU; the tests need only a CPU
    [ "$extras" = test ] && or_cpu=(--or-cpu)
    PYTHON=$python bash tools/build_mmcv_ops.sh "${or_cpu[@]}" || exit 1
    check_imports mmcv.ops mmdet.datasets mmdet.models
fi
for set in "${holds[@]}"; do key >"$venv/.stamp-$set"; done
say "ready after $((SECONDS - start)) s: .venv with $("$python" -V)"
