"""The soft census transform: comparing images by the order of neighbouring grey values.

Each pixel is described by the signs of its differences to its neighbours, made soft, which a change
of brightness leaves alone and of contrast nearly so. Constants are UFlow's (Jonschkowski et al.,
2020), after DDFlow and Meister et al. (2018).
"""

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import rgb_to_grayscale

SIGN_SOFTNESS = 0.81  # squared grey levels
DISTANCE_SOFTNESS = 0.1


def census_distance(a: Tensor, b: Tensor, patch: int = 7) -> Tensor:
    """Soft Hamming distance between the census descriptions of two images.

    With d the difference of a neighbour's grey level (0 to 255) to the pixel's, a description has
    ``c = d / sqrt(0.81 + d ** 2)`` for each of the ``patch ** 2 - 1`` neighbours, and the distance
    is the sum of ``e ** 2 / (0.1 + e ** 2)``, where e is the difference of the two c.

    On a CPU one neighbour follows the other, in tensors that fit its cache; elsewhere all of them
    go together, because a GPU would wait for thousands of small operations. The result is the same.

    Args:
        a: (B, 3, H, W) RGB in [0, 1].
        b: Same shape.
        patch: Side of the window, odd.

    Returns:
        (B, H - patch + 1, W - patch + 1): the pixels whose neighbours all lie in the image.

    Raises:
        ValueError: If ``patch`` is even or the images are smaller.
    """
    height, width = a.shape[-2:]
    if patch % 2 == 0 or patch < 3 or min(height, width) < patch:
        raise ValueError(
            f'census: patch must be odd, at least 3 and at most the side of the images '
            f'({height} x {width}), got {patch}'
        )
    grey = [255 * rgb_to_grayscale(x)[:, 0] for x in (a, b)]
    return (by_neighbour if a.device.type == 'cpu' else by_window)(*grey, patch)


def by_neighbour(a: Tensor, b: Tensor, patch: int) -> Tensor:
    """The distance of grey levels (B, H, W), neighbour by neighbour.

    A neighbour to the right describes the same difference as that one's neighbour to the left,
    with the other sign, so that half of the neighbours are enough.
    """
    height, width = a.shape[-2:]
    reach = patch // 2
    rows, columns = height - 2 * reach, width - 2 * reach
    total = a.new_zeros(len(a), rows, columns)
    for dv in range(reach + 1):
        for du in range(-reach if dv else 1, reach + 1):
            # from each pixel to its neighbour (u + du, v + dv), where both are in the image
            left, right = max(-du, 0), max(du, 0)
            here = (..., slice(0, height - dv), slice(left, width - right))
            there = (..., slice(dv, height), slice(left + du, width - right + du))
            distance = _soft_difference(*(_soft_sign(x[there] - x[here]) for x in (a, b)))
            row, column = reach, reach - left
            total = total + distance[:, row : row + rows, column : column + columns]
            row, column = reach - dv, reach - left - du
            total = total + distance[:, row : row + rows, column : column + columns]
    return total


def by_window(a: Tensor, b: Tensor, patch: int) -> Tensor:
    """The same in a few large operations, which keep twice as much for the backward pass."""
    inner = slice(patch // 2, -(patch // 2))
    grey = torch.stack([a, b])
    windows = grey.unfold(-2, patch, 1).unfold(-2, patch, 1)
    signs = _soft_sign(windows - grey[..., inner, inner, None, None])
    return _soft_difference(*signs).sum((-2, -1))


def _soft_sign(difference: Tensor) -> Tensor:
    return difference * torch.rsqrt(SIGN_SOFTNESS + difference.square())


def _soft_difference(a: Tensor, b: Tensor) -> Tensor:
    squared = (a - b).square()
    return squared / (DISTANCE_SOFTNESS + squared)
