"""Labelled frames and cheap readouts of frozen features: k nearest neighbours, least squares."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from poodle_mm.catalog import IGNORE_INDEX
from poodle_mm.datasets.files import IMAGE_EXTENSIONS, find_files

_CHUNK = 1024  # queries at a time
_TEMPERATURE = 0.07  # of the votes, as in the k-NN evaluation of DINO


def find_labelled_frames(
    name: str,
    images: str | os.PathLike,
    labels: str | os.PathLike,
    img_suffix: str | None = None,
    seg_map_suffix: str = '.png',
    max_images: int = 100,
) -> list[tuple[Path, Path]]:
    """Pair images with labels by name; frames without a label file are left out.

    Args:
        name: Name of this set in error messages.
        images: Folder, searched with its subfolders.
        labels: Folder of the same structure.
        img_suffix: End of the images' names, which ``seg_map_suffix`` replaces; default the
            extension.
        seg_map_suffix: End of the labels' names.
        max_images: Number of frames, evenly spaced over all labelled ones.

    Returns:
        Image and label file of each frame.

    Raises:
        FileNotFoundError: If a folder is missing, or no image has a label.
    """
    for key, folder in dict(images=images, labels=labels).items():
        if not Path(folder).is_dir():
            raise FileNotFoundError(f'OnlineProbeHook {name}.{key}: no folder {folder}')
    names = find_files(images, (img_suffix,) if img_suffix else IMAGE_EXTENSIONS)
    pairs = []
    for image in names:
        stem = image[: -len(img_suffix)] if img_suffix else os.path.splitext(image)[0]
        label = Path(labels, stem + seg_map_suffix)
        if label.is_file():
            pairs.append((Path(images, image), label))
    if not pairs:
        raise FileNotFoundError(
            f'OnlineProbeHook {name}: none of the {len(names)} images in {images} has a label in '
            f'{labels}, for instance {label}; set img_suffix and seg_map_suffix'
        )
    chosen = np.linspace(0, len(pairs) - 1, min(max_images, len(pairs))).round().astype(int)
    return [pairs[n] for n in chosen]


def labels_at_cells(label: np.ndarray, cell: tuple[float, float]) -> np.ndarray:
    """Labels of the pixels in which the centres of a map's cells lie.

    Args:
        label: (H, W).
        cell: Width and height of a cell in pixels of the label (``apis.cell_size``).

    Returns:
        (ceil(H / height), ceil(W / width)); 255 where the centre lies outside of the image.
    """
    indices = []
    for extent, step in zip(label.shape, cell[::-1]):
        # a resized image's last cell ends at its edge up to rounding
        count = int(np.ceil(extent / step - 1e-6))
        indices.append(np.floor((np.arange(count) + 0.5) * step).astype(int))
    padding = [(0, max(0, index[-1] + 1 - extent)) for index, extent in zip(indices, label.shape)]
    return np.pad(label, padding, constant_values=IGNORE_INDEX)[np.ix_(*indices)]


def predict_knn(
    queries: Tensor, features: Tensor, labels: Tensor, num_classes: int, k: int = 20
) -> Tensor:
    """Vote of the ``k`` nearest labelled features, weighted by ``exp(cosine / 0.07)``.

    Args:
        queries: float (M, C).
        features: float (N, C) with ``labels`` int64 (N,).
        num_classes: Classes.
        k: Neighbours; at most N take part.

    Returns:
        int64 (M,); the lowest class on a tie.
    """
    bank = F.normalize(features, dim=1).T
    found = []
    for chunk in F.normalize(queries, dim=1).split(_CHUNK):
        cosine, index = (chunk @ bank).topk(min(k, len(features)), dim=1)
        votes = chunk.new_zeros(len(chunk), num_classes)
        # cosine - 1 changes no ratio and keeps the exponential small
        votes.scatter_add_(1, labels[index], ((cosine - 1) / _TEMPERATURE).exp())
        found.append(votes.argmax(dim=1))
    return torch.cat(found)


def predict_linear(
    queries: Tensor, features: Tensor, labels: Tensor, num_classes: int, ridge: float = 1e-3
) -> Tensor:
    """Ridge regression of one-hot labels with a bias, in closed form and float64.

    Args:
        queries: float (M, C).
        features: float (N, C) with ``labels`` int64 (N,).
        num_classes: Classes.
        ridge: Penalty of the weights relative to the mean variance of the features.

    Returns:
        int64 (M,).
    """
    features, targets = features.double(), F.one_hot(labels, num_classes).double()
    centre, mean = features.mean(dim=0), targets.mean(dim=0)
    features = features - centre
    gram = features.T @ features
    penalty = ridge * gram.diagonal().mean().clamp(min=1e-12)  # constant features
    gram.diagonal().add_(penalty)
    weights = torch.linalg.solve(gram, features.T @ (targets - mean))
    return ((queries.double() - centre) @ weights + mean).argmax(dim=1)


def segmentation_scores(
    predicted: Tensor, labels: Tensor, num_classes: int, classes: Sequence[str] = ()
) -> dict[str, float]:
    """``mIoU`` over the classes that occur in ``labels``, ``acc`` and ``IoU/<class>``, in percent.

    Args:
        predicted, labels: int64 (N,), ids below ``num_classes``.
        num_classes: Classes.
        classes: Names of the classes, for their IoU.
    """
    confusion = torch.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    confusion = confusion.reshape(num_classes, num_classes).double()
    hits, truth = confusion.diagonal(), confusion.sum(dim=1)
    iou = 100 * hits / (truth + confusion.sum(dim=0) - hits)
    present = truth > 0
    acc = 100 * hits.sum() / confusion.sum()
    scores = dict(mIoU=iou[present].mean().item(), acc=acc.item())
    return scores | {f'IoU/{c}': iou[n].item() for n, c in enumerate(classes) if present[n]}
