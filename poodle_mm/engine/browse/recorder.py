"""Notes of what a data set draws: the frames as they were read, and where crops were cut."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from torch.utils.data import Dataset

Box = tuple[int, int, int, int]


@dataclass
class Record:
    """What was drawn of a video, before any transform.

    Attributes:
        source, source_id, frame_ids, timestamps, ori_shape: Of ``FrameClipSample``.
        frames: uint8 RGB (H0, W0, 3) each.
        rejected: Draws that were thrown away before this one, by reason.
        crops: Edges (x0, y0, x1, y1) in the frame, and (H, W) to which the crop was resized.
    """

    source: str
    source_id: str
    frame_ids: tuple[int, ...]
    timestamps: tuple[float, ...]
    ori_shape: tuple[int, int]
    frames: list[np.ndarray]
    rejected: dict[str, int] = field(default_factory=dict)
    crops: list[tuple[Box, tuple[int, int]]] = field(default_factory=list)


class Recorder:
    """Listens to a data set of this process; what it draws stays as it is.

    Args:
        dataset: ``FrameClipDataset``, or a mixture of such.

    Raises:
        ValueError: If it is none.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._records: list[Record] = []
        self.parts = getattr(dataset, 'datasets', [dataset])
        for part in self.parts:
            if not hasattr(part, 'rule'):
                raise ValueError(
                    f'train_dataloader.dataset is a {type(part).__name__}: pairs can be browsed '
                    'of FramePairDataset, FrameClipDataset, and mixtures of them'
                )
            part.pipeline.transforms.insert(0, self._note)
            for transform in part.pipeline.transforms[1:]:
                self._listen(transform)

    def take(self) -> list[Record]:
        """The records since the last call, in the order of the draws."""
        records, self._records = self._records, []
        return records

    def _note(self, results: dict) -> dict:
        keys = ('source', 'source_id', 'frame_ids', 'timestamps', 'ori_shape')
        record = Record(*(results[key] for key in keys), list(results['frames']))
        record.rejected = results.get('rejected', {})
        self._records.append(record)
        return results

    def _listen(self, transform: object) -> None:
        """Follow pipelines of views down to their crops."""
        if hasattr(transform, 'rand_crop_params'):
            transform.rand_crop_params = self._with_note(transform)
        inner = [getattr(transform, name, None) for name in ('clip', 'local', 'crop')]
        for part in (*inner, *getattr(transform, 'pipelines', ())):
            for each in getattr(part, 'transforms', [part] if part is not None else []):
                self._listen(each)

    def _with_note(self, crop: object) -> Callable[[np.ndarray], tuple[int, int, int, int]]:
        """mmpretrain's draw of a crop, noted."""
        draw, size = crop.rand_crop_params, tuple(crop.scale)

        def noting(image: np.ndarray) -> tuple[int, int, int, int]:
            top, left, h, w = found = draw(image)
            box = (left, top, left + w, top + h)
            self._records[-1].crops.append((box, size))
            return found

        return noting
