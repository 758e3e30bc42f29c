"""From a batch of frame pairs to what the training of flow sees."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.structures import BaseDataElement
from torch import Tensor
from torchvision.transforms.v2.functional import adjust_hue

from poodle_mm.datasets.collate import check_batch
from poodle_mm.geometry.warp import flip_pairs
from poodle_mm.registry import MODELS


@MODELS.register_module()
class FlowPairPreprocessor(BaseDataPreprocessor):
    """Frames as they are and with other colours, and exact flow where the samples have it.

    The network sees other colours, the same for both frames of a pair; the photometric losses
    compare the frames as they are (UFlow). Every random value of a pair comes from its seed.

    Args:
        channel_swap: Permute red, green and blue; all six orders are equally likely.
        hue: Range of the shift, in turns of the colour wheel: UFlow's is (-0.5, 0.5), that of
            PooDLe's authors (0, 0.5). None: none.
        gain: Multiply each frame by its own factor, uniform in [1 - gain, 1 + gain] (ours).
        flip_prob: Probability of mirroring the pair, left to right (ours).
        divisor: The crop's height and width must be multiples of it.
        non_blocking: Copy the batch to the device asynchronously.

    Raises:
        ValueError: If a value is out of range.
    """

    def __init__(
        self,
        channel_swap: bool = True,
        hue: tuple[float, float] | None = (-0.5, 0.5),
        gain: float = 0.0,
        flip_prob: float = 0.0,
        divisor: int = 32,
        non_blocking: bool = True,
    ) -> None:
        super().__init__(non_blocking)
        if hue is not None and not -0.5 <= hue[0] <= hue[1] <= 0.5:
            raise ValueError(f'FlowPairPreprocessor: hue must lie in [-0.5, 0.5], got {hue}')
        for key, value in (('gain', gain), ('flip_prob', flip_prob)):
            if not 0 <= value <= 1:
                raise ValueError(f'FlowPairPreprocessor: {key} must lie in [0, 1], got {value}')
        self.channel_swap = channel_swap
        self.hue = hue
        self.gain = gain
        self.flip_prob = flip_prob
        self.divisor = divisor

    @torch.no_grad()
    def forward(self, data: dict, training: bool = False) -> dict:
        """Make the views of a batch.

        Args:
            data: ``inputs`` uint8 (B, 2, 3, H, W) and ``data_samples``.
            training: Draw colours and mirrorings; else the frames stay as they are.

        Returns:
            ``inputs``: a dict of ``frames`` and ``augmented``, (2, B, 3, H, W) float32 in [0, 1],
            and, if all samples have them, ``flow`` (2, B, 2, H, W) and ``visible`` (2, B, H, W);
            ``data_samples`` as given.

        Raises:
            ValueError: If the shape is not that, or some samples only have flow.
        """
        data = self.cast_data(data)
        inputs, samples = data['inputs'], data['data_samples']
        self._check(inputs, samples)
        frames = (inputs.float() / 255).transpose(0, 1).contiguous()
        exact = {
            key: torch.stack([sample.get(key) for sample in samples], dim=1).to(frames.device)
            for key in ('flow', 'visible')
            if key in samples[0]
        }
        augmented = frames
        if training:
            draws = [self._draw(sample.seed) for sample in samples]
            which = torch.tensor([draw['flip'] for draw in draws])
            if which.any():
                size = (*frames.shape[:2], *frames.shape[-2:])
                flow = exact.get('flow', frames.new_zeros(()).expand(*size[:2], 2, *size[2:]))
                visible = exact.get('visible', torch.ones_like(frames[:, :, 0], dtype=torch.bool))
                frames, *flipped = flip_pairs(which, frames, flow, visible)
                exact = {k: v for k, v in zip(('flow', 'visible'), flipped) if k in exact}
            augmented = torch.stack(
                [self._recolour(frames[:, i], draw) for i, draw in enumerate(draws)], dim=1
            )
        return dict(inputs=dict(frames=frames, augmented=augmented, **exact), data_samples=samples)

    def _draw(self, seed: int) -> dict:
        """A pair's values; always as many, whatever the options."""
        generator = torch.Generator().manual_seed(seed)
        flip, hue, *gains = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
        low, high = self.hue or (0.0, 0.0)
        return dict(
            order=torch.randperm(3, generator=generator).tolist(),
            flip=flip < self.flip_prob,
            hue=low + (high - low) * hue,
            gains=[1 + self.gain * (2 * gain - 1) for gain in gains],
        )

    def _recolour(self, pair: Tensor, draw: dict) -> Tensor:
        """Both frames (2, 3, H, W) of a pair."""
        if self.channel_swap:
            pair = pair[:, draw['order']]
        if draw['hue']:
            pair = adjust_hue(pair, draw['hue'])
        if self.gain:
            gains = torch.tensor(draw['gains'], dtype=pair.dtype).to(pair.device)
            pair = (pair * gains[:, None, None, None]).clamp(0, 1)
        return pair

    def _check(self, inputs: Tensor, samples: Sequence[BaseDataElement]) -> None:
        name = type(self).__name__
        check_batch(inputs, samples, self.divisor, name)
        for key in ('flow', 'visible'):
            count = sum(key in sample for sample in samples)
            if count not in (0, len(samples)):
                raise ValueError(f'{name}: {count} of {len(samples)} samples have {key}')
