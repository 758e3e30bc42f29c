"""Three ways to distort images, with one result: plain, image by image, and batched."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as TF

from poodle_mm.geometry.warp import STRIP, constant
from poodle_mm.views.filters import (
    LUMA,
    blur_by_tiles_,
    brightness_,
    contrast_,
    gaussian_blur,
    grayscale_,
    hue_,
    luma,
    saturation_,
)

_IN_PLACE: dict[str, Callable[[Tensor, float | Tensor], Tensor]] = dict(
    brightness=brightness_,
    saturation=saturation_,
    hue=hue_,
    grayscale=lambda image, _: grayscale_(image),
)
_PLAIN = dict(
    brightness=TF.adjust_brightness,
    contrast=TF.adjust_contrast,
    saturation=TF.adjust_saturation,
    hue=TF.adjust_hue,
)


class Distortion(NamedTuple):
    """Operations on one image."""

    jitter: tuple[tuple[str, float], ...] = ()  # (operation, factor) in the order of application
    grayscale: bool = False
    sigma: float | None = None  # of the blur, pixels at its reference size
    solarize: bool = False

    @property
    def without_blur(self) -> 'Distortion':
        """The part before the blur: jitter and grayscale."""
        return self._replace(sigma=None, solarize=False)

    @property
    def from_blur_on(self) -> 'Distortion':
        """The rest: blur and solarization."""
        return Distortion(sigma=self.sigma, solarize=self.solarize)

    @property
    def colours(self) -> list[tuple[str, float]]:
        """Jitter and grayscale in the order of application."""
        return [*self.jitter, *[('grayscale', 1.0)] * self.grayscale]


def distort_plain(
    images: Tensor, distortions: Sequence[Distortion], kernel: tuple[int, int], scale: float
) -> Tensor:
    """torchvision's operations one after the other: the reference of the two ways below.

    The blur is called once for each axis: torchvision convolves with the full square kernel.

    Args:
        images: (N, 3, H, W) float32 in [0, 1].
        distortions: Distortion of each image.
        kernel: (height, width) of the blur's kernel in pixels of the images, odd.
        scale: Pixels of the image per pixel of ``Distortion.sigma``.

    Returns:
        (N, 3, H, W), a new tensor.
    """
    results = []
    for image, distortion in zip(images, distortions, strict=True):
        for name, factor in distortion.jitter:
            image = _PLAIN[name](image, factor)
        if distortion.grayscale:
            image = TF.rgb_to_grayscale(image, num_output_channels=3)
        if distortion.sigma is not None:
            sigma = [distortion.sigma * scale] * 2
            image = TF.gaussian_blur(image, [kernel[1], 1], sigma)
            image = TF.gaussian_blur(image, [1, kernel[0]], sigma)
        if distortion.solarize:
            image = TF.solarize(image, threshold=0.5)
        results.append(image)
    return torch.stack(results)


def distort_each(
    images: Tensor, distortions: Sequence[Distortion], kernel: tuple[int, int], scale: float
) -> Tensor:
    """:func:`distort_plain` for the CPU: in place and strip by strip.

    What was not drawn costs nothing, and colours touch the memory once, or twice with contrast,
    which needs the mean of the image as it is by then.
    """
    results = torch.empty_like(images)
    for image, distortion, result in zip(images, distortions, results, strict=True):
        _colour(image, distortion.colours, result)
        if distortion.sigma is not None:
            blur_by_tiles_(result, kernel, distortion.sigma * scale)
        if distortion.solarize:
            result.copy_(TF.solarize(result, threshold=0.5))
    return results


def _colour(image: Tensor, colours: list[tuple[str, float]], result: Tensor) -> None:
    """Write the (3, H, W) image with other colours into ``result``."""
    strips = result.split(max(1, STRIP // image.shape[-1]), dim=-2)
    names = [name for name, _ in colours]
    contrast = names.index('contrast') if 'contrast' in names else len(names)
    sums = torch.zeros(3)
    for source, strip in zip(image.split(strips[0].shape[-2], dim=-2), strips):
        strip.copy_(source)
        for name, factor in colours[:contrast]:
            _IN_PLACE[name](strip, factor)
        if contrast < len(names):
            sums += strip.sum((-1, -2))
    if contrast < len(names):
        factor = colours[contrast][1]
        mean = sum(w * s for w, s in zip(LUMA, sums.tolist())) / image[0].numel()
        for strip in strips:
            contrast_(strip, factor, mean)
            for name, other in colours[contrast + 1 :]:
                _IN_PLACE[name](strip, other)


def distort_batch(
    images: Tensor, distortions: Sequence[Distortion], kernel: tuple[int, int], scale: float
) -> Tensor:
    """:func:`distort_plain` for GPUs: images that do the same next do it together.

    The number of kernels that are launched does not grow with the batch.
    """
    results = images.clone()

    def together(which: dict[int, float], operation: Callable[[Tensor, Tensor], Tensor]) -> None:
        if which:
            index = torch.tensor([*which]).to(images.device, non_blocking=True)
            factor = constant([*which.values()], images)
            results[index] = operation(results[index], factor)

    colours = [distortion.colours for distortion in distortions]
    for step in range(max(map(len, colours), default=0)):
        at_step = {i: c[step] for i, c in enumerate(colours) if step < len(c)}
        for name in sorted({name for name, _ in at_step.values()}):
            operation = _contrast if name == 'contrast' else _IN_PLACE[name]
            together(
                {i: factor for i, (other, factor) in at_step.items() if other == name},
                lambda x, factor, operation=operation: operation(x, factor.view(-1, 1, 1, 1)),
            )
    together(
        {i: d.sigma * scale for i, d in enumerate(distortions) if d.sigma is not None},
        lambda x, sigma: gaussian_blur(x, kernel, sigma),
    )
    together(
        {i: 0.5 for i, d in enumerate(distortions) if d.solarize},
        lambda x, _: TF.solarize(x, threshold=0.5),
    )
    return results


def _contrast(images: Tensor, factor: Tensor) -> Tensor:
    return contrast_(images, factor, luma(images).mean((-1, -2), keepdim=True))
