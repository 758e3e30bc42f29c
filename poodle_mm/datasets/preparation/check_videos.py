"""Check of a tree of videos."""

from pathlib import Path

import numpy as np

from poodle_mm.catalog import Videos
from poodle_mm.datasets.files import VIDEO_EXTENSIONS, find_files
from poodle_mm.datasets.preparation.check_images import note_hidden, spread
from poodle_mm.datasets.preparation.report import CheckReport
from poodle_mm.datasets.remote.tree import file_in
from poodle_mm.datasets.remote.urls import is_url
from poodle_mm.datasets.video.file import FrameReadError
from poodle_mm.datasets.video.index import build_index
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.utils.processes import map_in_threads

MIN_SECONDS = 1.0
"""The paper's pairs are up to one second apart."""
_PORTRAIT = (
    'are higher than wide: PairRandomCrop stretches them with area and aspect=None, not with scale'
)
MAX_ODD_STEPS = 0.01
"""Share of steps half as long again as usual, or half as long, above which a rate is variable."""


def check_videos(report: CheckReport, videos: Videos, sample: int | None = 100) -> None:
    """Read all headers, look for the end of each file, and decode the middle frame of ``sample``.

    Odd headers and times are noted: nothing is wrong with them. The index that training reads is
    built on the way and kept; for clips it holds the time stamps of all frames, for which the whole
    files are read.
    """
    folder = videos.folder
    root = _within(report, folder)
    try:
        index = build_index(root, with_table=videos.clips, shard=report.shard)
    except FileNotFoundError:
        report.count(folder, 0, videos.count, videos.optional)
        _note_hidden(report, folder)
        return
    found = len(index)
    if report.shard.count > 1 and not is_url(root):
        found = len(find_files(root, VIDEO_EXTENSIONS))
    report.count(folder, found, videos.count, videos.optional)
    _note_hidden(report, folder)
    bad = (f'{path} ({reason})' for path, reason in index.bad.items())
    report.add(folder, 'unreadable or truncated', 'download again', bad)
    whole = index.videos
    seconds = whole.columns['duration']
    short = np.flatnonzero((seconds > 0) & (seconds < MIN_SECONDS)).tolist()
    report.add(
        folder,
        f'shorter than {MIN_SECONDS:g} s',
        'remove them: they hold no pair of frames that far apart',
        (f'{whole.path(row)} ({seconds[row]:.2f} s)' for row in short),
    )
    if sample is not None:
        sample = -(-sample // report.shard.count)
    chosen = [whole.path(row) for row in spread(range(len(whole)), sample)]
    _decode_some(report, folder, chosen, videos.size)
    if len(whole):
        report.note(folder, f'{seconds.sum() / 3600:.2f} hours')


def _note_hidden(report: CheckReport, folder: str) -> None:
    if not is_url(report.root):
        note_hidden(report, folder)


def _within(report: CheckReport, folder: str) -> str | Path:
    """A folder of the data set; of URLs there is none but the root."""
    return report.root if is_url(report.root) else Path(report.root, folder)


def _decode_some(
    report: CheckReport, folder: str, paths: list[str], size: tuple[int, int] | None
) -> None:
    odd: dict[str, list[str]] = {}

    def decode(path: str) -> tuple[str, tuple[int, int] | str]:
        try:
            with VideoReader(file_in(_within(report, folder), path)) as video:
                for reason, detail in time_oddities(video):
                    odd.setdefault(reason, []).append(f'{path} ({detail})')
                return path, video.read([len(video) // 2])[0].shape[:2]
        except FrameReadError as error:
            return path, error.reason

    for path, result in map_in_threads(decode, paths, folder, 'video'):
        if isinstance(result, str):
            report.add(folder, 'cannot be decoded', 'download again', [f'{path} ({result})'])
            continue
        height, width = result
        name = f'{path} ({width}x{height})'
        if height > width:
            odd.setdefault(_PORTRAIT, []).append(name)
        if size is not None and result != size:
            reason = f'not {size[1]}x{size[0]} as in the paper'
            advice = 'docs/data.md has the command that resizes videos'
            report.add(folder, reason, advice, [name])
    for reason, names in sorted(odd.items()):
        report.note(folder, f'{len(names)} of {len(paths)} {reason}, e.g. {min(names)}')


def time_oddities(video: VideoReader) -> list[tuple[str, str]]:
    """Surprises in a video's times, each as (kind, details).

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
