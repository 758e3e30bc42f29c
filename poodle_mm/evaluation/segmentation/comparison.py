"""Several trained readouts on the same labelled images: their scores, and what to draw."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from poodle_mm.apis.features import load_image
from poodle_mm.evaluation.mask_scores import image_miou, ious, most_different, spread_over
from poodle_mm.evaluation.segmentation.predictions import MaskPredictor
from poodle_mm.evaluation.trained_readout import read_readouts
from poodle_mm.utils.progress import Progress
from poodle_mm.visualization.images import to_images
from poodle_mm.visualization.mask_figure import TRUTH


class Shown(NamedTuple):
    """An image with its masks: ``TRUTH`` and networks to class ids."""

    index: int
    image: NDArray
    masks: dict[str, NDArray]


class MaskComparison:
    """Several readouts on the same labelled images.

    Args:
        readouts: Arguments of :func:`~poodle_mm.evaluation.trained_readout.find_readouts`.
        data_root: Folder of the data; None: where they were.
        readout: Name of the readout, e.g. ``'linear'``, where a folder has several.
        candidates: Images that are looked at, evenly spread; the drawn ones are among them.
        device: Device of the models.

    Attributes:
        networks: Names to predictors.
        indices: The candidates' numbers.
        areas: Network to :func:`~poodle_mm.evaluation.mask_scores.class_areas` of the candidates.

    Raises:
        ValueError: If the readouts' images or classes differ.
    """

    def __init__(
        self,
        readouts: Sequence[str],
        data_root: str | Path | None = None,
        readout: str | None = None,
        candidates: int = 64,
        device: str = 'cpu',
    ) -> None:
        found = read_readouts(readouts, 'mmseg', readout)
        self.networks = {own.name: MaskPredictor(own, data_root, device) for own in found}
        first, *others = self.networks.values()
        for other in others:
            if (other.classes, other.files) != (first.classes, first.files):
                raise ValueError(f'{first.name} and {other.name} have other images or classes')
        self.classes, self.palette, self.files = first.classes, first.palette, first.files
        self.indices = spread_over(len(self.files), candidates)
        self.areas = {
            name: np.stack([own.areas(k) for k in Progress(self.indices, desc=name, leave=False)])
            for name, own in self.networks.items()
        }

    @property
    def mious(self) -> dict[str, float]:
        """Network to mIoU over the candidates, of the classes in ground truth or prediction."""
        return {name: float(np.nanmean(ious(own.sum(0)))) for name, own in self.areas.items()}

    def chosen(self, number: int, differing: bool) -> list[int]:
        """Candidates to be drawn: evenly spread, or where the networks' mIoU differs most."""
        if differing:
            return most_different([image_miou(own) for own in self.areas.values()], number)
        return spread_over(len(self.indices), number)

    def of_class(self, number: int, differing: bool) -> int | None:
        """Candidate on which a class is drawn; None if it never appears.

        That in which the class has its median size, or on which the networks differ most in it.
        """
        sizes = next(iter(self.areas.values()))[:, 1, number]
        there = np.flatnonzero(sizes)
        if not len(there):
            return None
        if differing:
            scores = [ious(own[there])[:, number] for own in self.areas.values()]
            return int(there[most_different(scores, 1)[0]])
        return int(there[np.argsort(sizes[there], kind='stable')[(len(there) - 1) // 2]])

    def show(self, candidate: int) -> Shown:
        """A candidate's image, and its masks at the size of its label."""
        index = self.indices[candidate]
        masks = {}
        for name, network in self.networks.items():
            masks[TRUTH], masks[name] = network(index)
        (image,) = to_images(load_image(self.files[index])[None])
        return Shown(index, image, masks)

    def text(self, drawn: str) -> str:
        """The line of text, with what is drawn in words."""
        scores = ', '.join(f'{name} {value:.1f}' for name, value in self.mious.items())
        return (
            f'{drawn} mIoU over {len(self.indices)} of the {len(self.files)} images in '
            f'{self.files[0].parent}: {scores} %.'
        )
