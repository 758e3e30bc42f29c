"""Stage ``loader``: from a video file to two crops."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.loader_case import (
    AREA,
    DELTA,
    FULL,
    QUICK,
    Scale,
    known_pairs,
    make_dataset,
    make_videos,
)
from benchmarks.loader_workers import measure_memory, time_workers
from benchmarks.pair_readers import (
    BASELINES,
    ONWARDS,
    TWO_SEEKS,
    LowerBound,
    Pair,
    plain_pair,
    single_thread,
    to_tensor,
)
from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.timing import take_turns
from poodle_mm.datasets import FramePairDataset, PackFramePair, VideoReader
from poodle_mm.datasets.transforms.crop import crop_resize

LIMITS = {'every_30': '>= 1.8', 'every_250': '>= 1'}
LOWER_BOUND, OURS, KEYFRAMES = 'lower bound', 'ours', 'ours, first frame a keyframe'


def run(options: Options) -> StageResult:
    """Time contenders on two files of one content, the loader's workers, and its memory.

    Args:
        options: ``video`` is cut to 40 s at 1280x720 and encoded anew.

    Returns:
        Rows ``<encoding>: <contender>``, seconds a pair, all within one thread.
    """
    scale = QUICK if options.quick else FULL
    paths = make_videos(options, scale)
    result = StageResult(
        stage='loader',
        title='A pair from a video file',
        work=(
            f'A random pair, {DELTA[0]} to {DELTA[1]} frames apart, from a '
            f'{scale.frames / 30:g} s {scale.shape[1]}x{scale.shape[0]} H.264 file, opened each '
            f'time, to uint8 (2, 3, {scale.size[0]}, {scale.size[1]}); area {AREA[0]} to {AREA[1]}'
        ),
        unit='pair',
        rows=[],
    )
    result.notes.append(
        'lower bound: PyAV in one thread, file open, its frames known: seek, demux and decode what '
        'the format forces, that is from the last keyframe at or before each of the two frames up '
        'to it, a shared keyframe once, without the non-reference frames between; no colour '
        'conversion. keyframes every 30: no B-frames; every 250: x264 with three.'
    )
    with single_thread():
        for encoding, path in paths.items():
            _time_contenders(result, options, scale, encoding, path)
        time_workers(result, options, scale, paths['every_30'])
    measure_memory(result, options, scale, paths['every_30'])
    return result


def _time_contenders(
    result: StageResult, options: Options, scale: Scale, encoding: str, path: Path
) -> None:
    dataset = make_dataset(path, scale.size)
    by_keyframe = make_dataset(path, scale.size, 'keyframes')
    pairs = known_pairs(dataset, scale.pairs)
    bound = LowerBound(path)
    contenders: dict[str, Callable[[Pair], object]] = {
        LOWER_BOUND: bound,
        OURS: lambda pair: dataset[pair.key],
        KEYFRAMES: lambda pair: by_keyframe[pair.key],
    }
    ways = _check(result, dataset, pairs, encoding, scale)
    for name, way in ways.items():
        read = partial(BASELINES[name], onwards=way == ONWARDS)
        contenders[name] = lambda pair, read=read: to_tensor(read(pair), pair.box, scale.size)
    seconds = take_turns(
        {name: partial(_each, call, pairs) for name, call in contenders.items()}, options.repeats
    )
    for name, times in seconds.items():
        measured = Measurement(f'{encoding}: {name}', [time_ / len(pairs) for time_ in times])
        if name == LOWER_BOUND:
            measured.more['frames decoded'] = round(sum(map(bound, pairs)) / len(pairs), 1)
        elif name in ways:
            measured.more['way'] = ways[name]
        result.rows.append(measured)
    bound.container.close()

    def ratio(name: str, to: str) -> float:
        return result.ratio(f'{encoding}: {name}', f'{encoding}: {to}')

    result.targets.append(
        Target(f'{encoding}: ours / lower bound', ratio(OURS, LOWER_BOUND), '<= 1.25')
    )
    for name in BASELINES:
        text = f'{encoding}: {name} / ours'
        result.targets.append(Target(text, ratio(name, OURS), LIMITS[encoding]))
    result.notes.append(f'{encoding}: {_profile(pairs, scale.size)}')
    result.notes.append(
        f'{encoding}: with a keyframe first a pair takes {ratio(KEYFRAMES, OURS):.2f} of the time; '
        "it draws other pairs, among fewer (see FramePairDataset's starts), so it has no target."
    )


def _each(call: Callable[[Pair], object], pairs: Sequence[Pair]) -> None:
    for pair in pairs:
        call(pair)


def _check(
    result: StageResult,
    dataset: FramePairDataset,
    pairs: Sequence[Pair],
    encoding: str,
    scale: Scale,
) -> dict[str, str]:
    """All must have read the same frames: ours bit for bit, baselines up to colour conversion.

    Returns:
        Of each baseline the faster way to the second frame.
    """
    seconds = {(name, way): 0.0 for name in BASELINES for way in (TWO_SEEKS, ONWARDS)}
    differences = dict.fromkeys(BASELINES, 0.0)
    for pair in pairs:
        inputs = dataset[pair.key]['inputs']
        if not torch.equal(inputs, plain_pair(pair, scale.size)):
            raise AssertionError(f'{pair}: not the image of the plain path')
        for name, way in seconds:
            start = time.perf_counter()
            frames = BASELINES[name](pair, onwards=way == ONWARDS)
            seconds[name, way] += time.perf_counter() - start
            theirs = to_tensor(frames, pair.box, scale.size)
            difference = (inputs.float() - theirs.float()).abs().mean().item()
            differences[name] = max(differences[name], difference)
    result.notes.append(
        f'{encoding}: {len(pairs)} pairs equal those of the plain path (probing by FFmpeg, all '
        'packets demuxed) bit for bit; mean absolute difference of the baselines, worst pair, in '
        'grey levels: ' + ', '.join(f'{name} {value:.2f}' for name, value in differences.items())
    )
    return {
        name: min((TWO_SEEKS, ONWARDS), key=lambda way, name=name: seconds[name, way])
        for name in BASELINES
    }


def _profile(pairs: Sequence[Pair], size: tuple[int, int]) -> str:
    """Milliseconds of each part of the work, mean over the pairs."""
    parts = dict.fromkeys(('open', 'table of frames', 'decode and convert', 'crop', 'pack'), 0.0)
    pack = PackFramePair()
    for pair in pairs:
        clock = [time.perf_counter()]
        with VideoReader(pair.path) as reader:
            clock.append(time.perf_counter())
            _ = reader.table
            clock.append(time.perf_counter())
            frames = reader.read(pair.ids)
            clock.append(time.perf_counter())
        frames = [crop_resize(frame, pair.box, size) for frame in frames]
        clock.append(time.perf_counter())
        pack(dict(frames=frames))
        clock.append(time.perf_counter())
        for part, spent in zip(parts, np.diff(clock).tolist(), strict=True):
            parts[part] += 1e3 * spent / len(pairs)
    return 'ours in ms: ' + ', '.join(f'{part} {spent:.1f}' for part, spent in parts.items())
