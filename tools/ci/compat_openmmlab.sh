#!/usr/bin/env bash
# Show that poodle_mm works with the original OpenMMLab packages, in an environment of its own.
#
#   bash tools/ci/compat_openmmlab.sh              pretrain ten steps, publish the encoder and load it
#   bash tools/ci/compat_openmmlab.sh --with-ops   then also train readouts of the published encoder:
#                                                  linear, UperNet and Faster R-CNN
#
# The last lines say what was done and the seconds of each part. The second way compiles MMCV
# 2.1.0's operators once (about 12 minutes of a core). The environment is kept at $COMPAT_ENV
# (default: compat/ in poodle_mm's cache folder).
# PYTHON names the interpreter that makes it (default python3; 3.10 to 3.12, as torch 2.5 wants).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
say() { printf '[compat] %s\n' "$*" >&2; }
fail() {
    say "ERROR: $*"
    exit 1
}

with_ops=
case ${1:-} in
    '') ;;
    --with-ops) with_ops=1 ;;
    *) fail "unknown argument '$1': --with-ops or nothing" ;;
esac

interpreter=${PYTHON:-python3}
tag=$("$interpreter" -c 'import sys; print("py{}{}".format(*sys.version_info))') ||
    fail "no working '$interpreter': set PYTHON"
case $tag in py310 | py311 | py312) ;; *) fail "torch 2.5 and numpy < 2 want Python 3.10 to 3.12, not $tag: set PYTHON" ;; esac
cache=${POODLE_CACHE:-${XDG_CACHE_HOME:-${HOME:?set POODLE_CACHE to a folder}/.cache}/poodle_mm}
env=${COMPAT_ENV:-$cache/compat/openmmlab-$tag}
python=$env/bin/python
requirements=requirements/openmmlab_originals.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PIP_DISABLE_PIP_VERSION_CHECK=1 OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} PYTHONWARNINGS=ignore
unset PIP_CONSTRAINT PIP_BUILD_CONSTRAINT # they hold the OneDL family's versions

run() { # run WHAT COMMAND...: quiet, the log's end on failure
    local what=$1 begin=$SECONDS
    shift
    say "$what"
    "$@" >"$work/log" 2>&1 || {
        tail -n 30 "$work/log" >&2
        fail "failed: $what"
    }
    say "    done in $((SECONDS - begin)) s"
    printf '%5d s  %s\n' $((SECONDS - begin)) "$what" >>"$work/summary"
}
pip() { "$python" -m pip install -q --retries 5 --timeout 60 "$@"; }

# mmcv-lite, mmcv and mmpretrain build with the setuptools that is there: newer ones lack pkg_resources.
if ! cmp -s "$requirements" "$env/.requirements"; then
    run "making $env with $("$interpreter" -V)" "$interpreter" -m venv --clear "$env"
    run 'installing setuptools' pip -r <(grep -E '^(setuptools|wheel)' "$requirements")
    run 'installing torch 2.5 and the original OpenMMLab packages' pip --no-build-isolation -r "$requirements"
    cp "$requirements" "$env/.requirements"
fi
run 'installing poodle_mm without its OneDL dependencies' pip --no-deps --no-build-isolation -e .

if [ -n "$with_ops" ]; then
    begin=$SECONDS # with its output: it takes long the first time
    PYTHON=$python bash tools/build_mmcv_ops.sh --or-cpu mmcv==2.1.0 || exit 1
    printf '%5d s  %s\n' $((SECONDS - begin)) "MMCV 2.1.0's operators" >>"$work/summary"
    run 'installing mmsegmentation 1.2.2 and mmdet 3.3.0' \
        pip --no-build-isolation -c <(grep -v mmcv-lite "$requirements") \
        mmsegmentation==1.2.2 mmdet==3.3.0 ftfy regex pytest hypothesis
fi

cat >"$work/imports.py" <<'PY'
"""Import every module; without MMSegmentation all but those that need it or MMDetection."""

