"""A tree of a million video files, simulated: its index, and the ranks and workers that read it."""

import argparse
import json
import multiprocessing
import resource
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch.distributed as dist

from benchmarks.machine import describe_machine
from poodle_mm.datasets import FramePairDataset
from poodle_mm.datasets.video import index as video_index
from poodle_mm.datasets.video.index_file import FORMAT, read_index
from poodle_mm.datasets.video.video_table import VideoTable
from poodle_mm.engine.hooks.run_stats_hook import peak_resident_mib
from poodle_mm.utils.columns import Columns, map_columns, write_columns
from poodle_mm.utils.files import write_json
from poodle_mm.utils.ragged import Ragged

RANKS_OF_A_NODE = 128
ACCESSES = 100_000
_KEYFRAMES = (0, 250, 471, 702, 951)  # x264 places them by the picture: at uneven distances


@dataclass(frozen=True)
class Case:
    """What is simulated.

    Attributes:
        files: Number of video files of 40 s at 30 frames/s.
        clips: Whether the index holds all time stamps, and an epoch visits clips of 10 s.
        ranks: Processes that are started.
        cache: File of the index.
        accesses: Items that a worker asks for.
    """

    files: int
    clips: bool
    ranks: int
    cache: Path
    accesses: int = ACCESSES


def measure(files: int, ranks: int, folder: Path, accesses: int = ACCESSES) -> dict:
    """Measure an index of files and one of their time stamps.

    Args:
        files: Number of files.
        ranks: Processes that build the data set at the same time.
        folder: Folder of the index.
        accesses: Items that a worker asks for.

    Returns:
        Seconds are CPU seconds of a process, sizes MiB.
    """
    found: dict[str, Any] = dict(files=files, machine=describe_machine())
    for clips in (False, True):
        cache = folder / f'{"clips" if clips else "videos"}.npz'
        case = Case(files, clips, ranks, cache, accesses)
        context = multiprocessing.get_context('spawn')
        with context.Pool(1) as pool:
            result = pool.apply(_index_file, (case,))
        with (
            tempfile.TemporaryDirectory() as meeting,
            ProcessPoolExecutor(ranks, context) as pool,
        ):
            jobs = [pool.submit(_rank, case, n, f'file://{meeting}/point') for n in range(ranks)]
            result['ranks'] = [job.result() for job in jobs]
        result['node'] = _on_one_node(result)
        found['clips' if clips else 'videos'] = result
    return found


def simulated_table(case: Case) -> VideoTable:
    """Entries as a scan of BDD100K's videos leaves them; names are random, as theirs are."""
    numbers = np.arange(case.files)
    rng = np.random.default_rng(0)
    names = np.sort(rng.integers(0, 2**62, case.files))
    paths = [f'train/{n * 100 // case.files:02d}/{name:016x}.mp4' for n, name in enumerate(names)]
    frames = rng.integers(1190, 1211, case.files)
    rows = Ragged(np.empty(0, np.int64), np.zeros(case.files, np.int64))
    if case.clips:
        keys = np.array(_KEYFRAMES) * 512
        row = np.array([0, 1, 0, 512, len(keys), 0, *keys, len(keys), 1, 1024, 0, -1, 0])
        coded = np.tile(row, (case.files, 1))
        coded[:, 0] = frames
        rows = Ragged(coded.reshape(-1), (numbers + 1) * len(row))
    text = Ragged.of_strings(paths)
    return VideoTable(
        Columns(
            dict(
                size=rng.integers(10**6, 10**8, case.files),
                mtime_ns=1_700_000_000_000_000_000 + rng.integers(0, 10**15, case.files),
                frames=frames,
                streams=np.ones(case.files, np.int16),
                duration=frames / 30,
                time_base=np.full(case.files, 1 / 15360 if case.clips else 0.0),
                path=text.values,
                path_ends=text.ends,
                table=rows.values,
                table_ends=rows.ends,
            )
        )
    )


