"""What the video reader does with each container and codec, whole and damaged.

``python -m tests.test_datasets.test_video.reading_matrix docs/reliability.md`` writes the table
anew.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from poodle_mm.datasets.video.reader import FrameReadError, VideoReader
from tests.test_datasets.test_video.test_reader import FILES, OTHERS
from tests.test_datasets.video_factory import write_video

BEGIN, END = '<!-- reading matrix -->', '<!-- end of reading matrix -->'
CASES = {
    **{name: FILES[name] for name in ('b_frames.mp4', 'b_frames.mkv', 'b_frames.ts')},
    **{name: FILES[name] for name in ('open_gop.mp4', 'mpeg4.avi', 'mpeg4.mp4')},
    **OTHERS,
}
CODECS = {
    'libx264': 'H.264',
    'libx265': 'HEVC',
    'libsvtav1': 'AV1',
    'libvpx': 'VP8',
    'libvpx-vp9': 'VP9',
    'prores_ks': 'ProRes',
    'mjpeg': 'Motion JPEG',
    'mpeg4': 'MPEG-4 part 2',
    'mpeg2video': 'MPEG-2',
    'mpeg1video': 'MPEG-1',
    'wmv2': 'WMV 8',
}
WRONG = 2.0
"""Mean difference in grey levels from which on a frame counts as another picture."""


def sequential(path: Path) -> list[np.ndarray]:
    """All frames by FFmpeg from start to end."""
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format='rgb24') for frame in container.decode(video=0)]


def outcomes(path: Path, shown: list[np.ndarray], step: int = 1) -> Counter[str]:
    """Each ``step``-th frame read alone: ``right``, ``refused``, ``other`` or ``wrong``.

    ``other`` is the whole picture of another frame, ``wrong`` one that is not in the video.
    """
    found = Counter()
    order = np.random.default_rng(0).permutation(range(0, len(shown), step)).tolist()
    try:
        with VideoReader(path) as video:
            table = video.table
        with VideoReader(path, table) as video:
            for index in order:
                try:
                    image = video.read([index])[0]
                except (FrameReadError, IndexError):
                    found['refused'] += 1
                    continue
                if _same(image, shown[index]):
                    found['right'] += 1
                else:
                    other = any(_same(image, picture) for picture in shown)
                    found['other' if other else 'wrong'] += 1
    except FrameReadError:
        found['refused'] = len(order)
    return found


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and float(np.abs(a.astype(np.int16) - b).mean()) < WRONG


def damaged(path: Path, copies: int) -> Iterator[Path]:
    """Copies with three bits flipped between a tenth and nine tenths of the file."""
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for number in range(copies):
        data = bytearray(content)
        low, high = len(data) // 10, 9 * len(data) // 10
        for position in rng.integers(low, high, 3).tolist():
            data[position] ^= 1 << int(rng.integers(8))
        copy = path.with_name(f'damaged_{number}{path.suffix}')
        copy.write_bytes(data)
        yield copy


def row(name: str, folder: Path, copies: int) -> str:
    """One line of the table."""
    arguments = CASES[name]
    path = write_video(folder / name, **arguments)
    shown = sequential(path)
    whole = outcomes(path, shown)
    with VideoReader(path) as video:
        way = 'times' if video.table.packets is None else 'count'
        container = video._video.container.format.name.split(',')[0]
    hurt = sum((outcomes(copy, shown) for copy in damaged(path, copies)), Counter())
    kind = CODECS[arguments.get('codec', 'libx264')]
    kind += ', 10 bit' * ('10' in arguments.get('pix_fmt', ''))
    kind += ', B-frames' * bool(arguments.get('b_frames'))
    kind += ', open GOP' * ('open' in name)
    return (
        f'| {path.suffix} ({container}) | {kind} | {way} | {whole["right"]} of {len(shown)} | '
        f'{hurt["right"]} | {hurt["refused"]} | {hurt["other"]} | {hurt["wrong"]} |'
    )


def table(copies: int = 10) -> str:
    """The whole table in Markdown."""
    lines = [
        '| file | codec | found by | whole: right | damaged: right | refused | other | wrong |',
        '|---|---|---|---:|---:|---:|---:|---:|',
    ]
    with tempfile.TemporaryDirectory() as folder:
        lines += [row(name, Path(folder, name.replace('.', '_')), copies) for name in CASES]
    return '\n'.join(lines)


def main() -> None:
    """Put the table between its marks in a file."""
    path = Path(sys.argv[1])
    before, rest = path.read_text().split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f'{before}{BEGIN}\n{table()}\n{END}{after}')


if __name__ == '__main__':
    main()
