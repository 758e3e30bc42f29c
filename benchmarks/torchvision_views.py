"""The views as one would write them with torchvision, in the data worker."""

import torch
from torch import Tensor
from torchvision.transforms import v2

from poodle_mm.catalog import IMAGENET_MEAN, IMAGENET_STD


class TorchvisionViews:
    """The usual way, in a data worker: ``torchvision.transforms.v2`` on each frame of a pair.

    The same distribution of operations, but for the subcrops, whose places follow no flow; and
    there is no visible mask.

    Args:
        kernel: Width of the blur's kernel.
        sigma: Range of the blur's standard deviation, pixels.
        num: Subcrops per frame.
        side: Size of the subcrops in pixels.
        pil: Work on PIL images.
    """

    def __init__(
        self, kernel: int, sigma: tuple[float, float], num: int, side: int, pil: bool = False
    ) -> None:
        self.num, self.pil = num, pil
        self.colours = v2.Compose(
            [
                v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8),
                v2.RandomGrayscale(0.2),
            ]
        )
        self.blur = v2.GaussianBlur(kernel, sigma)
        self.affine = v2.RandomAffine(
            10, scale=(0.9, 1.1), interpolation=v2.InterpolationMode.BILINEAR
        )
        self.crop = v2.RandomResizedCrop(side, scale=(0.05, 0.3), antialias=True)
        self.finish = v2.Compose(
            [
                v2.ToImage(),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
            ]
        )

    def __call__(self, pair: Tensor) -> tuple[Tensor, Tensor]:
        """(2, 3, H, W) uint8 to (2, 3, H, W) and (2, num, 3, side, side) float32."""
        probabilities = torch.tensor([1.0, 0.1])[torch.randperm(2)]
        dense, crops = [], []
        for frame, probability in zip(pair, probabilities):
            image = self.colours(v2.functional.to_pil_image(frame) if self.pil else frame)
            if torch.rand(()) < probability:
                image = self.blur(image)
            crops.append(torch.stack([self.finish(self.crop(image)) for _ in range(self.num)]))
            dense.append(self.finish(self.affine(image)))
        return torch.stack(dense), torch.stack(crops)
