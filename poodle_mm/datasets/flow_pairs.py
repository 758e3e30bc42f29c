"""Pairs of frames with true flow, from the data sets that flow is measured on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from torchvision.datasets import HD1K, FlyingChairs, Sintel

from poodle_mm.datasets.flow_files import read_flow_file
from poodle_mm.datasets.frame_pair_dataset import FramePairDataset
from poodle_mm.datasets.images import read_image
from poodle_mm.datasets.video.reader import VideoReader
from poodle_scenes.flow import exact_flow


@dataclass
class FlowPair:
    """Two frames and what is known of their flow.

    Attributes:
        name: Name of the pair.
        frames: Two uint8 RGB (H, W, 3).
        flow: Float32 (2, H, W) from the first to the second, (du, dv) in pixels; None: unknown.
        known: Bool (H, W): where.
        back: The same as ``flow``, from the second to the first, known everywhere; or None.
        visible: Bool (H, W): the pixel is seen in the second frame; None: unknown.
    """

    name: str
    frames: tuple[np.ndarray, np.ndarray]
    flow: np.ndarray | None = None
    known: np.ndarray | None = None
    back: np.ndarray | None = None
    visible: np.ndarray | None = None


class FlowPairs(Sequence[FlowPair]):
    """Pairs of a data set, read when they are asked for.

    Args:
        items: What ``read`` takes, one each.
        read: Reads one pair.
    """

    def __init__(self, items: Sequence, read: Callable[..., FlowPair]) -> None:
        self.items = list(items)
        self.read = read

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> FlowPair:
        return self.read(self.items[index])

    def spread(self, count: int | None) -> 'FlowPairs':
        """At most ``count`` of the pairs, evenly spread; None: all."""
        if count is not None and count < 1:
            raise ValueError(f'there must be at least one pair, got {count}')
        if count is None or count >= len(self):
            return self
        chosen = [self.items[int((i + 0.5) * len(self) / count)] for i in range(count)]
        return FlowPairs(chosen, self.read)


def open_flow_pairs(data: str, root: str | Path, **options) -> FlowPairs:
    """The pairs of a data set.

    Args:
        data: Key of ``FLOW_DATA``.
        root: Its folder; the layouts are those of torchvision's classes, from their inner folder
            on (``training/image_2`` for KITTI, ``training/clean`` for Sintel, ``data`` for
            FlyingChairs, ``hd1k_input`` for HD1K). ``'pairs'``: any folder of
            ``<name>_img1.*``, ``<name>_img2.*`` and ``<name>_flow.flo`` or ``.png``.
            ``'scenes'`` and ``'clips'``: a folder of videos, a pair of each scene or of each 4
            seconds, 0.5 to 1 s apart; the scenes have descriptions beside them.
        **options: Arguments of :class:`FramePairDataset` for ``'scenes'`` and ``'clips'``.

    Raises:
        FileNotFoundError: If nothing is there.
        ValueError: For an unknown data set.
    """
    if data not in FLOW_DATA:
        raise ValueError(f'flow data {data!r} is not one of {", ".join(FLOW_DATA)}')
    if not Path(root).is_dir():
        raise FileNotFoundError(f'{data}: there is no folder {root}')
    if options and data not in VIDEOS:
        raise ValueError(
            f'{", ".join(options)} are for {" and ".join(VIDEOS)}: the pairs of {data} are fixed'
        )
    pairs = FLOW_DATA[data](Path(root), **options)
    if not len(pairs):
        raise FileNotFoundError(
            f'{data}: no pairs with flow in {root}; docs/flow.md has the layout'
        )
    return pairs


def open_pair(
    files: Sequence[str | Path],
    frames: Sequence[int] | None = None,
    seconds: Sequence[float] | None = None,
) -> FlowPairs:
    """One pair without truth: two images, or two frames of a video.

    Args:
        files: Two images, or one video.
        frames: Numbers of the video's frames, from 0.
        seconds: Or times after its first frame: what is shown then.

    Raises:
        FileNotFoundError: If a file is missing.
        ValueError: If it is not that, the video has no such frames, or the images differ in size.
    """
    paths = [Path(file) for file in files]
    for path in paths:
        if path.is_dir():
            raise ValueError(
                f'{path} is a folder: put the kind of its data before it (a folder of videos: '
                f'clips {path}), or name one video or two images'
            )
        if not path.is_file():
            raise FileNotFoundError(f'there is no file {path}')
    if len(paths) == 2:
        images = read_image(paths[0]), read_image(paths[1])
        pair = FlowPair(f'{paths[0].name} - {paths[1].name}', images)
        first, second = (frame.shape[:2] for frame in pair.frames)
        if first != second:
            raise ValueError(f'the images differ in size: {first} and {second} (height, width)')
    elif len(paths) == 1 and (frames is None) != (seconds is None):
        with VideoReader(paths[0], threads=0) as reader:
            times = reader.timestamps
            if seconds is not None:
                frames = (np.searchsorted(times, np.add(seconds, 1e-6), side='right') - 1).tolist()
                outside = min(seconds) < 0 or max(seconds) > times[-1] + 1
            else:
                outside = min(frames) < 0 or max(frames) >= len(times)
            if outside:
                raise ValueError(
                    f'{paths[0]} has {len(times)} frames, 0 to {times[-1]:.2f} s, and not '
                    f'{seconds if seconds is not None else frames}'
                )
            pair = FlowPair(f'{paths[0].name} {frames[0]}-{frames[1]}', tuple(reader.read(frames)))
    else:
        raise ValueError('a pair is two images, or one video and two frame numbers or times of it')
    return FlowPairs([pair], lambda item: item)


def _read(item: tuple[Sequence[str], str]) -> FlowPair:
    """Images and flow by their paths; visibility where the data set has it beside the flow."""
    images, file = item
    flow, known = read_flow_file(file)
    frames = tuple(read_image(path) for path in images)
    visible = _visible(Path(file))
    _check_sizes(file, frames, flow, visible)
    return FlowPair(Path(images[0]).name, frames, flow, known, visible=visible)


def _check_sizes(
    source: str | Path,
    frames: Sequence[np.ndarray],
    flow: np.ndarray,
    visible: np.ndarray | None = None,
) -> None:
    """Refuse a pair whose parts differ in size: resized, it would be measured all the same."""
    size = frames[0].shape[:2]
    parts = {'second frame': frames[1].shape[:2], 'flow': flow.shape[-2:]}
    if visible is not None:
        parts['visibility'] = visible.shape
    for what, shape in parts.items():
        if shape != size:
            raise ValueError(
                f'{source}: {what} of {shape} (height, width), but the first frame has {size}'
            )


def _visible(flow: Path) -> np.ndarray | None:
    """KITTI has the flow of visible pixels on its own, Sintel images of occlusion."""
    if flow.parent.name == 'flow_occ':
        other = flow.parent.with_name('flow_noc') / flow.name
        return read_flow_file(other)[1] if other.is_file() else None
    if flow.parent.parent.name != 'flow':
        return None
    other = flow.parents[1].with_name('occlusions') / flow.parent.name / f'{flow.stem}.png'
    if not other.is_file():
        return None
    mask = cv2.imread(str(other), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise ValueError(f'{other} cannot be read as an image')
    return mask == 0


def _torchvision(kind: type, folder: str, **options) -> Callable[..., FlowPairs]:
    """Lists of a class of torchvision's, which wants a folder of its own name."""

    def build(root: Path) -> FlowPairs:
        parent = root if (root / folder).is_dir() else root.parent
        if not (parent / folder).is_dir():
            raise FileNotFoundError(f'{root}: name the folder {folder}, as torchvision does')
        dataset = kind(parent, **options)
        items = [*zip(dataset._image_list, dataset._flow_list)]
        for (first, _), flow in items:  # they are paired by their places in two listings
            if Path(first).stem.removesuffix('_img1') != Path(flow).stem.removesuffix('_flow'):
                raise ValueError(
                    f'{parent / folder} is not complete: {flow} would be the flow of {first}; '
                    'unpack the data set again'
                )
        return FlowPairs(items, _read)

    return build


