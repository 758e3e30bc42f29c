"""Where subcrops go more often: to what moves otherwise than the camera's surroundings."""

import torch
import torch.nn.functional as F
from torch import Tensor

from poodle_mm.geometry.boxes import points_in_cells
from poodle_mm.geometry.residual_flow import homography_residual, ring_residual
from poodle_mm.geometry.weighted_cells import cell_density, weighted_order, weighted_positions

RESIDUALS = ('homography', 'ring')


class MotionPrior:
    """A density of the subcrops' centres from the residual of the flow.

    The paper's future work (§6: "attend to interesting regions ..., e.g., using priors such as
    motion"); the rules are ours. A weight ``r / (r + scale)`` grows with the residual r and
    saturates, so that errors of the flow do not draw all subcrops.

    Args:
        residual: ``'homography'``: distance of the flow from the plane that most of the image
            follows (:func:`~poodle_mm.geometry.residual_flow.homography_residual`). ``'ring'``:
            from the median of the surroundings of a bin
            (:func:`~poodle_mm.geometry.residual_flow.ring_residual`).
        share: Share of the density that follows the weights; the rest is uniform, so that every
            place is drawn at times.
        bins: Bins of a cell in each direction; within a bin centres are uniform.
        scale: Residual of half the weight, a share of the crop's shorter side.

    Raises:
        ValueError: If a value is out of range; names the key.
    """

    def __init__(
        self, residual: str = 'homography', share: float = 0.9, bins: int = 4, scale: float = 0.05
    ) -> None:
        for key, value, fits, rule in (
            ('residual', residual, residual in RESIDUALS, f'one of {RESIDUALS}'),
            ('share', share, 0 <= share <= 1, 'in [0, 1]'),
            ('bins', bins, bins >= 1, 'at least 1'),
            ('scale', scale, scale > 0, 'above 0'),
        ):
            if not fits:
                raise ValueError(f'subcrops.motion.{key} must be {rule}, got {value!r}')
        self.residual, self.share, self.bins, self.scale = residual, share, bins, scale

    def weights(self, flow: Tensor, visible: Tensor | None, grid: tuple[int, int]) -> Tensor:
        """Weights of the places of the online frame, 0 to 1.

        Args:
            flow: (B, 2, H, W) from the online to the target frame, pixels.
            visible: (B, H, W) bool, pixels that are seen there; others have weight 0 and say
                nothing of the camera. None: all.
            grid: (rows, columns) of the cells.

        Returns:
            (B, h, w) float32: by pixel, or by bin.
        """
        scale = self.scale * min(flow.shape[-2:])
        if self.residual == 'homography':
            residual = homography_residual(flow, visible)
            return residual / (residual + scale)
        size = [cells * self.bins for cells in grid]
        known = flow.isfinite().all(dim=1, keepdim=True)
        if visible is not None:
            known &= visible[:, None]
        flow = torch.where(known, flow, 0.0)
        seen = F.adaptive_avg_pool2d(known.to(flow), size)
        mean = F.adaptive_avg_pool2d(flow, size) / seen.clamp(min=1e-6)
        residual = ring_residual(mean, seen[:, 0] > 0.5)
        return residual / (residual + scale)

    def starts(
        self,
        keys: Tensor,
        position: Tensor,
        flow: Tensor,
        visible: Tensor | None,
        grid: tuple[int, int],
    ) -> Tensor:
        """The points from which centres are chosen, by the density of each sample.

        Args:
            keys: (B, R, N) uniform in [0, 1), rounds and cells.
            position: (B, R, N, T, 2) uniform in [0, 1), draws in each cell.
            flow, visible, grid: See :meth:`weights`.

        Returns:
            (B, R, N, T, 2) pixels of the online frame, cells in order of use.
        """
        weights = self.weights(flow, visible, grid)
        density = cell_density(weights, grid, self.bins, self.share)
        cells = weighted_order(keys, density)
        index = cells[..., None, None].expand(*cells.shape, *density.shape[-2:])
        each = density[:, None].expand(-1, keys.shape[1], -1, -1, -1).gather(2, index)
        return points_in_cells(
            cells[..., None], weighted_positions(position, each), grid, flow.shape[-2:]
        )
