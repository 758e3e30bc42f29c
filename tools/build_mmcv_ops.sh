#!/usr/bin/env bash
# Compile MMCV's operators, which detection needs, once, and install them into an environment.
#
#   bash tools/build_mmcv_ops.sh                      the active environment, else .venv
#   PYTHON=/path/to/python bash tools/build_mmcv_ops.sh [--or-cpu] [mmcv==2.1.0]
#
# The version is that of the mmcv installed there unless one is given. The finished wheel is kept in
# $POODLE_CACHE/wheels (default ~/.cache/poodle_mm/wheels) under the versions it was built for, and
# every later environment of the same kind takes it from there. With a GPU it holds CUDA operators
# and needs nvcc; --or-cpu settles for CPU operators where nvcc is missing. MAX_JOBS, FORCE_CUDA and
# TORCH_CUDA_ARCH_LIST mean what they mean to PyTorch's extensions.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf '[mmcv operators] %s\n' "$*" >&2; }
fail() {
    say "ERROR: $*"
    exit 1
}

or_cpu=
requirement=
for argument in "$@"; do
    case $argument in
        --or-cpu) or_cpu=1 ;;
        mmcv==* | onedl-mmcv==*) requirement=$argument ;;
        *) fail "unknown argument '$argument': --or-cpu, mmcv==VERSION or onedl-mmcv==VERSION" ;;
    esac
done

python=${PYTHON:-}
if [ -z "$python" ]; then
    for prefix in "${VIRTUAL_ENV:-}" "${CONDA_PREFIX:-}" "$root/.venv"; do
        [ -n "$prefix" ] && [ -x "$prefix/bin/python" ] && python=$prefix/bin/python && break
    done
fi
python=$(command -v "${python:-python3}") || fail "no interpreter '${python:-python3}': set PYTHON"
"$python" -m pip --version >/dev/null 2>&1 || fail "$python has no pip: $python -m ensurepip"
unset PIP_CONSTRAINT PIP_BUILD_CONSTRAINT # the version to build is given; no others are installed

