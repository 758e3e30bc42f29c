"""Bilinear look-up at points, and flow as a map of points."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

# Pixels of a strip (:func:`strips`): a dozen float32 planes of it fit into the cache of a core.
STRIP = 2**15


def constant(values: Sequence[float], like: Tensor) -> Tensor:
    """``like.new_tensor(values)``, without waiting for all that a GPU still has to do."""
    return torch.tensor(values, dtype=like.dtype).to(like.device, non_blocking=True)


def pixel_grid(
    size: tuple[int, int],
    device: torch.device | str | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Coordinates of all pixel centres.

    Args:
        size: (H, W).
        device: Device of the result.
        dtype: Floating type of the result.

    Returns:
        (H, W, 2); ``grid[v, u] == (u, v)``.
    """
    v, u = (torch.arange(n, device=device, dtype=dtype) for n in size)
    return torch.stack(torch.meshgrid(u, v, indexing='xy'), dim=-1)


def normalise_points(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Pixels to the [-1, 1] of ``grid_sample(..., align_corners=False)``.

    That setting puts -1 and 1 on the outer EDGES of the image, which is our convention of integer
    pixel centres, and unlike ``align_corners=True`` it is defined for an image of one pixel.

    Args:
        points: (..., 2) pixels.
        size: (H, W) of the image they refer to.
    """
    height, width = size
    return (2 * points + 1) / constant([width, height], points) - 1


def doubled_to_grid_(planes: Tensor, size: tuple[int, int]) -> Tensor:
    """:func:`normalise_points` in place, with the coordinates as planes.

    Args:
        planes: (B, 2, H', W') twice the points' (u, v), pixels.
        size: (H, W) of the image they refer to.

    Returns:
        The same tensor; ``planes.movedim(1, -1)`` is the grid, and needs no copy.
    """
    planes.add_(1)
    for plane, extent in zip(planes.unbind(1), reversed(size)):
        plane.div_(extent)
    return planes.sub_(1)


def strips(shape: Sequence[int], device: torch.device) -> Iterator[tuple[slice, slice]]:
    """Cut (B, C, H, W) tensors for elementwise work.

    A chain of operations on a CPU runs several times faster while its tensors stay in the cache;
    elsewhere few large kernels are better.

    Args:
        shape: (B, C, H, W).
        device: Device of the tensors.

    Yields:
        Slices of samples and rows, to index ``x[samples, :, rows]``.
    """
    batch, _, height, width = shape
    if device.type != 'cpu':
        yield slice(None), slice(None)
        return
    samples, rows = max(1, STRIP // (height * width)), max(1, STRIP // width)
    for sample in range(0, batch, samples):
        for row in range(0, height, rows):
            yield slice(sample, sample + samples), slice(row, row + rows)


def sample_bilinear(image: Tensor, points: Tensor) -> Tensor:
    """Bilinear look-up; points outside of the image read its border.

    Args:
        image: (B, C, H, W) float32 or float64.
        points: (B, ..., 2) pixels of ``image``.

    Returns:
        (B, C, ...) in the dtype of ``image``.
    """
    batch, channels = image.shape[:2]
    grid = normalise_points(points, image.shape[-2:]).to(image.dtype).reshape(batch, -1, 1, 2)
    values = F.grid_sample(image, grid, 'bilinear', 'border', align_corners=False)
    return values.reshape(batch, channels, *points.shape[1:-1])


def inside(points: Tensor, size: tuple[int, int], margin: float = 0) -> Tensor:
    """Points that lie between the outermost pixel centres: 0 <= u <= W - 1, 0 <= v <= H - 1.

    Args:
        points: (..., 2) pixels.
        size: (H, W).
        margin: Pixels beyond these centres that count, too; 1/2: up to the image's edges.

    Returns:
        (...) bool; False for NaN.
    """
    height, width = size
    u, v = points.unbind(-1)
    right, bottom = width - 1 + margin, height - 1 + margin
    return (u >= -margin) & (u <= right) & (v >= -margin) & (v <= bottom)


def warp_points(points: Tensor, flow: Tensor) -> Tensor:
    """Follow the flow: ``x + F(x)``.

    Args:
        points: (B, ..., 2) pixels of frame a, usually (B, K, 2).
        flow: (B, 2, H, W) from a to b, pixels; border values outside.

    Returns:
        (B, ..., 2) pixels of frame b; they may lie outside of it.
    """
    return points + sample_bilinear(flow, points).movedim(1, -1)


def crop_resize_flow(flow: Tensor, box: Tensor | Sequence[float], size: tuple[int, int]) -> Tensor:
    """Flow of a crop that was cut at the same place from both frames and then resized.

    Bilinear look-up, and the vectors are rescaled to pixels of the result.

    Args:
        flow: (2, H0, W0) or (B, 2, H0, W0), pixels of the H0 x W0 frame.
        box: (x0, y0, x1, y1) edges in the frame, one for all or (B, 4).
        size: (H, W) of the result.

    Returns:
        (2, H, W) or (B, 2, H, W), pixels of the H x W crop.

    Raises:
        ValueError: If a box is empty.
    """
    batched = flow if flow.dim() == 4 else flow[None]
    box = torch.as_tensor(box, dtype=flow.dtype).expand(len(batched), 4)
    if not bool((box[:, 2:] > box[:, :2]).all()):  # where it lies: numbers are not read back
        raise ValueError(
            f'crop box {box.tolist()} is empty: (x0, y0, x1, y1) needs x1 > x0, y1 > y0'
        )
    box = box.to(flow.device, non_blocking=True)
    origin, extent = box[:, :2], box[:, 2:] - box[:, :2]
    new_extent = constant(size[::-1], flow)
    origin, scale = origin[:, None, None], (extent / new_extent)[:, None, None]
    points = (pixel_grid(size, flow.device, flow.dtype) + 0.5) * scale + origin - 0.5
    result = sample_bilinear(batched, points) / scale[:, 0, 0, :, None, None]
    return result.reshape(*flow.shape[:-2], *size)


def flip_pairs(
    which: Tensor, frames: Tensor, flow: Tensor, visible: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Mirror some pairs of a batch left to right.

    Args:
        which: (B,) bool, the pairs to mirror.
        frames: (2, B, 3, H, W).
        flow: (2, B, 2, H, W) pixels, channels (du, dv).
        visible: (2, B, H, W) bool.

    Returns:
        Frames, flow and mask as given, mirrored where asked.
    """
    sign = constant([-1, 1], flow)[:, None, None]
    which = which.to(frames.device, non_blocking=True)[:, None, None]
    return (
        torch.where(which[..., None], frames.flip(-1), frames),
        torch.where(which[..., None], flow.flip(-1) * sign, flow),
        torch.where(which, visible.flip(-1), visible),
    )
