"""Stage ``index``: which files a large tree of videos holds.

``python -m benchmarks.index --files 1000000`` simulates a tree (:mod:`benchmarks.index_scale`).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.loader_case import QUICK, make_videos
from benchmarks.loader_workers import resident_mib
from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.timing import in_new_process, take_turns, wall_seconds
from poodle_mm.datasets.files import find_files
from poodle_mm.datasets.video.index import build_index
from poodle_mm.datasets.video.index_file import write_index
from poodle_mm.datasets.video.video_table import VideoInfo, VideoTable
from poodle_mm.engine.hooks.run_stats_hook import peak_resident_mib
from poodle_mm.utils.files import replacing

PER_FOLDER = 100
LOWER_BOUND, WARM, COLD = 'lower bound', 'ours, nothing has changed', 'ours, nothing known'


def run(options: Options) -> StageResult:
    """Index a simulated tree of 70,000 video files (BDD100K), known before and not.

    Args:
        options: ``quick`` takes 60 files.

    Returns:
        Seconds for the whole tree; without an index they are scaled up from 2,000 files.
    """
    total, part = (60, 20) if options.quick else (70_000, 2_000)
    root, first = make_tree(options, total), make_tree(options, part)
    cache = options.cache / 'trees' / f'{total}.npz'
    infos = write_known_index(root, cache)
    if list(build_index(root, cache).videos) != infos:
        raise AssertionError(f'{cache}: the index read again is not the one that was written')

    seconds = take_turns(
        {
            LOWER_BOUND: lambda: sum(1 for _ in _stat_all(root)),
            WARM: partial(build_index, root, cache),
        },
        options.repeats,
    )
    cold = [total / part * seconds_cold(first) for _ in range(options.repeats)]
    peak, growth = in_new_process(memory_of_warm_index, root, cache)
    rows = [Measurement(name, times) for name, times in {**seconds, COLD: cold}.items()]
    rows[1].more['peak MiB'] = round(peak)
    result = StageResult(
        stage='index',
        title='The index of a tree of videos',
        work=f'Find {total:,} video files in {total // PER_FOLDER} nested folders and what is new',
        unit='tree',
        rows=rows,
        targets=[Target('nothing has changed, seconds', rows[1].median, '<= 10')],
        notes=[
            'lower bound: os.scandir through the tree and one os.stat a file.',
            f'nothing known: every header is read, measured on {part:,} files and scaled up; '
            'hard-linked small files that lie in the page cache, so a disk would add its seeks.',
            f'memory: the index takes {growth:.0f} MiB; the peak of its process is {peak:.0f} MiB.',
            f'checked: {total:,} entries equal those that were written.',
        ],
    )
    return result


def make_tree(options: Options, count: int) -> Path:
    """``count`` names of one small video, ``<part>/<folder>/<number>.mp4``; made once."""
    root = options.cache / 'trees' / str(count)
    if root.is_dir():
        return root
    video = make_videos(Options(cache=options.cache), QUICK)['every_30']
    with replacing(root) as temporary:
        try:
            for number in range(count):
                folder = temporary / f'{number // PER_FOLDER % 10}' / f'{number // PER_FOLDER:04d}'
                path = folder / f'{number:08d}.mp4'
                if number % PER_FOLDER == 0:
                    folder.mkdir(parents=True)
                    copy = shutil.copy(video, path)
                else:  # file systems limit the names of a file: a copy for each folder
                    os.link(copy, path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return root


def write_known_index(root: Path, cache: Path) -> list[VideoInfo]:
    """The index as a first run leaves it, without reading the same video 70,000 times."""
    paths = find_files(root, ['.mp4'])
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(root / paths[0], folder)
        scanned = build_index(folder).videos[0]
    infos = []
    for path in paths:
        stat = os.stat(root / path)
        infos.append(replace(scanned, path=path, size=stat.st_size, mtime_ns=stat.st_mtime_ns))
    write_index(cache, VideoTable.from_infos(infos))
    return infos


def seconds_cold(root: Path) -> float:
    """Wall seconds to index a tree of which nothing is known."""
    with tempfile.TemporaryDirectory() as folder:
        return wall_seconds(partial(build_index, root, Path(folder) / 'index.npz'))


def memory_of_warm_index(root: Path, cache: Path) -> tuple[float, float]:
    """Peak of this process in MiB, and how much of its resident size is the index."""
    before = resident_mib()
    infos = build_index(root, cache)
    growth = resident_mib() - before
    del infos
    return peak_resident_mib(), growth


def _stat_all(folder: str | os.PathLike) -> Iterator[os.stat_result]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _stat_all(entry.path)
            else:
                yield entry.stat()


if __name__ == '__main__':
    from benchmarks.index_scale import main

    main()
