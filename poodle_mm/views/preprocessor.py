"""From a batch of frame pairs to the views that the network sees."""

from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

import torch
from mmengine.model import BaseDataPreprocessor
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from poodle_mm.catalog import IMAGENET_MEAN, IMAGENET_STD
from poodle_mm.datasets.collate import check_batch
from poodle_mm.geometry.affine import warp_affine
from poodle_mm.geometry.occlusion import visible_mask
from poodle_mm.geometry.warp import flip_pairs, strips
from poodle_mm.registry import MODELS
from poodle_mm.views.affine_views import RandomAffine
from poodle_mm.views.distort import Distortion
from poodle_mm.views.photometric import PhotometricDistortion
from poodle_mm.views.subcrops import FlowSubcrops

_DEFAULTS = MappingProxyType({})


@MODELS.register_module()
class FramePairPreprocessor(BaseDataPreprocessor):
    """Flow, occlusion, augmentation and subcrops of frame pairs, batched on the model's device.

    The flow is estimated on the crops before augmentation. The frames are then distorted
    photometrically; the subcrops are cut from these, and the dense views are drawn from these by a
    random affine map. All of it is float32 without gradient, also under autocast.

    Every random value of a pair is drawn on the CPU from a generator seeded with its
    ``data_samples[i].seed``: the views of a pair do not depend on the device, nor on the pairs
    beside it in the batch, nor on workers and ranks.

    Args:
        flow: The flow estimator or its config.
        occlusion: Arguments ``alpha1`` and ``alpha2`` of the forward-backward check. Samples that
            carry an exact ``visible`` mask are not checked.
        photometric: Arguments of :class:`PhotometricDistortion`, or None: no distortion.
        affine: Arguments of :class:`RandomAffine`, or None: the identity.
        subcrops: Arguments of :class:`FlowSubcrops`, or None: no subcrops, as with ``num=0``. Two
            more: ``photometric``, arguments of a distortion of each subcrop on top of the frame's,
            and ``blur``: ``'frame'`` cuts the subcrops from the blurred frame, so that the smallest
            are blurred most; ``'subcrop'`` blurs each by the frame's blur after it was cut, at its
            own size.
        flip_prob: Probability of mirroring the whole pair, left to right.
        mean, std: RGB of the normalisation, for images in [0, 1].
        divisor: The crop's height and width must be multiples of it: the encoder's stride.
        non_blocking: Copy the batch to the device asynchronously.
        plain: Distort and cut by torchvision's own operations, one image after the other. Slower,
            and the same images to 1e-5: for comparison.

    Raises:
        ValueError: If a value is out of range; names the key.
    """

    def __init__(
        self,
        flow: dict | nn.Module,
        occlusion: Mapping = _DEFAULTS,
        photometric: Mapping | None = _DEFAULTS,
        affine: Mapping | None = _DEFAULTS,
        subcrops: Mapping | None = _DEFAULTS,
        flip_prob: float = 0.0,
        mean: tuple[float, float, float] = IMAGENET_MEAN,
        std: tuple[float, float, float] = IMAGENET_STD,
        divisor: int = 32,
        non_blocking: bool = True,
        plain: bool = False,
    ) -> None:
        super().__init__(non_blocking)
        if max(mean) > 1 or not 0 < min(std) <= max(std) <= 1:
            raise ValueError(f'mean {mean} and std {std} must be those of images in [0, 1]')
        if not 0 <= flip_prob <= 1:
            raise ValueError(f'flip_prob must be a probability in [0, 1], got {flip_prob}')
        if not occlusion.keys() <= {'alpha1', 'alpha2'}:
            raise ValueError(f'occlusion takes alpha1 and alpha2, got {dict(occlusion)}')
        self.flow = flow if isinstance(flow, nn.Module) else MODELS.build(flow)
        self.occlusion = dict(occlusion)
        self.photometric = _build(PhotometricDistortion, photometric)
        self.affine = _build(RandomAffine, affine)
        subcrops = dict(num=0) if subcrops is None else dict(subcrops)
        self.subcrop_photometric = _build(PhotometricDistortion, subcrops.pop('photometric', None))
        self.subcrop_blur = subcrops.pop('blur', 'frame')
        if self.subcrop_blur not in ('frame', 'subcrop'):
            raise ValueError(
                f"subcrops.blur must be 'frame' or 'subcrop', got {self.subcrop_blur!r}"
            )
        self.subcrops = FlowSubcrops(**subcrops)
        self.flip_prob = flip_prob
        self.divisor, self.plain = divisor, plain
        self.register_buffer('mean', torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std).view(3, 1, 1), persistent=False)

    @property
    def num_subcrops(self) -> int:
        """K, pairs of subcrops per pair of frames."""
        return self.subcrops.num

    @torch.no_grad()
    def forward(self, data: dict, training: bool = False) -> dict:
        """Make the views.

        Args:
            data: ``dict(inputs=uint8 (B, 2, 3, H, W), data_samples=[FramePairSample] * B)``.
            training: False leaves out all augmentation: dense views and subcrops show the frames
                as they are, the affine maps are the identity. The boxes are drawn all the same.

        Returns:
            ``dict(inputs=views, data_samples=...)``, ``views`` as listed in
            ``docs/architecture.md``.

        Raises:
            ValueError: If the crops are no multiple of ``divisor`` or a sample has no seed.
        """
        data = self.cast_data(data)
        inputs, samples = data['inputs'], data['data_samples']
        check_batch(inputs, samples, self.divisor, type(self).__name__)
        with torch.autocast(inputs.device.type, enabled=False):
            frames = inputs.transpose(0, 1).to(torch.float32, memory_format=torch.contiguous_format)
            views = self._views(frames.div_(255), samples, training)
        return dict(inputs=views, data_samples=samples)

    def _views(
        self, frames: Tensor, samples: Sequence[BaseDataElement], training: bool
    ) -> dict[str, Tensor]:
        size = tuple(frames.shape[-2:])
        for_flip, for_photometric, for_affine, for_subcrops = _generators(samples, parts=4)

        flow = torch.stack(self.flow(*frames, samples))
        visible = self._visible(flow, samples)
        if training and self.flip_prob:
            flipped = torch.cat([torch.rand(1, generator=g) for g in for_flip]) < self.flip_prob
            frames, flow, visible = flip_pairs(flipped, frames, flow, visible)

        distorted = frames.flatten(0, 1)
        distortions = None
        if training and self.photometric is not None:
            drawn = [self.photometric.draw(g) for g in for_photometric]
            distortions = [*chain(*zip(*drawn))]  # frame, sample: as the images lie
        blur_later = distortions and self.subcrops.num and self.subcrop_blur == 'subcrop'
        if distortions:
            first = [d.without_blur for d in distortions] if blur_later else distortions
            distorted = self.photometric.apply(distorted, first, self.plain)

        cut = {}
        if self.subcrops.num:
            blurs = [d.from_blur_on for d in distortions] if blur_later else None
            cut = self._subcrops(distorted, flow, visible, for_subcrops, blurs, training)
            if blurs:
                distorted = self.photometric.apply(distorted, blurs, self.plain)

        # The frames stay as they are; distorted ones are not needed any more.
        dense = self._normalise_(distorted if distortions else distorted.clone())
        affine = torch.eye(2, 3, device=frames.device).repeat(len(dense), 1, 1)
        if training and self.affine and not self.affine.is_identity:
            drawn = [self.affine.draw(g, size) for g in for_affine]
            affine = torch.stack(drawn, dim=1).flatten(0, 1)
            affine = affine.to(frames.device, non_blocking=True)
            # After the normalisation: what lies outside of the crop is zero, as a convolution's
            # own padding is.
            dense = warp_affine(dense, affine)

        dense, affine = (x.unflatten(0, frames.shape[:2]) for x in (dense, affine))
        return dict(frames=frames, dense=dense, affine=affine, flow=flow, visible=visible, **cut)

    def _visible(self, flow: Tensor, samples: Sequence[BaseDataElement]) -> Tensor:
        """(2, B, H, W) bool; a sample's exact mask goes before the forward-backward check."""
        visible = flow.new_empty((*flow.shape[:2], *flow.shape[-2:]), dtype=torch.bool)
        checked = [i for i, sample in enumerate(samples) if 'visible' not in sample]
        if checked:
            which = slice(None)
            if len(checked) < len(samples):
                which = torch.tensor(checked).to(flow.device, non_blocking=True)
            there, back = flow[:, which]
            visible[0, which] = visible_mask(there, back, **self.occlusion)
            visible[1, which] = visible_mask(back, there, **self.occlusion)
        for mask, sample in zip(visible.unbind(1), samples):
            if 'visible' in sample:
                if sample.visible.shape != mask.shape:
                    raise ValueError(
                        f'{sample.get("source")}: the visible mask has shape '
                        f'{tuple(sample.visible.shape)}, the crops need {tuple(mask.shape)}'
                    )
                mask.copy_(sample.visible)
        return visible

    def _subcrops(
        self,
        frames: Tensor,
        flow: Tensor,
        visible: Tensor,
        generators: Sequence[torch.Generator],
        blurs: Sequence[Distortion] | None,
        training: bool,
    ) -> dict[str, Tensor]:
        """Subcrops of both directions from (2B, 3, H, W) frames, with their boxes."""
        pairs = self.subcrops.pairs(flow, generators, visible)
        crops = self.subcrops.cut(frames, pairs.boxes, pairs.images(), self.plain)
        shape = crops.shape
        crops = crops.flatten(0, 3)
        if blurs:
            each = [blurs[i] for i in pairs.images().flatten().tolist()]
            crops = self.photometric.apply(crops, each, self.plain)
        if training and self.subcrop_photometric:
            _, directions, _, num = pairs.frames.shape
            drawn = [
                [[self.subcrop_photometric.draw(g) for _ in range(num)] for _ in range(directions)]
                for g in generators
            ]
            # Drawn sample by sample; the crops lie by role, direction, sample, pair.
            each = chain(*zip(*(pair for part in zip(*drawn) for own in part for pair in own)))
            crops = self.subcrop_photometric.apply(crops, [*each], self.plain)
        crops = self._normalise_(crops).view(shape)
        if self.subcrops.shared:  # the same pairs the other way round
            crops, pairs = torch.cat([crops.flip(0), crops], dim=1), pairs.both_ways()
        return dict(
            subcrops=crops, boxes=pairs.boxes, box_frames=pairs.frames, fallback=pairs.fallback
        )

    def _normalise_(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) images in [0, 1] to the network's input, in place."""
        for samples, rows in strips(images.shape, images.device):
            images[samples, :, rows].sub_(self.mean).div_(self.std)
        return images


def _generators(samples: Sequence[BaseDataElement], parts: int) -> list[list[torch.Generator]]:
    """For each part and sample its own: one part's options do not change what others draw."""
    seeds = [
        torch.randint(2**63 - 1, (parts,), generator=torch.Generator().manual_seed(sample.seed))
        for sample in samples
    ]
    by_part = torch.stack(seeds, dim=1).tolist()
    return [[torch.Generator().manual_seed(seed) for seed in part] for part in by_part]


def _build(kind: type, options: Mapping | None) -> Any:
    return None if options is None else kind(**options)
