"""BDD100K's videos by day, as links."""

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np

from poodle_mm.datasets.files import VIDEO_EXTENSIONS, find_files
from poodle_mm.utils.files import replacing_folder


def link_daytime(
    labels: str | os.PathLike,
    videos: str | os.PathLike,
    out: str | os.PathLike,
    share: float = 1.0,
    seed: int = 0,
    timeofday: str = 'daytime',
) -> Counter[str]:
    """Link the videos whose labelled frame says that it is day, as UFlow is trained on.

    Args:
        labels: JSON in Scalabel's format with ``attributes.timeofday`` of each frame
            (``labels/det_20/det_train.json``); a frame has the name of its video.
        videos: Folder of the videos.
        out: Folder to make; the links in it are relative.
        share: Share of these videos to link, in (0, 1], drawn by the seed.
        seed: Seed of the draw.
        timeofday: Attribute to look for.

    Returns:
        Numbers of videos: ``linked``, ``left_out`` (another time of day, or not drawn), and
        ``unlabelled``.

    Raises:
        FileExistsError: If ``out`` exists.
        FileNotFoundError: If there are no labels or no videos.
        ValueError: If no video qualifies, or the share is none.
    """
    if not 0 < share <= 1:
        raise ValueError(f'share must lie in (0, 1], got {share}')
    videos, out = Path(videos), Path(out)
    if out.exists():
        raise FileExistsError(f'{out} exists: remove it, or name another folder')
    files = [videos / name for name in find_files(videos, VIDEO_EXTENSIONS)]
    if not files:
        raise FileNotFoundError(f'{videos}: no videos here')
    times = _times_of_day(Path(labels))
    chosen = [file for file in files if times.get(file.stem) == timeofday]
    if not chosen:
        raise ValueError(
            f'{labels}: none of the {len(files)} videos of {videos} is labelled {timeofday!r}; '
            f'there are {", ".join(sorted(set(times.values()))) or "no times of day"}'
        )
    count = max(round(share * len(chosen)), 1)
    drawn = np.random.default_rng(seed).permutation(len(chosen))[:count]
    with replacing_folder(out) as folder:
        for index in drawn:
            target = os.path.relpath(chosen[index].resolve(), out.resolve().parent)
            (folder / chosen[index].name).symlink_to(os.path.join('..', target))
    unlabelled = sum(file.stem not in times for file in files)
    left_out = len(files) - count - unlabelled
    return Counter(linked=count, left_out=left_out, unlabelled=unlabelled)


def _times_of_day(path: Path) -> dict[str, str]:
    """Frame's name without its end to time of day."""
    try:
        frames = json.loads(path.read_text(encoding='utf-8'))
        frames = frames.get('frames', frames) if isinstance(frames, dict) else frames
        return {
            Path(frame['name']).stem: str((frame.get('attributes') or {}).get('timeofday'))
            for frame in frames
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path}: not a list of frames in Scalabel's format ({error})") from error
