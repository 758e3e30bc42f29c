"""The loader over several worker processes, and its memory over many samples."""

import os
import time
from pathlib import Path

import cv2
import torch
from torch.utils.data import DataLoader

from benchmarks.loader_case import QUICK, Scale, make_dataset, make_videos
from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.timing import in_new_process
from poodle_mm.datasets import FramePairDataset


def _one_thread(worker: int) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def seconds_with_workers(dataset: FramePairDataset, workers: int, pairs: int) -> float:
    """Wall seconds a pair of a running ``DataLoader``: without its start and its end."""
    before = after = 3 * workers  # more than are on their way
    keys = [(epoch, 0) for epoch in range(before + pairs + after)]
    loader = DataLoader(
        dataset,
        batch_size=None,
        sampler=keys,
        num_workers=workers,
        worker_init_fn=_one_thread,
    )
    batches = iter(loader)
    for _ in range(before):
        next(batches)
    start = time.perf_counter()
    for _ in range(pairs):
        next(batches)
    return (time.perf_counter() - start) / pairs


def time_workers(result: StageResult, options: Options, scale: Scale, path: Path) -> None:
    dataset = make_dataset(path, scale.size)
    cores = len(os.sched_getaffinity(0))
    seconds: dict[int, list[float]] = {1: [], cores: []}
    for _ in range(options.repeats):
        for workers, times in seconds.items():
            times.append(seconds_with_workers(dataset, workers, scale.worker_pairs))
    names = {workers: f'every_30: ours, {workers} worker(s)' for workers in seconds}
    for workers, times in seconds.items():
        result.rows.append(Measurement(names[workers], times, {'workers': workers}))
    speedup = result.ratio(names[1], names[cores])
    result.targets.append(
        Target(f'speed-up by {cores} workers / {cores}', round(speedup / cores, 3), '>= 0.9')
    )


def resident_mib() -> float:
    """Resident size of this process now."""
    with open('/proc/self/statm') as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20


def memory_growth(*runs: tuple[Path, tuple[int, int], tuple[int, int]]) -> list[float]:
    """MiB that the process grows between two samples.

    Args:
        *runs: Video, size of the crop, number of the first and the last sample.
    """
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    growth = []
    for path, size, (first, last) in runs:
        dataset = make_dataset(path, size)
        for epoch in range(last):
            if epoch == first:
                start = resident_mib()
            dataset[(epoch, 0)]
        growth.append(resident_mib() - start)
    return growth


def measure_memory(result: StageResult, options: Options, scale: Scale, path: Path) -> None:
    # 10,000 samples of the stage's video would take a quarter of an hour
    small = make_videos(Options(cache=options.cache), QUICK)['every_30']
    growth, growth_big = in_new_process(
        memory_growth,
        (small, QUICK.size, scale.memory_samples),
        (path, scale.size, scale.big_memory_samples),
    )
    first, last = scale.memory_samples
    result.targets.append(
        Target(f'growth in MiB, sample {first:,} to {last:,}', round(growth, 2), '<= 20')
    )
    first, last = scale.big_memory_samples
    result.notes.append(
        f'memory: {growth:.1f} MiB of growth on a video of {QUICK.shape[1]}x{QUICK.shape[0]}; '
        f'{growth_big:.1f} MiB on that of the stage, sample {first} to {last}.'
    )
