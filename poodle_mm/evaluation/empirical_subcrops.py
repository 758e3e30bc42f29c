"""What random subcrops of labelled images show (PooDLe, appendix C): hits and class labels.

Crops and subcrops are drawn as a pretraining draws them, without its flow: crops of an image's
aspect, subcrops of any place in the crop. An area is a share of the crop, an aspect width over
height in the image's pixels.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from poodle_mm.catalog import DataSet
from poodle_mm.datasets.label_files import read_classes
from poodle_mm.datasets.transforms.crop import Box, place_box
from poodle_mm.geometry.box_sums import box_areas, box_sums, summed_area
from poodle_mm.utils.progress import Progress

BACKGROUND = frozenset(
    ('road', 'sky', 'building', 'vegetation', 'sidewalk', 'fence', 'terrain', 'pavement', 'tree')
)
"""Background classes of the street's data sets (the paper's seven) and of CamVid."""
NO_OBJECT = frozenset(('wall',))
"""Foreground in Figure 11, but not among the objects of Figure 10b, as in the paper."""


@dataclass(frozen=True)
class SubcropDraws:
    """How crops and subcrops are drawn; the defaults are the paper's.

    Attributes:
        crops: Global crops an image.
        crop_area: Smallest and largest area of a crop, as a share of the image.
        subcrops: Subcrops a crop.
        area: Smallest and largest area of a subcrop, as a share of the crop.
        aspect: Smallest and largest width over height of a subcrop; its logarithm is uniform.
        hit: Least share of a subcrop with which a class counts as hit.
        foreground: A subcrop whose share of foreground is larger gets a foreground class.

    Raises:
        ValueError: For ranges without meaning, or subcrops that may not fit into the crop.
    """

    crops: int = 2
    crop_area: tuple[float, float] = (0.16, 0.45)
    subcrops: int = 4096
    area: tuple[float, float] = (0.02, 0.03)
    aspect: tuple[float, float] = (3 / 4, 4 / 3)
    hit: float = 0.05
    foreground: float = 0.1

    def __post_init__(self) -> None:
        if min(self.crops, self.subcrops) < 1:
            raise ValueError('at least one crop and one subcrop are needed')
        for name in ('crop_area', 'area'):
            low, high = getattr(self, name)
            if not 0 < low <= high <= 1:
                raise ValueError(f'{name} must be 0 < min <= max <= 1, got {(low, high)}')
        if not 0 < self.aspect[0] <= self.aspect[1]:
            raise ValueError(f'aspect must be 0 < min <= max, got {self.aspect}')


DRAWS = SubcropDraws()
"""The paper's."""


@dataclass(frozen=True)
class SubcropSimulation:
    """What was found in N crops with C classes.

    Attributes:
        images: Number of images.
        image_pixels: (C) share of each class of the pixels, averaged over the images.
        pixels: (N, C) share of each class of a crop's pixels.
        hits: (N, C) share of a crop's subcrops that hit the class.
        labels: (N, C) number of a crop's subcrops with that label.
    """

    images: int
    image_pixels: NDArray
    pixels: NDArray
    hits: NDArray
    labels: NDArray


def draw_boxes(rng: np.random.Generator, crop: Box, draws: SubcropDraws) -> NDArray[np.int64]:
    """Draw the subcrops of a crop: areas, then aspects, then places, all uniform.

    Args:
        rng: Source of the draws.
        crop: Edges (x0, y0, x1, y1) in pixels.
        draws: Number and ranges.

    Returns:
        (subcrops, 4) edges in whole pixels, inside of the crop.
    """
    x0, y0, x1, y1 = crop
    width, height = x1 - x0, y1 - y0
    pixels = rng.uniform(*draws.area, draws.subcrops) * width * height
    aspect = np.exp(rng.uniform(*np.log(draws.aspect), draws.subcrops))
    w = np.clip(np.rint(np.sqrt(pixels * aspect)), 1, width)
    h = np.clip(np.rint(np.sqrt(pixels / aspect)), 1, height)
    left = x0 + np.floor(rng.random(draws.subcrops) * (width - w + 1))
    top = y0 + np.floor(rng.random(draws.subcrops) * (height - h + 1))
    return np.stack([left, top, left + w, top + h], axis=1).astype(np.int64)


