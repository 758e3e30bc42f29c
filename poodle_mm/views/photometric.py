"""BYOL's colour distortion and blur, drawn for each frame of a pair (PooDLe §4.1; BYOL, app. B)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from poodle_mm.views.distort import Distortion, distort_batch, distort_each, distort_plain

_BY_ROLE = 'two probabilities in [0, 1], one for each role'


class PhotometricDistortion:
    """Random colour jitter, grayscale, blur and solarization of the two frames of a pair.

    The order is BYOL's: jitter (its four parts in random order), grayscale, blur, solarize. Blur
    and solarization have one probability for each of two roles; which frame plays which role is
    drawn per pair. BYOL's solarization, ``solarize_prob=(0.0, 0.2)``, is not named by PooDLe: off.

    By default the blur is stated at BYOL's image size 224 and scaled with the crop (our reading):
    at ``scale = min(H, W) / 224`` the standard deviation is ``sigma * scale`` pixels and the kernel
    is ``2 * floor(blur_kernel * scale / 2) + 1`` pixels wide (13 at 128, 53 at 512). The released
    code blurs in pixels of the crop, with a kernel of a tenth of each side: ``blur_reference=None,
    blur_kernel=0.1, blur_prob=(0.5, 0.5)``.

    Args:
        brightness, contrast, saturation: b; the factor is uniform in [1 - b, 1 + b].
        hue: h <= 0.5; the shift is uniform in [-h, h] turns of the colour wheel.
        jitter_prob: Probability of the four above together.
        grayscale_prob: Probability of grayscale.
        blur_prob: Probability of blur for the first and for the second role.
        blur_sigma: Range of the standard deviation, pixels at the reference size.
        blur_kernel: Width of the kernel: odd, pixels at the reference size; or below 1, a share of
            each side.
        blur_reference: Shorter side of the images for which the blur is stated, pixels; None:
            pixels of the image, whatever its size.
        solarize_prob: Probability of inverting all values above one half, by role.

    Raises:
        ValueError: If a value is out of range; names the key.
    """

    def __init__(
        self,
        brightness: float = 0.4,
        contrast: float = 0.4,
        saturation: float = 0.2,
        hue: float = 0.1,
        jitter_prob: float = 0.8,
        grayscale_prob: float = 0.2,
        blur_prob: tuple[float, float] = (1.0, 0.1),
        blur_sigma: tuple[float, float] = (0.1, 2.0),
        blur_kernel: float = 23,
        blur_reference: int | None = 224,
        solarize_prob: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        factors = dict(brightness=brightness, contrast=contrast, saturation=saturation)
        a_size = blur_reference is None or blur_reference >= 1
        odd_or_share = blur_kernel % 2 == 1 if blur_kernel >= 1 else blur_kernel > 0
        for key, value, fits, rule in (
            *((key, value, _share(value), 'in [0, 1]') for key, value in factors.items()),
            ('hue', hue, 0 <= hue <= 0.5, 'in [0, 0.5]'),
            ('jitter_prob', jitter_prob, _share(jitter_prob), 'a probability in [0, 1]'),
            ('grayscale_prob', grayscale_prob, _share(grayscale_prob), 'a probability in [0, 1]'),
            ('blur_prob', blur_prob, _two_shares(blur_prob), _BY_ROLE),
            ('solarize_prob', solarize_prob, _two_shares(solarize_prob), _BY_ROLE),
            ('blur_sigma', blur_sigma, 0 < blur_sigma[0] <= blur_sigma[1], '0 < low <= high'),
            ('blur_kernel', blur_kernel, odd_or_share, 'odd pixels, or a share in (0, 1)'),
            ('blur_reference', blur_reference, a_size, 'pixels or None'),
        ):
            if not fits:
                raise ValueError(f'photometric.{key} must be {rule}, got {value}')
        self.ranges = {key: (1 - value, 1 + value) for key, value in factors.items()}
        self.ranges['hue'] = (-hue, hue)
        self.blur_sigma, self.blur_kernel = blur_sigma, blur_kernel
        self.blur_reference = blur_reference
        self.jitter_prob, self.grayscale_prob = jitter_prob, grayscale_prob
        self.blur_prob, self.solarize_prob = blur_prob, solarize_prob

    def draw(self, generator: torch.Generator) -> tuple[Distortion, Distortion]:
        """The distortions of frames t and t + Δ of one pair.

        Always takes the same number of values from the generator, whatever comes out.
        """
        roles = (0, 1) if torch.rand((), generator=generator) < 0.5 else (1, 0)
        values = torch.rand((2, 13), generator=generator).tolist()
        first, second = (self._distortion(role, v) for role, v in zip(roles, values))
        return first, second

    def _distortion(self, role: int, values: list[float]) -> Distortion:
        jittered, grey, blurred, sigma, solarized, *rest = values
        factors = [
            (key, low + (high - low) * value)
            for (key, (low, high)), value in zip(self.ranges.items(), rest[:4])
        ]
        order = sorted(range(4), key=rest[4:].__getitem__)
        low, high = self.blur_sigma
        return Distortion(
            jitter=tuple(factors[i] for i in order) if jittered < self.jitter_prob else (),
            grayscale=grey < self.grayscale_prob,
            sigma=low + (high - low) * sigma if blurred < self.blur_prob[role] else None,
            solarize=solarized < self.solarize_prob[role],
        )

    def apply(
        self, images: Tensor, distortions: Sequence[Distortion], plain: bool = False
    ) -> Tensor:
        """Distort images, each in its own way.

        Args:
            images: (N, 3, H, W) float32 in [0, 1].
            distortions: Distortion of each image.
            plain: By torchvision's own operations; the result is the same to 1e-6, or to rounding
                at the threshold of the solarization.

        Returns:
            (N, 3, H, W) float32 in [0, 1], a new tensor.
        """
        size = images.shape[-2:]
        scale = 1.0 if self.blur_reference is None else min(size) / self.blur_reference
        kernel = tuple(self._kernel(side, scale) for side in size)
        if plain:
            distort = distort_plain
        else:
            distort = distort_each if images.device.type == 'cpu' else distort_batch
        return distort(images, distortions, kernel, scale)

    def _kernel(self, side: int, scale: float) -> int:
        """Length of the blur's kernel along a side, pixels, odd."""
        length = self.blur_kernel * (side if self.blur_kernel < 1 else scale)
        return 2 * int(length / 2) + 1


def _share(value: float) -> bool:
    return 0 <= value <= 1


def _two_shares(values: tuple[float, float]) -> bool:
    return isinstance(values, Sequence) and len(values) == 2 and all(map(_share, values))
