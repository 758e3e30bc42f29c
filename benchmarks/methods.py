"""Stage ``methods``: what a step of each method costs at its small size, loading included."""

from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from benchmarks.result import Measurement, Options, StageResult
from benchmarks.timing import isolated
from poodle_mm.engine.config import set_data_root
from poodle_mm.engine.hooks.run_stats_hook import RUN_STATS
from poodle_mm.engine.schedule import frames_per_item
from poodle_mm.engine.train import build_runner, training_config
from poodle_mm.experiments.ablations.budget import pairs_per_step
from poodle_mm.experiments.ablations.settings import DATA
from poodle_mm.experiments.ablations.studies import METHODS
from poodle_mm.experiments.ablations.study import SCRATCH
from poodle_mm.registry import register_all_modules
from poodle_mm.utils.files import read_json
from poodle_scenes import write_scenes

WARMUP = 3
QUICK = ('byol', 'flowe')  # a method on frames, and one on pairs that is an ablation


class Clock(Hook):
    """Seconds between the ends of iterations, and the part of them that waits for a batch.

    Attributes:
        ends: Time at the end of each iteration.
        waits: Of each iteration but the first, time until its batch was there.
    """

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.waits: list[float] = []

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """The batch is here."""
        if self.ends:
            self.waits.append(monotonic() - self.ends[-1])

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """The step is done."""
        self.ends.append(monotonic())


def run(options: Options) -> StageResult:
    """Train each method of the comparison for some steps, in a process of its own."""
    size, scenes = ((96, 192), 2) if options.quick else ((216, 384), 16)
    root = write_scenes(
        options.cache / f'scenes_{size[0]}x{size[1]}',
        dict(train=scenes, val=1, test=1),
        size=size,
        num_frames=24,
    )
    rows = []
    for variant in METHODS.variants:
        if variant.method is SCRATCH or (options.quick and variant.key not in QUICK):
            continue
        config, parts = DATA['scenes'].config(options.configs, variant.method, variant.arch)
        row = isolated(options, train_some_steps, options, config, parts, root)
        row.name = variant.label
        print(f'{row.name}: {row.median:.2f} s a step', flush=True)
        rows.append(row)
    return StageResult(
        'methods',
        'Methods at their small size',
        f'a training step as the small configs of the scenes have it, frames read from videos of '
        f'{size[0]}x{size[1]} within the process, threads: {options.threads}',
        'step',
        rows,
        notes=[
            'Frames: those of the videos that a step sees, however many views are made of each. '
            "Peak: the process's resident size (on a GPU: allocated).",
        ],
    )


def train_some_steps(
    options: Options, config: Path, parts: dict[str, Any], root: Path
) -> Measurement:
    """Seconds of the steps of a config, the first ones left out."""
    torch.set_num_threads(options.threads)
    register_all_modules()
    steps = WARMUP + (2 if options.quick else 4 * options.repeats)
    with TemporaryDirectory() as work_dir:
        cfg = training_config(config, work_dir, iters=steps, cfg_options=parts)
        set_data_root(cfg, str(root))
        cfg.log_level = 'ERROR'
        cfg.visualizer = None
        cfg.experiment_name = f'methods_{Path(work_dir).name}'
        cfg.train_dataloader.update(num_workers=0, persistent_workers=False)
        if options.quick:
            cfg.train_dataloader.batch_size = 2
        clock = Clock()
        runner = build_runner(cfg)
        runner.register_hook(clock)
        runner.train()
        peak = read_json(Path(work_dir, RUN_STATS))['memory_mib']
    seconds = [end - start for start, end in zip(clock.ends[WARMUP - 1 :], clock.ends[WARMUP:])]
    waits = clock.waits[WARMUP - 1 :]
    frames = pairs_per_step(cfg) * frames_per_item(cfg.train_dataloader.dataset)
    row = Measurement(config.stem, seconds)
    row.more = {
        'frames a step': frames,
        'frames/s': round(frames / row.median, 1),
        'loading, share of the time': f'{sum(waits) / sum(seconds):.0%}',
        'peak MiB': round(peak),
    }
    return row
