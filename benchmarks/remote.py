"""Stage ``remote``: what a pair of frames takes from a server, in bytes and in requests."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from benchmarks.loader_case import DELTA, FULL, QUICK
from benchmarks.result import Measurement, Options, StageResult
from benchmarks.timing import wall_seconds
from benchmarks.videos import FPS, drive, write_videos
from poodle_mm.datasets.remote.options import RemoteOptions
from poodle_mm.datasets.remote.remote_file import RemoteFile
from poodle_mm.datasets.video.frame_table import FrameTable
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.utils.files import replacing

# an object store within one's own region, roughly: a request's answer begins, then flows
LATENCY, BYTES_A_SECOND = 0.03, 50e6
BLOCK_SIZES = tuple(2**power for power in (16, 18, 19, 20, 22))
CACHES = ('readahead', 'bytes', 'background')
SEVERAL = 4


class File(NamedTuple):
    """A video as an index knows it."""

    path: Path
    table: FrameTable | None


def run(options: Options) -> StageResult:
    """Read pairs of files of 180 s at their drawn places, a new opening for each visit.

    Args:
        options: ``quick`` takes files of some seconds.

    Returns:
        A row for each container at the default block size, then of one container for other block
        sizes and caches. Seconds are those of a local disk; the last column is arithmetic.
    """
    files = make_files(options)
    visits = 3 if options.quick else 12
    default = RemoteOptions()
    rows = [
        measure(f'{name}, {pairs} a visit', file, default, visits, pairs)
        for name, file in files.items()
        for pairs in (1, SEVERAL)
    ]
    name, file = next(iter(files.items()))
    for size in BLOCK_SIZES:
        remote = RemoteOptions(block_size=size)
        rows.append(measure(f'{name}, blocks of {size // 1024} KiB', file, remote, visits, 1))
    for cache in CACHES:
        remote = RemoteOptions(cache=cache)
        rows.append(measure(f'{name}, cache {cache}', file, remote, visits, 1))
    largest = max(file.path.stat().st_size for file in files.values()) / 1e6
    return StageResult(
        stage='remote',
        title='Pairs from a server',
        work=f'files of {largest:.0f} MB at most; pairs {DELTA[0]} to {DELTA[1]} frames apart, '
        f'uniform over the file; {visits} visits',
        unit='pair',
        rows=rows,
        notes=[
            f'blocks of {default.block_size // 1024} KiB and cache {default.cache!r} unless said; '
            'a request of each visit asks for the size and is counted',
            'MKV and TS with the table of frames that the index keeps of them, MP4 without one',
            f'the last column counts {LATENCY * 1e3:.0f} ms a request and '
            f'{BYTES_A_SECOND / 1e6:.0f} MB/s, one after another: arithmetic, not measured',
        ],
    )


def measure(name: str, file: File, remote: RemoteOptions, visits: int, pairs: int) -> Measurement:
    """Bytes, requests and seconds a pair, over several openings."""
    rng = np.random.default_rng(0)
    with VideoReader(file.path, table=file.table) as video:
        total = len(video)
    requests = fetched = 0
    seconds = []
    for _ in range(visits):
        starts = rng.integers(total - DELTA[1], size=pairs)
        wanted = [(int(s), int(s + d)) for s, d in zip(starts, rng.integers(*DELTA, size=pairs))]
        source = RemoteFile(f'file://{file.path.absolute()}', remote)
        seconds.append(wall_seconds(partial(_visit, source, file.table, wanted)) / pairs)
        requests += source.requests + 1  # and the question for the size
        fetched += source.fetched
    requests, fetched = requests / visits / pairs, fetched / visits / pairs
    model = requests * LATENCY + fetched / BYTES_A_SECOND
    share = 100 * fetched / file.path.stat().st_size
    return Measurement(
        name,
        seconds,
        {
            'MB a pair': f'{fetched / 1e6:.2f}',
            '% of the file': f'{share:.1f}',
            'requests a pair': f'{requests:.1f}',
            'ms a pair at a distance': f'{1e3 * model:.0f}',
        },
    )


def _visit(source: RemoteFile, table: FrameTable | None, pairs: Sequence[tuple[int, int]]) -> None:
    with VideoReader(source, table=table, in_order=True) as video:
        for pair in pairs:
            video.read(pair)


def make_files(options: Options) -> dict[str, File]:
    """Files of the same pictures, by what a reader meets in them; made once."""
    scale, frames, loops = (QUICK, 90, 2) if options.quick else (FULL, 450, 12)
    folder = options.cache / 'remote' / f'{frames * loops}x{scale.shape[0]}'
    sources = write_videos(folder, drive(frames, scale.shape), scale.shape, scale.bit_rate)
    kinds = {
        'MP4, header at the end': ('every_30', 'end.mp4', ''),
        'MP4, header in front': ('every_30', 'front.mp4', 'faststart'),
        'MP4, B-frames, keyframe every 250': ('every_250', 'b_frames.mp4', ''),
        'MKV': ('every_30', 'a.mkv', ''),
        'MPEG-TS': ('every_30', 'a.ts', ''),
    }
    files = {}
    for name, (encoding, file, flags) in kinds.items():
        path = folder / file
        if not path.is_file():
            loop(sources[encoding], path, loops, frames, flags)
        table = None
        if path.suffix != '.mp4':
            with VideoReader(path) as video:
                table = video.table
        files[name] = File(path, table)
    return files


def loop(source: Path, target: Path, times: int, frames: int, flags: str) -> None:
    """Copy a video's packets several times, one after another, into another file."""
    options = dict(movflags=flags) if flags else {}
    with replacing(target) as path, av.open(str(path), 'w', options=options) as new:
        with av.open(str(source)) as old:
            stream = old.streams.video[0]
            written = new.add_stream_from_template(stream)
            length = round(frames / FPS / stream.time_base)
        for number in range(times):
            for packet in _packets(source):
                packet.pts += number * length
                packet.dts += number * length
                packet.stream = written
                new.mux(packet)


def _packets(source: Path) -> Iterator[av.Packet]:
    with av.open(str(source)) as container:
        yield from (packet for packet in container.demux(video=0) if packet.size)
