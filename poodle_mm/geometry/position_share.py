"""How much of dense features is the place in the image, not what is there."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor


def position_share(features: Iterable[Tensor]) -> float:
    """Share of the features' variance that lies between places of the image (ours).

    Every feature of every image is a place's mean plus a rest; the share is the variance of the
    means over the total, channels summed, corrected for the finite number of images: its expected
    value is 0 for features without any relation to their place. Images of one camera are above 0 by
    themselves (sky is above road); a network that reports where a pixel is approaches 1. A loss
    that compares the same place of two frames can be solved in part by such features.

    Args:
        features: Maps (C, h, w) of different images, all of one shape; at least two.

    Returns:
        0 to 1; slightly below 0 is possible by chance.

    Raises:
        ValueError: For fewer than two maps, maps of different shapes, or constant features.
    """
    count, total, squares = 0, None, None
    for feature in features:
        feature = feature.double()
        if total is None:
            total, squares = torch.zeros_like(feature), torch.zeros_like(feature)
        if feature.shape != total.shape:
            raise ValueError(
                f'map {count} has shape {tuple(feature.shape)}, the ones before '
                f'{tuple(total.shape)}: resize the images to one size'
            )
        total += feature
        squares += feature**2
        count += 1
    if count < 2:
        raise ValueError(f'the position share needs the maps of two images or more, got {count}')
    mean = total / count
    within = ((squares - count * mean**2) / (count - 1)).mean(dim=(1, 2)).sum()
    between = mean.flatten(1).var(dim=1, correction=0).sum() - within / count
    if not within + between > 0:
        raise ValueError('the features are constant: their variance has no shares')
    return float(between / (within + between))


class Agreement(NamedTuple):
    """Correlations of features that share their content, their place, or neither."""

    content: float
    place: float
    neither: float


def content_and_place(first: Tensor, second: Tensor, cells: int) -> Agreement:
    """Correlation of features of one content at two places, and of one place with two contents.

    :func:`position_share` mixes what pictures have at a place (sky is above) with what a network
    is told of it (by zero padding); two windows of one picture tell them apart. A network that
    sees content alone has 1 for the same content and no more for the same place than for neither,
    which is what pictures have in common over that distance; one that sees the place alone has 1
    for the same place and no more for the same content than for neither.

    Args:
        first: (N, C, h, w) maps of a window of each of N images.
        second: The same of windows that begin ``cells`` cells further to the right.
        cells: Distance of the windows, 1 to w - 1.

    Returns:
        Content: correlation over the cells whose content both windows show. Place: over the cells
        at the same place of both. Neither: over the cells of one window that are as far apart.
        Channels are centred on their means, and summed.

    Raises:
        ValueError: For maps of different shapes, no common content, or constant features.
    """
    if first.shape != second.shape or not 0 < cells < first.shape[-1]:
        raise ValueError(
            f'windows of {tuple(first.shape)} and {tuple(second.shape)}, {cells} cells apart, '
            'show nothing in common'
        )
    mean = torch.cat([first, second]).double().mean(dim=(0, 2, 3), keepdim=True)
    a, b = first.double() - mean, second.double() - mean
    return Agreement(
        content=_correlation(a[..., cells:], b[..., :-cells]),
        place=_correlation(a, b),
        neither=_correlation(
            torch.cat([a[..., cells:], b[..., cells:]]),
            torch.cat([a[..., :-cells], b[..., :-cells]]),
        ),
    )


def _correlation(a: Tensor, b: Tensor) -> float:
    scale = (a.square().sum() * b.square().sum()).sqrt()
    if not scale > 0:
        raise ValueError('the features are constant: they correlate with nothing')
    return float((a * b).sum() / scale)