import importlib
import sys
from importlib import metadata
from pathlib import Path

import poodle_mm

PACKAGES = ('poodle_mm', 'poodle_scenes')
EVALUATION = ('evaluation.segmentation', 'evaluation.detection', 'experiments.demo')
root = Path(poodle_mm.__file__).parents[1]
files = (file for package in PACKAGES for file in sorted((root / package).rglob('*.py')))
paths = [file.relative_to(root).with_suffix('') for file in files]
names = ['.'.join(path.parts).removesuffix('.__init__') for path in paths]
if 'light' in sys.argv:
    left_out = tuple(f'poodle_mm.{room}' for room in EVALUATION)
    names = [name for name in names if not name.startswith(left_out)]
else:
    names = ['mmcv.ops', 'mmseg', 'mmdet', *names]
for name in names:
    importlib.import_module(name)
distributions = sorted({found.metadata['Name'] for found in metadata.distributions()})
if wrong := [name for name in distributions if name.startswith('onedl')]:
    sys.exit(f'{wrong} are installed: this environment is for the original packages')
family = [name for name in distributions if name.startswith('mm') or name == 'torch']
print(len(names), 'modules with', ', '.join(f'{name} {metadata.version(name)}' for name in family))
PY
run 'importing every module' "$python" "$work/imports.py" ${with_ops:-light}
imported=$(tail -n 1 "$work/log")
say "    $imported"

run 'drawing a few scenes' "$python" tools/make_scenes.py "$work/scenes" \
    --train 4 --val 1 --test 1 --size 144 256 --seconds 1.5 --labelled 2
steps=10
run "pretraining the demo for $steps steps" "$python" tools/train.py configs/demo/poodle_r18_scenes.py \
    --work-dir "$work/run" --cfg-options "train_dataloader.dataset.data_root=$work/scenes" \
    processes=1 train_dataloader.batch_size=2 "train_cfg.max_iters=$steps" "default_hooks.checkpoint.interval=$steps"
checkpoint=$work/run/iter_$steps.pth

run 'publishing its encoder' "$python" tools/publish_model.py "$checkpoint" "$work/published" --with-sdm
published=$(tail -n 1 "$work/log")

cat >"$work/check.py" <<'PY'
"""The checkpoint is finite and trained; the published encoder loads and gives the same map."""

import sys

import torch

from poodle_mm.apis import load_encoder

path, published, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
checkpoint = torch.load(path, map_location='cpu', weights_only=False)
state = checkpoint['state_dict']
assert checkpoint['meta']['iter'] == steps, checkpoint['meta']['iter']
assert all(value.isfinite().all() for value in state.values() if value.is_floating_point())
online, target = (state[f'{prefix}backbone.conv1.weight'] for prefix in ('', 'target.module.'))
assert not torch.equal(online, target), 'online network and target are the same: nothing was learned'
image = torch.rand(1, 3, 96, 160, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    maps = [load_encoder(file).eval()(image) for file in (path, published)]
assert torch.equal(*maps), 'the published encoder gives another map'
print(len(state), 'tensors after', steps, 'steps; published encoder:', *maps[0].shape[1:], 'map')
PY
run 'loading the published file' "$python" "$work/check.py" "$checkpoint" "$published" "$steps"
say "    $(tail -n 1 "$work/log")"

if [ -n "$with_ops" ]; then
    run "running the readouts' tests" "$python" -m pytest -q -p no:cacheprovider tests/test_evaluation
    say "    $(tail -n 1 "$work/log")"
    iters=4
    for readout in linear upernet det-fpn det-c4; do
        run "training a readout for $iters iterations and testing it: $readout" \
            "$python" tools/evaluate.py "published=$published" --suite scenes --readouts "$readout" \
            --data-root "$work/scenes" --iters "$iters" --work-dir "$work/evaluate-$readout"
        say "    $(grep '^| published' "$work/log" | head -n 1)"
    done
fi
cat "$work/summary"
say "passed with ${imported#* with } in $env"
