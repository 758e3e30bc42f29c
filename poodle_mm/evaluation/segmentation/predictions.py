"""Masks that a trained readout predicts, beside the ground truth."""

from pathlib import Path

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from numpy.typing import NDArray

from poodle_mm.evaluation.mask_scores import class_areas
from poodle_mm.evaluation.trained_readout import TrainedReadout, build_readout, build_test_set


class MaskPredictor:
    """A readout on the labelled images that it was scored on.

    Args:
        readout: The readout.
        data_root: Folder of the data; None: where they were.
        device: Device of the model.

    Attributes:
        classes, palette: Names of the classes, and colours (RGB, 0 to 255).
        files: Image files.
    """

    def __init__(
        self,
        readout: TrainedReadout,
        data_root: str | Path | None = None,
        device: str | torch.device = 'cpu',
    ) -> None:
        self._data = build_test_set(readout, data_root)
        self._model = build_readout(readout, device)
        self.name = readout.name
        self.classes: tuple[str, ...] = tuple(self._data.metainfo['classes'])
        self.palette: list[list[int]] = self._data.metainfo['palette']
        self.files = [Path(self._data.get_data_info(k)['img_path']) for k in range(len(self._data))]

    @torch.no_grad()
    def __call__(self, index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Ground truth and prediction of an image, class ids (H, W) of the label's own size."""
        (sample,) = self._model.test_step(pseudo_collate([self._data[index]]))
        masks = sample.gt_sem_seg.data[0], sample.pred_sem_seg.data[0]
        return tuple(mask.cpu().numpy().astype(np.uint8) for mask in masks)

    def areas(self, index: int) -> NDArray[np.int64]:
        """Pixels of each class, see :func:`~poodle_mm.evaluation.mask_scores.class_areas`."""
        return class_areas(*self(index), len(self.classes))
