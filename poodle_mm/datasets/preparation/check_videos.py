"""Check of a tree of videos."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from poodle_mm.datasets.preparation.check_images import note_hidden, spread
from poodle_mm.datasets.preparation.report import CheckReport
from poodle_mm.datasets.video.index import VideoInfo, build_index
from poodle_mm.datasets.video.reader import FrameReadError, VideoReader

MIN_SECONDS = 1.0
"""The paper's pairs are up to one second apart."""
_PORTRAIT = (
    'are higher than wide: PairRandomCrop stretches them with area and aspect=None, not with scale'
)
MAX_ODD_STEPS = 0.01
"""Share of steps half as long again as usual, or half as long, above which a rate is variable."""


def check_videos(
    report: CheckReport,
    folder: str,
    expected: int | None = None,
    optional: bool = False,
    sample: int | None = 100,
    size: tuple[int, int] | None = None,
    with_table: bool = False,
) -> None:
    """Read all headers, look for the end of each file, and decode a frame of some.

    Of those whose header or times are odd it makes a note: nothing is wrong with them.

    The index that training reads is built on the way and kept.

    Args:
        report: Is added to.
        folder: Folder of the videos, relative to the root.
        expected: Number of videos of the full data set.
        optional: Whether the folder may be absent.
        sample: Of how many videos the middle frame is decoded; None takes all.
        size: (H, W) that a decoded frame should have.
        with_table: Read the time stamps of all frames, as ``source='clips'`` needs them; this
            reads the whole files.
    """
    root = Path(report.root, folder)
    try:
        infos = build_index(root, with_table=with_table)
    except FileNotFoundError:
        infos = []
    report.count(folder, len(infos), expected, optional)
    note_hidden(report, folder)
    bad = [info for info in infos if info.error]
    whole = [info for info in infos if not info.error]
    for info in bad:
        report.add(folder, 'unreadable or truncated', 'download again', [_tell(info, info.error)])
    report.add(
        folder,
        f'shorter than {MIN_SECONDS:g} s',
        'remove them: they hold no pair of frames that far apart',
        (_tell(i, f'{i.duration:.2f} s') for i in whole if 0 < i.duration < MIN_SECONDS),
    )
    _decode_some(report, folder, [info.path for info in whole], sample, size)
    hours = sum(info.duration for info in whole) / 3600
    if whole:
        report.notes.append(f'{folder}: {hours:.2f} hours')


def _tell(info: VideoInfo, text: str) -> str:
    return f'{info.path} ({text})'


def _decode_some(
    report: CheckReport,
    folder: str,
    paths: list[str],
    sample: int | None,
    size: tuple[int, int] | None,
) -> None:
    root = Path(report.root, folder)

    odd: dict[str, list[str]] = {}

    def decode(path: str) -> tuple[str, tuple[int, int] | str]:
        try:
            with VideoReader(root / path) as video:
                for reason, detail in time_oddities(video):
                    odd.setdefault(reason, []).append(f'{path} ({detail})')
                return path, video.read([len(video) // 2])[0].shape[:2]
        except FrameReadError as error:
            return path, error.reason

    chosen = spread(paths, sample)
    with ThreadPoolExecutor() as pool:
        results = pool.map(decode, chosen)
        bar = tqdm(results, total=len(chosen), desc=folder, unit='video', leave=False)
        for path, result in bar:
            if isinstance(result, str):
                report.add(folder, 'cannot be decoded', 'download again', [f'{path} ({result})'])
                continue
            if result[0] > result[1]:
                odd.setdefault(_PORTRAIT, []).append(f'{path} ({result[1]}x{result[0]})')
            if size is not None and result != size:
                report.add(
                    folder,
                    f'not {size[1]}x{size[0]} as in the paper',
                    'docs/data.md has the command that resizes videos',
                    [f'{path} ({result[1]}x{result[0]})'],
                )
    for reason, names in sorted(odd.items()):
        report.notes.append(f'{folder}: {len(names)} of {len(chosen)} {reason}, e.g. {min(names)}')


def time_oddities(video: VideoReader) -> list[tuple[str, str]]:
    """What surprises in a video's times, each as (what, details).

    Frames are found by their own times, never by the header's: training reads such files right.
    But a distance in frames is no time where the rate varies, and other tools go by the header.
    """
    found, times = [], video.timestamps
    steps = np.diff(times)
    if len(steps):
        usual = float(np.median(steps))
        # a camera that dropped a frame or two is none of variable rate
        if np.mean(np.abs(steps - usual) > usual / 2) > MAX_ODD_STEPS:
            between = f'{1000 * steps.min():.0f} to {1000 * steps.max():.0f} ms between frames'
            found.append(('have a variable frame rate (delta_unit="seconds" is exact)', between))
    counted, seconds, rate = video.header_facts()
    differences = []
    if counted and counted != len(times):
        differences.append(f'{counted} frames, there are {len(times)}')
    if len(steps):
        lasts, real = times[-1] + usual, 1 / float(steps.mean())
        if seconds and abs(seconds - lasts) > max(1.0, 0.02 * lasts):
            differences.append(f'{seconds:.1f} s, frames end after {lasts:.1f} s')
        if rate and abs(rate / real - 1) > 0.05:
            differences.append(f'{rate:.2f} frames/s, there are {real:.2f}')
    if differences:
        found.append(('have a header that disagrees with the frames', '; '.join(differences)))
    return found
