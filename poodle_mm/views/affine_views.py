"""The random reversible affine map of each dense view (PooDLe §3; FlowE)."""

import math

import torch
from torch import Tensor

from poodle_mm.geometry.affine import affine_matrix, mirror_affine


class RandomAffine:
    """Rotation and scaling about the centre, and a shift, drawn for each frame of a pair.

    Args:
        scale: Range of the magnification, uniform.
        angle: Range of the rotation in degrees, uniform; positive turns clockwise on the screen.
        flip_prob: Probability of mirroring a view left to right, each frame's on its own (released
            code: 0.5; the paper names no flip). The mirror is part of the matrix.
        translate: Greatest shift of a view, up, down or sideways, as a share of its height or
            width, uniform (ours). With it two views no longer show the same place of the crop at
            the same place of the view. What leaves a view has no part in the dense loss.

    Raises:
        ValueError: If a range is empty, a scale is not positive, or a shift leaves nothing; names
            the key.
    """

    def __init__(
        self,
        scale: tuple[float, float] = (0.9, 1.1),
        angle: tuple[float, float] = (-10, 10),
        flip_prob: float = 0.0,
        translate: float = 0.0,
    ) -> None:
        if not 0 < scale[0] <= scale[1]:
            raise ValueError(f'affine.scale must be 0 < low <= high, got {scale}')
        if not angle[0] <= angle[1]:
            raise ValueError(f'affine.angle must be low <= high (degrees), got {angle}')
        if not 0 <= flip_prob <= 1:
            raise ValueError(f'affine.flip_prob must be a probability in [0, 1], got {flip_prob}')
        if not 0 <= translate < 1:
            raise ValueError(f'affine.translate must be a share in [0, 1), got {translate}')
        self.scale, self.angle, self.flip_prob = scale, angle, flip_prob
        self.translate = translate

    @property
    def is_identity(self) -> bool:
        """Whether every view is its frame."""
        moves = (*self.angle, self.flip_prob, self.translate)
        return tuple(self.scale) == (1, 1) and not any(moves)

    def draw(self, generator: torch.Generator, size: tuple[int, int]) -> Tensor:
        """(2, 2, 3) float32: crop pixel to view pixel for frames t and t + Δ of one pair.

        Args:
            generator: Generator on the CPU.
            size: (H, W) of the crop.
        """
        value = torch.rand((2, 2), generator=generator)
        (low, high), (left, right) = self.scale, (math.radians(a) for a in self.angle)
        scale = low + (high - low) * value[:, 0]
        angle = left + (right - left) * value[:, 1]
        matrix = affine_matrix(angle, scale, size)
        if self.flip_prob:
            flipped = torch.rand(2, generator=generator) < self.flip_prob
            matrix = torch.where(flipped[:, None, None], mirror_affine(matrix, size), matrix)
        if self.translate:
            shift = self.translate * (2 * torch.rand((2, 2), generator=generator) - 1)
            matrix[..., 2] += shift * torch.tensor(size[::-1])
        return matrix