def _kitti(images: str) -> Callable[..., FlowPairs]:
    def build(root: Path) -> FlowPairs:
        flows = sorted((root / 'training' / 'flow_occ').glob('*_10.png'))
        first = [root / 'training' / images / flow.name for flow in flows]
        pairs = [(path, path.with_name(path.name.replace('_10', '_11'))) for path in first]
        return FlowPairs([*zip(pairs, flows)], _read)

    return build


def _folder(root: Path) -> FlowPairs:
    items = []
    for first in sorted(root.rglob('*_img1.*')):
        stem = first.stem.removesuffix('_img1')
        second = first.with_name(f'{stem}_img2{first.suffix}')
        flows = [first.with_name(f'{stem}_flow{suffix}') for suffix in ('.flo', '.png')]
        if second.is_file() and (flow := next((f for f in flows if f.is_file()), None)):
            items.append(((first, second), flow))
    return FlowPairs(items, _read)


def _videos(root: Path, exact: bool, **options) -> FlowPairs:
    kind = (
        dict(source='videos') if exact else dict(source='clips', clip_seconds=4, pairs_per_clip=1)
    )
    options = kind | dict(delta=(0.5, 1.0), delta_unit='seconds') | options
    dataset = FramePairDataset(str(root), pipeline=[dict], test_mode=True, **options)

    def read(index: int) -> FlowPair:
        pair = dataset[index]
        first, second = pair['frame_ids']
        name = f'{pair["source_id"]} {first}-{second}'
        if not exact:
            return FlowPair(name, tuple(pair['frames']))
        description = Path(pair['source']).with_suffix('.json')
        flow, back, visible, _ = exact_flow(description, first, second)
        # what passes behind the camera has no place in the second frame
        known = np.hypot(*flow) < np.hypot(*visible.shape)
        _check_sizes(description, pair['frames'], flow)
        return FlowPair(name, tuple(pair['frames']), flow, known, back, visible)

    return FlowPairs(range(len(dataset)), read)


VIDEOS = ('scenes', 'clips')
FLOW_DATA: dict[str, Callable[..., FlowPairs]] = {
    'scenes': lambda root, **options: _videos(root, exact=True, **options),
    'clips': lambda root, **options: _videos(root, exact=False, **options),
    'kitti2012': _kitti('colored_0'),
    'kitti2015': _kitti('image_2'),
    'sintel-clean': _torchvision(Sintel, 'Sintel', pass_name='clean'),
    'sintel-final': _torchvision(Sintel, 'Sintel', pass_name='final'),
    'flyingchairs': _torchvision(FlyingChairs, 'FlyingChairs', split='val'),
    'hd1k': _torchvision(HD1K, 'hd1k'),
    'pairs': _folder,
}
