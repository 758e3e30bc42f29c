"""Record the losses anew: ``python -m tests.golden.record [NAME...]``, from the checkout's root.

A refactor must not need this. A change that is meant to move them runs it in the same commit and
lists in the changelog which moved and why.
"""

import hashlib
import json
import platform
import sys
import tempfile
from pathlib import Path

import torch

from poodle_mm.utils.files import write_text
from tests.golden.runs import RUNS, losses_of, make_data

REPO = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name('losses.json')


def machine() -> str:
    """What decides the rounding: torch, its instruction set, and the processor that it found."""
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        lines = [platform.processor()]
    kind = sorted({line for line in lines if line.startswith(('model', 'flags', 'Features'))})
    digest = hashlib.sha256('\n'.join(kind).encode()).hexdigest()[:12]
    capability = torch.backends.cpu.get_cpu_capability()
    return f'torch {torch.__version__}, {capability}, processor {digest}'


def main() -> None:
    """Write ``losses.json``, all of it or the runs named."""
    names = sys.argv[1:] or list(RUNS)
    before = json.loads(FILE.read_text(encoding='utf-8')) if FILE.is_file() else {}
    losses = {k: v for k, v in before.get('losses', {}).items() if k in RUNS}
    with tempfile.TemporaryDirectory() as folder:
        make_data(Path(folder))
        for name in names:
            losses[name] = losses_of(name, REPO, Path(folder))
            print(name, *(f'{loss:.5f}' for loss in losses[name]))
    record = dict(machine=machine(), losses={name: losses[name] for name in RUNS if name in losses})
    write_text(FILE, json.dumps(record, indent=1) + '\n')


if __name__ == '__main__':
    main()
