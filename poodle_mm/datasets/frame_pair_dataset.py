"""Pairs of frames from video, the training data of PooDLe: clips of two frames."""

from poodle_mm.datasets.frame_clip_dataset import FrameClipDataset
from poodle_mm.registry import DATASETS


@DATASETS.register_module()
class FramePairDataset(FrameClipDataset):
    """Two frames ``delta`` apart from each video, clip or numbered frame (PooDLe §4.1).

    Args:
        data_root, source, data_prefix: Arguments of :class:`FrameClipDataset`.
        delta: Distance of the two frames, a number or an inclusive (min, max). A pair starts at a
            frame uniform among those with a partner, and the partner is uniform. 0 gives the
            same frame twice.
        delta_unit: ``'frames'`` (numbers) or ``'seconds'``.
        **kwargs: Other arguments of :class:`FrameClipDataset`, of the source and of MMEngine's
            ``BaseDataset``.

    Raises:
        FileNotFoundError: If the root is missing or holds no file of the kind.
        ValueError: For a wrong argument, or if too many files are bad.
    """

    SPACING = 'delta'

    def __init__(
        self,
        data_root: str,
        source: str = 'videos',
        data_prefix: dict | None = None,
        delta: float | tuple[float, float] = (15, 30),
        delta_unit: str = 'frames',
        **kwargs,
    ) -> None:
        for key in ('num_frames', 'spacing', 'spacing_unit'):
            if key in kwargs:
                raise ValueError(
                    f'FramePairDataset has no argument {key!r}: its two frames are delta apart; '
                    'FrameClipDataset takes it'
                )
        super().__init__(
            data_root,
            source,
            data_prefix,
            num_frames=2,
            spacing=delta,
            spacing_unit=delta_unit,
            **kwargs,
        )
