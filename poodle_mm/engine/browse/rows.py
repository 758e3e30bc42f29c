"""What is measured of each pair, clip or image: a row of numbers."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from poodle_mm.datasets.filters import THUMBNAIL_SIZE, clip_has_scene_cut, mean_motion
from poodle_mm.datasets.remote.urls import is_url
from poodle_mm.datasets.video.reader import VideoReader
from poodle_mm.engine.browse.draws import Drawn
from poodle_mm.geometry.pair_measures import is_constant, pair_measures

STATIC_PIXELS = 1.0  # median length of the flow
STATIC_LEVELS = 1.0  # difference of thumbnails, as min_motion measures it
LEAST_VALID = 0.1
LEAST_DIFFERENCE, MOST_LEFT = 10.0, 0.95
SUSPECT_VALID, SUSPECT_LEFT = 0.5, 0.8  # of which the frames between are looked at


@dataclass
class Row:
    """Measures of one draw; None is what does not apply.

    Attributes:
        source: Path of the file below the data root.
        frames: Numbers of the frames.
        seconds: From the first to the last frame.
        difference: Mean difference of successive frames' thumbnails, grey levels.
        motion, valid, before, after: See :class:`~poodle_mm.geometry.pair_measures.PairMeasures`.
        fallback: Share of the subcrop pairs without a valid centre.
        area: Share of the frame that the crop (of images: the mean view) covers.
        aspect: Width over height of the crop in the frame.
        density: Source pixels per network pixel, the paper's pixel density; below 1 a crop is
            enlarged. Of several views the smallest.
        subcrop_density: The same of the smallest subcrop.
        static: The camera stands: the flow's median length is below ``STATIC_PIXELS``, or without
            flow the difference below ``STATIC_LEVELS``.
        unmatched: Less than ``LEAST_VALID`` is valid, or the warp leaves ``MOST_LEFT`` of a
            difference of at least ``LEAST_DIFFERENCE`` grey levels.
        cut: The frames match badly, and among the frames between one step stands out.
        constant: A frame is black or of one colour.
    """

    source: str
    frames: tuple[int, ...]
    seconds: float
    difference: float | None = None
    motion: float | None = None
    valid: float | None = None
    before: float | None = None
    after: float | None = None
    fallback: float | None = None
    area: float | None = None
    aspect: float | None = None
    density: float | None = None
    subcrop_density: float | None = None
    static: bool | None = None
    unmatched: bool | None = None
    cut: bool | None = None
    constant: bool = False

    @property
    def distance(self) -> int:
        """Frames from the first to the last."""
        return self.frames[-1] - self.frames[0]

    @property
    def flags(self) -> list[str]:
        """What is wrong with the pair, in words."""
        names = ('constant', 'cut', 'unmatched', 'static')
        return [name for name in names if getattr(self, name)]


def measure(drawn: Drawn) -> Row:
    """Measure a draw.

    Args:
        drawn: A pair, clip or image.
    """
    record = drawn.record
    times = record.timestamps
    row = Row(record.source_id, tuple(record.frame_ids), times[-1] - times[0])
    _measure_crops(row, drawn)
    views = drawn.views
    images = views['frames'] if isinstance(views, dict) else _tensors(record.frames)
    row.constant = bool(is_constant(images).any())
    if len({*record.frame_ids}) > 1 and (isinstance(views, dict) or views[0].dim() > 3):
        row.difference = mean_motion(record.frames)
        row.static = row.difference < STATIC_LEVELS
    if isinstance(views, dict) and 'flow' in views:
        _measure_flow(row, views)
        row.cut = row.unmatched = False
        row.static = row.motion < STATIC_PIXELS
        left = row.after / row.before if row.before >= LEAST_DIFFERENCE else 0.0
        if not row.constant and (row.valid < SUSPECT_VALID or left > SUSPECT_LEFT):
            row.cut = has_cut_between(record.source, record.frame_ids)
            row.unmatched = not row.cut and (row.valid < LEAST_VALID or left > MOST_LEFT)
    return row


def has_cut_between(source: str, frame_ids: tuple[int, ...]) -> bool:
    """Whether a step between two frames of a video stands out; False where it cannot be known.

    Two frames alone do not tell a cut from a sharp bend (docs/reliability.md). Frames in a folder
    have none between.
    """
    if not (is_url(source) or Path(source).is_file()) or frame_ids[-1] <= frame_ids[0]:
        return False
    with VideoReader(source) as video:
        between = video.thumbnails(frame_ids[0], frame_ids[-1], THUMBNAIL_SIZE)
    return clip_has_scene_cut(between, [i - frame_ids[0] for i in frame_ids])


def _measure_flow(row: Row, views: dict[str, Tensor]) -> None:
    parts = (views[name][:, None] for name in ('frames', 'flow', 'visible'))
    measures = pair_measures(*parts)
    for name, value in measures._asdict().items():
        setattr(row, name, float(value))
    if 'fallback' in views:
        row.fallback = float(views['fallback'].float().mean())
        x0, y0, x1, y1 = views['boxes'].unbind(-1)
        pixels = float(((x1 - x0) * (y1 - y0)).min())
        height, width = views['subcrops'].shape[-2:]
        if row.density is not None:
            row.subcrop_density = row.density * pixels / (height * width)


def _measure_crops(row: Row, drawn: Drawn) -> None:
    """Fill in area, aspect and density of the global crop, or of the views' own crops."""
    crops = list(drawn.record.crops)
    if drawn.crop_box is not None:
        crops = [(drawn.crop_box, tuple(drawn.views['frames'].shape[-2:]))]
    if not crops:
        return
    boxes = np.array([box for box, _ in crops], float)
    sizes = np.array([size for _, size in crops], float)
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    row.area = float((width * height).mean() / np.prod(drawn.record.ori_shape))
    row.aspect = float((width / height).mean())
    row.density = float((width * height / sizes.prod(axis=1)).min())


def _tensors(frames: list[np.ndarray]) -> Tensor:
    """Frames as (N, 3, H, W) in [0, 1], every fourth pixel: enough to see that they are black."""
    small = np.stack([frame[::4, ::4] for frame in frames])
    return torch.from_numpy(small).movedim(-1, 1) / 255
