"""Smoothness of flow, except across edges of the image."""

from torch import Tensor

from poodle_mm.geometry.robust import charbonnier


def edge_aware_smoothness(
    flow: Tensor, image: Tensor, order: int = 2, edge_weight: float = 150.0
) -> Tensor:
    """Mean size of the flow's first or second differences, less where the image has edges.

    Along each axis ``exp(-mean_c |edge_weight * dI|) * sqrt(dF ** 2 + 0.001 ** 2)``. For the second
    order dI is the difference of the two outer ones of three pixels.

    Args:
        flow: (B, 2, h, w) in cells.
        image: (B, C, h, w) on the grid of the flow, in [0, 1].
        order: 1 or 2.
        edge_weight: How fast an edge switches the penalty off.

    Returns:
        Scalar: mean of both axes, both channels and all cells.

    Raises:
        ValueError: For another order or grids that differ.
    """
    if order not in (1, 2):
        raise ValueError(f'order of the smoothness must be 1 or 2, got {order}')
    if flow.shape[-2:] != image.shape[-2:]:
        raise ValueError(
            f'flow of {tuple(flow.shape[-2:])} needs an image of that size, '
            f'got {tuple(image.shape[-2:])}'
        )
    terms = []
    for axis in (-1, -2):
        change = flow
        for _ in range(order):
            change = _difference(change, axis)
        edges = _difference(image, axis, order).abs().mean(1, keepdim=True)
        terms.append(((-edge_weight * edges).exp() * charbonnier(change)).mean())
    return (terms[0] + terms[1]) / 2


def _difference(x: Tensor, axis: int, step: int = 1) -> Tensor:
    size = x.shape[axis] - step
    return x.narrow(axis, step, size) - x.narrow(axis, 0, size)