def _index_file(case: Case) -> dict:
    table = simulated_table(case)
    arrays = dict(table.columns)
    return dict(
        write_seconds=_cpu_seconds(lambda: write_columns(case.cache, arrays, FORMAT)),
        map_and_check_seconds=_cpu_seconds(lambda: read_index(case.cache)),
        map_seconds=_cpu_seconds(lambda: map_columns(case.cache)),
        file_mib=case.cache.stat().st_size / 2**20,
        bytes_per_file=case.cache.stat().st_size / case.files,
    )


def _rank(case: Case, rank: int, meeting: str) -> dict:
    """Build the data set as training does, then let a forked worker ask for items."""
    dist.init_process_group('gloo', meeting, rank=rank, world_size=case.ranks)
    before = _memory()
    with tempfile.TemporaryDirectory() as root, _simulated_tree(case, rank):
        made: list[FramePairDataset] = []
        options = dict(source='clips', pairs_per_clip=15) if case.clips else {}
        seconds = _cpu_seconds(
            lambda: made.append(FramePairDataset(root, index_cache=str(case.cache), **options))
        )
    dataset = made[0]
    built = _memory()
    with multiprocessing.get_context('fork').Pool(1, _keep, (dataset,)) as pool:
        growth = pool.apply(_worker, (case.accesses,))
    result = dict(
        seconds=seconds,
        items=len(dataset),
        private_mib=built['private'] - before['private'],
        shared_mib=built['shared'] - before['shared'],
        peak_mib=peak_resident_mib(),
        imports_private_mib=before['private'],
        worker_growth_mib=growth,
    )
    dist.barrier()
    dist.destroy_process_group()
    return result


def _simulated_tree(case: Case, rank: int) -> Any:
    """Stand in for the file system: rank 0 finds all files, unchanged; no other rank looks."""
    if rank:
        return mock.patch.object(video_index, 'find_states', None)
    columns = map_columns(case.cache)
    names = VideoTable(columns).paths.strings()
    states = zip(names, columns['size'].tolist(), columns['mtime_ns'].tolist(), repeat(''))
    return mock.patch.object(video_index, 'find_states', lambda *args: states)


_datasets: list[FramePairDataset] = []


def _keep(dataset: FramePairDataset) -> None:
    _datasets.append(dataset)


def _worker(accesses: int) -> float:
    """MiB that become a worker's own when it asks for items here and there."""
    (dataset,) = _datasets
    dataset.get_data_info(0)
    before = _memory()['private']
    for index in np.random.default_rng(1).integers(len(dataset), size=accesses).tolist():
        dataset.get_data_info(index)
    return _memory()['private'] - before


def _on_one_node(result: dict) -> dict:
    """128 ranks: what is private counts for each of them, the mapped file once."""
    first, *others = result['ranks']
    private = float(np.median([rank['private_mib'] for rank in others]))
    return dict(
        ranks=RANKS_OF_A_NODE,
        gib=(RANKS_OF_A_NODE * private + result['file_mib']) / 2**10,
        seconds_of_rank_0=first['seconds'],
        seconds_of_another=float(np.median([rank['seconds'] for rank in others])),
    )


def _cpu_seconds(run: Callable[[], Any]) -> float:
    def now() -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    start = now()
    run()
    return now() - start


def _memory() -> dict[str, float]:
    """Private and shared resident memory of this process in MiB."""
    found = dict(private=0.0, shared=0.0)
    for line in Path('/proc/self/smaps_rollup').read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        for kind in found:
            if name.lower().startswith(f'{kind}_') and 'hugetlb' not in name.lower():
                found[kind] += int(value) / 2**10
    return found


def main() -> None:
    """Measure, print and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--files', type=int, default=1_000_000)
    parser.add_argument('--ranks', type=int, default=8, help='processes that are started')
    parser.add_argument('--out', type=Path, default=Path('work_dirs/benchmark/index_scale.json'))
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out.parent) as folder:
        found = measure(args.files, args.ranks, Path(folder))
    write_json(args.out, found, indent=2)
    print(json.dumps({key: found[key] for key in ('videos', 'clips')}, indent=2))


if __name__ == '__main__':
    main()