def label_subcrops(
    shares: NDArray, foreground: Collection[int], least: float = 0.1
) -> NDArray[np.int64]:
    """Class of each subcrop: the largest foreground class if there is enough, else background.

    Args:
        shares: (K, C) share of each class of a subcrop's pixels.
        foreground: Ids of the foreground classes; the others are background.
        least: Share of the foreground above which a subcrop is foreground.

    Returns:
        (K) ids; -1 for a subcrop that has no pixel of the kind to choose from.
    """
    is_foreground = np.isin(np.arange(shares.shape[1]), [*foreground])
    chosen = shares[:, is_foreground].sum(axis=1) > least
    # classes of the other kind cannot win
    own = np.where(is_foreground == chosen[:, None], shares, 0)
    return np.where(own.max(axis=1) > 0, own.argmax(axis=1), -1)


def simulate_subcrops(
    files: Sequence[Path],
    data: DataSet,
    foreground: Collection[int],
    draws: SubcropDraws = DRAWS,
    seed: int = 0,
) -> SubcropSimulation:
    """Draw crops and subcrops of label images, and count what they show.

    Args:
        files: Label images; an image's draws come from seed and place in this list.
        data: The data set they are of.
        foreground: Ids of the foreground classes.
        draws: Number and ranges of crops and subcrops.
        seed: Seed of the draws.

    Raises:
        LabelError: If a file is no label image of the data set.
    """
    count = data.num_classes
    image_pixels = np.zeros(count)
    pixels, hits, labels = (np.zeros((len(files) * draws.crops, count)) for _ in range(3))
    row = 0
    for index, file in enumerate(Progress(files, desc='subcrops', unit='image', leave=False)):
        label = read_classes(file, data)
        present = np.flatnonzero(np.bincount(label.ravel(), minlength=256)[:count])
        # one table of an image serves all of its crops; absent classes need none
        table = summed_area(torch.from_numpy(label == present.astype(np.uint8)[:, None, None]))
        image_pixels[present] += table[:, -1, -1].numpy() / label.size
        rng = np.random.default_rng((seed, index))
        for _ in range(draws.crops):
            crop, _ = place_box(rng, label.shape, rng.uniform(*draws.crop_area))
            boxes = torch.from_numpy(np.concatenate([[crop], draw_boxes(rng, crop, draws)]))
            found = np.zeros((len(boxes), count))
            found[:, present] = box_sums(table, boxes).double() / box_areas(boxes)[:, None]
            pixels[row], shares = found[0], found[1:]
            hits[row] = (shares >= draws.hit).mean(axis=0)
            chosen = label_subcrops(shares, foreground, draws.foreground)
            labels[row] = np.bincount(chosen[chosen >= 0], minlength=count)
            row += 1
    return SubcropSimulation(len(files), image_pixels / len(files), pixels, hits, labels)


def quantile_bins(sizes: NDArray, hits: NDArray, bins: int = 10) -> list[tuple[float, float, int]]:
    """Mean size and mean hit probability in bins of equally many objects, by rising size.

    Args:
        sizes, hits: Numbers of each object, of one shape; objects of size 0 do not count.
        bins: Number of bins: 10 are those between the 10 % quantiles.

    Returns:
        Size, hit probability and number of objects of each bin that is not empty.
    """
    there = sizes > 0
    order = np.argsort(sizes[there], kind='stable')
    parts = zip(*(np.array_split(values[there][order], bins) for values in (sizes, hits)))
    return [(float(s.mean()), float(h.mean()), len(s)) for s, h in parts if len(s)]


def relative_change(simulation: SubcropSimulation) -> tuple[NDArray, NDArray, NDArray]:
    """Class distribution of the subcrops' labels relative to that of the images' pixels.

    Returns:
        (C) shares of the labelled pixels, (C) shares of the labelled subcrops, and (C) relative
        change from the first to the second, NaN for a class without pixels.
    """
    by_pixels = simulation.image_pixels / max(simulation.image_pixels.sum(), 1e-12)
    labels = simulation.labels.sum(axis=0)
    by_subcrops = labels / max(labels.sum(), 1)
    change = np.full(len(by_pixels), np.nan)
    np.divide(by_subcrops, by_pixels, out=change, where=by_pixels > 0)
    return by_pixels, by_subcrops, change - 1