# ---- What to build, and under which name it is kept --------------------------------------------
# Anything that makes a compiled wheel unusable elsewhere is part of the name.
facts=$("$python" - "$requirement" "$or_cpu" "$root/requirements/constraints.txt" <<'PY'
import importlib.metadata as metadata
import os
import platform
import re
import sys
import sysconfig

requirement, or_cpu, constraints = sys.argv[1:]
try:
    import torch
except ImportError as error:
    sys.exit(f'{sys.executable} has no working torch ({error}): install it first, or set PYTHON')


def installed(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


if not requirement:
    for distribution, build in [
        ('onedl-mmcv', 'onedl-mmcv'),
        ('mmcv', 'mmcv'),
        ('mmcv-lite', 'mmcv'),
    ]:
        if version := installed(distribution):
            requirement = f'{build}=={version}'
            break
    else:
        with open(constraints) as file:
            requirement = re.search(r'^onedl-mmcv==\S+', file.read(), re.M).group()

cuda = torch.cuda.is_available() or os.environ.get('FORCE_CUDA') == '1'
if cuda and torch.version.hip is None:
    from torch.utils.cpp_extension import CUDA_HOME

    nvcc = CUDA_HOME is not None and os.path.exists(os.path.join(CUDA_HOME, 'bin', 'nvcc'))
    if not nvcc and not or_cpu:
        sys.exit(
            f'this machine has a GPU but no nvcc: install the CUDA toolkit {torch.version.cuda} '
            'and set CUDA_HOME, or give --or-cpu for operators that work on the CPU only'
        )
    cuda = nvcc
device = 'cpu'
if cuda:
    devices = range(torch.cuda.device_count())
    arch = {'{}.{}'.format(*torch.cuda.get_device_capability(i)) for i in devices}
    arch = os.environ.get('TORCH_CUDA_ARCH_LIST') or ' '.join(sorted(arch))
    device = 'cuda-' + re.sub(r'[^\w.+]+', '-', arch)

distribution, version = requirement.split('==')
try:  # are operators of this version, for this device, there and working?
    import mmcv.ops

    there = installed(distribution) == version
    there = there and (not cuda or mmcv.ops.get_compiling_cuda_version() != 'not available')
except ImportError:
    there = False
tag = f'cp{sys.version_info[0]}{sys.version_info[1]}{sys.abiflags}'
libc = ''.join(platform.libc_ver())
print(requirement)
print(f'{distribution}-{version}_torch-{torch.__version__}_{tag}_{sysconfig.get_platform()}-{libc}_{device}')
print(device)
print('there' if there else 'missing')
print(sysconfig.get_path('include'))
PY
) || fail 'see the message above'
{ read -r requirement && read -r key && read -r device && read -r state && read -r headers; } <<<"$facts"
if [ "$state" = there ]; then
    say "$requirement with operators is there already ($python)"
    exit 0
fi
# mmcv's own set-up asks torch for a GPU: hide it where nvcc is missing.
[ "$device" != cpu ] || export CUDA_VISIBLE_DEVICES=

wheels=${POODLE_CACHE:-${XDG_CACHE_HOME:-${HOME:?set POODLE_CACHE to a folder}/.cache}/poodle_mm}/wheels
{ mkdir -p "$wheels" && [ -w "$wheels" ]; } || fail "cannot write to $wheels: set POODLE_CACHE"
wheels=$(cd "$wheels" && pwd)
log=$wheels/$key.log

# ---- One build of a kind at a time: the second run waits and takes the first one's wheel -------
exec 8>"$wheels/.lock-$key"
if command -v flock >/dev/null; then
    flock -n 8 || { say "another build of the same wheel is running (log: $log): waiting"; flock 8; }
    rm -rf "$wheels/.building-$key".* # left by a build that was killed
fi

work=
job=
clean_up() {
    if [ -n "$job" ]; then kill -- -"$job" 2>/dev/null || true; fi
    if [ -n "$work" ]; then rm -rf "$work"; fi
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

give_up() {
    tail -n 25 "$log" >&2
    fail "$1 (log: $log)"
}

# pip in its own process group, so that an interrupt reaches the compilers as well.
compile() {
    local begin=$SECONDS minutes=0 compiled
    # Python's own flags ask for debug information, more than half of the compilers' work.
    export CFLAGS="${CFLAGS:-} -g0" CXXFLAGS="${CXXFLAGS:-} -g0"
    set -m
    PYTHONPATH=$work/tools${PYTHONPATH:+:$PYTHONPATH} PATH=$work/tools/bin:$PATH TMPDIR=$work/tmp \
        "$python" -m pip wheel -v --no-build-isolation --no-deps --no-cache-dir \
        -w "$work/whole" "$requirement" >>"$log" 2>&1 </dev/null &
    job=$!
    set +m
    while kill -0 "$job" 2>/dev/null; do
        sleep 1
        if [ $(((SECONDS - begin) / 60)) -gt "$minutes" ]; then
            minutes=$(((SECONDS - begin) / 60))
            compiled=$(grep -oE '^ *\[[0-9]+/[0-9]+\]' "$log" | tail -n 1 | tr -d '[] ') || true
            say "$minutes min${compiled:+: ${compiled/\// of } files compiled}"
        fi
    done
    local status=0
    wait "$job" || status=$?
    job=
    return "$status"
}

# A wheel counts when its extension loads: without torch in sight mmcv leaves it out in silence.
extension_loads() {
    "$python" - "$work/check" "$work"/whole/*.whl >>"$log" 2>&1 <<'PY'
import importlib.util
import pathlib
import sys
import zipfile

import torch  # noqa: F401  (the extension links to its libraries)

folder, wheel = sys.argv[1:]
zipfile.ZipFile(wheel).extractall(folder)
files = list(pathlib.Path(folder, 'mmcv').glob('_ext*.so'))
if not files:
    sys.exit(f'{wheel} has no compiled operators')
spec = importlib.util.spec_from_file_location('_ext', files[0])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
PY
}

build() {
    local cxx=${CXX:-c++} jobs memory
    printf '#include <Python.h>\n#include <vector>\n' |
        "$cxx" -x c++ -std=c++17 -I"$headers" -fsyntax-only - >"$log" 2>&1 ||
        fail "MMCV's operators need a C++ compiler and Python's headers, and '$cxx' does not compile" \
            'a first line: install g++ (Debian, Ubuntu: apt-get install build-essential python3-dev)'
    work=$(mktemp -d "$wheels/.building-$key.XXXXXX")
    mkdir "$work/tmp"
    # The build's tools stay out of the environment; the newest setuptools lack pkg_resources.
    "$python" -m pip install -q --target "$work/tools" -c "$root/requirements/constraints.txt" \
        setuptools wheel ninja psutil cython >>"$log" 2>&1 ||
        give_up 'could not install the tools that the build needs; check the network'
    jobs=$(nproc)
    memory=$(awk '/^MemAvailable/ { print int($2 / 2000000) }' /proc/meminfo) # 2 GB a compiler
    [ "$memory" -ge "$jobs" ] || jobs=$((memory > 0 ? memory : 1))
    export MAX_JOBS=${MAX_JOBS:-$jobs}
    say "compiling $requirement for $key"
    say "about 12 minutes of one core, longer with CUDA ($device, $MAX_JOBS at once), only this once; log: $log"
    compile || give_up 'the build failed'
    extension_loads || give_up 'the wheel that was built does not load'
    mv -T "$work/whole" "$wheels/$key" # whole or not there at all
}

if compgen -G "$wheels/$key/*.whl" >/dev/null; then
    say "taking $requirement from $wheels/$key"
else
    build
fi

for other in mmcv-lite mmcv onedl-mmcv; do # all of them write mmcv/
    [ "$other" = "${requirement%%==*}" ] || "$python" -m pip uninstall -q -y "$other" >/dev/null 2>&1 || true
done
"$python" -m pip install -q --no-index --force-reinstall --no-deps --no-cache-dir "$wheels/$key"/*.whl >&2 ||
    fail "could not install $wheels/$key into $python"
"$python" -W ignore -c 'import mmcv.ops' >&2 ||
    fail "mmcv.ops does not import in $python; if the wheel is at fault: rm -r '$wheels/$key'"
say "ready: $requirement with operators ($device) in $python"
