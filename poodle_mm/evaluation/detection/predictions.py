"""Boxes that a trained detector predicts, beside the ground truth."""

from pathlib import Path
from typing import NamedTuple

import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor

from poodle_mm.evaluation.trained_readout import TrainedReadout, build_readout, build_test_set
from poodle_mm.geometry.box_matching import match_boxes


class Boxes(NamedTuple):
    """Boxes of an image.

    Attributes:
        boxes: float32 (N, 4), edges (x0, y0, x1, y1) in pixels of the image.
        labels: int64 (N,), class ids.
        right: bool (N,). Of predictions: whether they find a true box. Of true boxes: True.
    """

    boxes: Tensor
    labels: Tensor
    right: Tensor


class BoxPredictor:
    """A detector on the labelled images that it was scored on.

    Args:
        readout: The readout.
        data_root: Folder of the data; None: where they were.
        score: Boxes of a lower score are left out.
        device: Device of the model.

    Attributes:
        classes, palette: Names of the classes, and colours (RGB, 0 to 255).
        files: Image files.
    """

    def __init__(
        self,
        readout: TrainedReadout,
        data_root: str | Path | None = None,
        score: float = 0.3,
        device: str | torch.device = 'cpu',
    ) -> None:
        self._data = build_test_set(readout, data_root)
        self._model = build_readout(readout, device)
        self._score = score
        self.name = readout.name
        self.classes: tuple[str, ...] = tuple(self._data.metainfo['classes'])
        self.palette: list[tuple[int, ...]] = self._data.metainfo['palette']
        self.files = [Path(self._data.get_data_info(k)['img_path']) for k in range(len(self._data))]

    @torch.no_grad()
    def __call__(self, index: int) -> tuple[Boxes, Boxes]:
        """Ground truth, without what COCO ignores, and prediction of an image."""
        instances = self._data.get_data_info(index)['instances']
        instances = [own for own in instances if not own.get('ignore_flag')]
        boxes = torch.tensor([own['bbox'] for own in instances]).reshape(-1, 4).float()
        labels = torch.tensor([own['bbox_label'] for own in instances], dtype=torch.int64)
        truth = Boxes(boxes, labels, torch.ones(len(labels), dtype=torch.bool))
        (sample,) = self._model.test_step(pseudo_collate([self._data[index]]))
        found = sample.pred_instances.cpu()
        found = found[found.scores >= self._score]
        matches = match_boxes(found.bboxes, found.scores, found.labels, boxes, labels)
        return truth, Boxes(found.bboxes, found.labels, matches >= 0)
