"""A clip and the objects that are tracked through it."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from poodle_mm.visualization.images import denormalised
from poodle_mm.visualization.panels import draw_columns


def draw_objects(
    frames: Tensor, masks: Tensor, seconds: Sequence[float] | None = None, how: str = ''
) -> Figure:
    """Draw a clip, a column a frame, and below it the frame as each object's mask leaves it.

    Args:
        frames: (T, 3, H, W), normalised by ImageNet's mean and deviation.
        masks: (T, K, H, W) in [0, 1].
        seconds: T times of the frames in their video.
        how: What the masks are of, for the legend.
    """
    frames, masks = frames.detach().float().cpu(), masks.detach().float().cpu()
    masked = [denormalised(frames * masks[:, k, None]) for k in range(masks.shape[1])]
    columns = {
        f'frame {t}' + (f', {seconds[t]:.2f} s' if seconds else ''): pictures
        for t, pictures in enumerate(zip(denormalised(frames), *masked))
    }
    left = ', '.join(f'{k + 1}. {masks[:, k].mean():.0%}' for k in range(masks.shape[1]))
    how = f'; {how}' if how else ''
    meaning = f'below the frames, a row an object: what its mask leaves ({left} of the frames){how}'
    return draw_columns(columns, lines=[(('#7c7467',), meaning)])
