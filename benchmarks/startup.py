"""Stage ``startup``: from the command to the first step, to a checkpoint and back."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.videos import drive, write_videos

CONFIG = Path('demo', 'poodle_r18_scenes.py')
SHAPE = (216, 384)
# Packages without which there is no reading, no network and no training loop.
NEEDED = ('torch', 'torchvision.transforms.v2', 'av', 'cv2', 'mmengine.runner', 'mmpretrain.models')
PHASES = ('interpreter', 'imports', 'config and runner', 'data, weights, first batch', 'first step')

# Runs in a process of its own; prints the seconds at which each phase ended as the last line.
PROGRAM = """
import json, sys, time
ends = [time.time()]
from mmengine.hooks import Hook
from poodle_mm.engine.train import build_runner, training_config
from poodle_mm.registry import register_all_modules
register_all_modules()
ends.append(time.time())
arguments = json.loads(sys.argv[1])
runner = build_runner(training_config(**arguments))
ends.append(time.time())

class Clock(Hook):
    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if len(ends) == 3:
            ends.append(time.time())

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if len(ends) == 4:
            ends.append(time.time())

runner.register_hook(Clock(), priority='VERY_HIGH')
runner.train()
print(json.dumps(ends))
"""


def run(options: Options) -> StageResult:
    """Start the demo's training, let it take two steps and a checkpoint, and resume it."""
    runs = {'start': [], 'resume': []}
    work_dir = Path(options.cache, 'startup')
    for index in range(1 if options.quick else max(1, min(options.repeats, 3))):
        folder = work_dir / f'{os.getpid()}-{index}'
        for name, iters in (('start', 2), ('resume', 4)):
            runs[name].append(phases(options, folder, iters, resume=name == 'resume'))
    stats = json.loads((folder / 'run_stats.json').read_text(encoding='utf-8'))
    checkpoint = (folder / 'iter_4.pth').stat().st_size / 2**20
    rows = [
        Measurement(f'{name}: {phase}', [r[phase] for r in found])
        for name, found in runs.items()
        for phase in PHASES
    ]
    totals = {
        name: [sum(r[phase] for phase in PHASES) for r in found] for name, found in runs.items()
    }
    rows += [Measurement(f'{name}: command to first step', t) for name, t in totals.items()]
    bound = [minimal_imports() for _ in totals['start']]
    rows.append(Measurement(f'lower bound: import of {", ".join(NEEDED)}', bound))
    result = StageResult(
        'startup',
        'From the command to the first step',
        f'configs/{CONFIG} in one process, 8 pairs a step',
        'start',
        rows,
    )
    result.targets = [
        Target('imports / lower bound', result.ratio('start: imports', rows[-1].name), '<= 1.25'),
        Target('resume / start', median(totals['resume']) / median(totals['start']), '<= 1.1'),
    ]
    result.notes = [
        f'Checkpoint of the demo network with optimizer and target: {checkpoint:.1f} MiB.',
        f'Peak resident memory of that process: {stats["memory_mib"]:.0f} MiB (a data worker has '
        'its own).',
    ]
    return result


def phases(options: Options, work_dir: Path, iters: int, resume: bool) -> dict[str, float]:
    """Seconds of each phase of one training process."""
    videos = options.cache / 'startup_videos'
    write_videos(videos, drive(72, SHAPE), SHAPE, 400_000, dict(keys=dict(gop=1, b_frames=0)))
    arguments = dict(
        config=str(Path(options.configs, CONFIG)),
        work_dir=str(work_dir),
        resume='auto' if resume else None,
        cfg_options={
            'train_dataloader.dataset.data_root': str(videos),
            'train_dataloader.dataset.data_prefix.path': '',
            'train_cfg.max_iters': iters,
            'default_hooks.checkpoint.interval': 2,
            'log_level': 'ERROR',
            **({'train_dataloader.batch_size': 1} if options.quick else {}),
        },
    )
    start = time.time()
    done = run_program(
        PROGRAM, json.dumps(arguments), env=dict(OMP_NUM_THREADS=str(options.threads))
    )
    ends = [start, *json.loads(done.splitlines()[-1])]
    return {name: b - a for name, a, b in zip(PHASES, ends, ends[1:])}


def minimal_imports() -> float:
    """Seconds that the packages which training cannot do without take to import."""
    program = 'import time; t = time.time(); import ' + ', '.join(NEEDED) + '; '
    return float(run_program(program + 'print(time.time() - t)').splitlines()[-1])


def run_program(program: str, *arguments: str, env: Mapping[str, Any] | None = None) -> str:
    """Standard output of a Python program in a new process.

    Raises:
        RuntimeError: With the end of what it said, if it fails.
    """
    done = subprocess.run(
        [sys.executable, '-c', program, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **(env or {})},
    )
    if done.returncode:
        raise RuntimeError(f'a benchmark process failed:\n{done.stderr[-2000:]}')
    return done.stdout
