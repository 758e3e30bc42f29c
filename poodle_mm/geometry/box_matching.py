"""Which predicted boxes find which true ones."""

import torch
from torch import Tensor
from torchvision.ops import box_iou


def match_boxes(
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor,
    true_boxes: Tensor,
    true_labels: Tensor,
    threshold: float = 0.5,
) -> Tensor:
    """Match predictions to the ground truth as COCO's metric does, the surest one first.

    A prediction takes, of the true boxes of its class that are still free, the one that it overlaps
    most, if their IoU reaches the threshold.

    Args:
        boxes: (N, 4), edges (x0, y0, x1, y1).
        scores: (N,).
        labels: (N,) class ids.
        true_boxes: (M, 4).
        true_labels: (M,).
        threshold: Smallest IoU of a match.

    Returns:
        int64 (N,): index of the true box that each prediction finds, -1 for a false one.
    """
    found = torch.full((len(boxes),), -1, dtype=torch.int64)
    if not len(boxes) or not len(true_boxes):
        return found
    overlap = box_iou(boxes.float(), true_boxes.float())
    overlap[labels[:, None] != true_labels[None]] = 0
    for k in scores.argsort(descending=True, stable=True).tolist():
        best, index = overlap[k].max(dim=0)
        if best >= threshold:
            found[k] = index
            overlap[:, index] = 0
    return found
