"""UFlow's training, without labels or with exact flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from poodle_mm.flow.uflow.estimator import build_network, network_of, upsample_flow
from poodle_mm.flow.uflow.network import DECODED_LEVELS
from poodle_mm.flow.uflow.objectives import (
    CENSUS_BORDER,
    OCCLUSIONS,
    census_loss,
    centre_crop,
    distillation_loss,
    endpoint_loss,
    other,
    ssim_loss,
    visibility,
)
from poodle_mm.geometry.consistency import warp_image
from poodle_mm.geometry.smoothness import edge_aware_smoothness
from poodle_mm.registry import MODELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# UFlow's on KITTI; PooDLe's authors have ssim = 1 in place of the census loss.
WEIGHTS = dict(census=1.0, ssim=0.0, coarse=0.0, smooth1=0.0, smooth2=2.0, selfsup=0.6, epe=0.0)
OCCLUSION = dict(kind='forward_backward', alpha1=0.01, alpha2=0.5, begin=0.0)
SELFSUP = dict(begin=0.5, ramp=0.1, crop=(128, 128), sigma_teacher=0.003, sigma_student=0.03)
OBJECTIVES = dict(census=census_loss, ssim=ssim_loss)
SUPERVISION = dict(coarse=0.25, limit=400.0, hidden=0.2)
_DEFAULTS = MappingProxyType({})


@MODELS.register_module()
class UFlowTraining(BaseModel):
    """Train a network of UFlow's kind (Jonschkowski et al., 2020; PooDLe §4.3, app. A).

    The network sees pairs with other colours, the photometric losses compare the frames as they
    are, warped by the flow at their full size, where they are visible in each other. Smoothness is
    asked of the flow at 1/4. A checkpoint serves as ``flow=dict(type='UFlow', weights=FILE)``.

    Args:
        network: Name or arguments of the network, see
            :class:`~poodle_mm.flow.uflow.estimator.UFlow`.
        weights: Weights of the losses: ``census``, ``ssim``, ``smooth1`` and ``smooth2``
            (smoothness of first and second order), ``selfsup``, and ``epe``, the endpoint error
            where the samples have exact flow; and ``coarse``, that of the census and SSIM
            losses of each level's flow on small images (not UFlow's: without it a short training
            does not find long motion). Those not named keep UFlow's.
        occlusion: What is visible: ``kind`` (``'forward_backward'``, ``'wang'`` or None: all that
            lands inside the frame), ``alpha1`` and ``alpha2``, and ``begin``, the share of the
            training after which occluded pixels stop counting.
        edge_weight: How fast an edge of the image switches smoothness off.
        selfsup: Self-supervision: ``begin``, the share of the training after which it starts, and
            ``ramp``, that during which its weight rises; ``crop``, pixels (rows, columns) that the
            student does not see, half on each side, multiples of 8; ``sigma_teacher`` and
            ``sigma_student``, see :func:`consistency`.
        supervision: ``coarse``, weight of the coarser levels' endpoint errors, ``limit``, the
            longest motion that counts, in pixels, and ``hidden``, the weight of pixels that the
            samples know to be invisible in the other frame.
        level_dropout: Probability with which a level's context and flow (one draw), or the
            refinement, are zeroed for a pair.
        data_preprocessor: Config of
            :class:`~poodle_mm.flow.uflow.preprocessor.FlowPairPreprocessor`.

    Raises:
        ValueError: For an unknown key or a value out of range.
    """

    def __init__(
        self,
        network: str | dict = 'uflow',
        weights: Mapping[str, float] = _DEFAULTS,
        occlusion: Mapping = _DEFAULTS,
        edge_weight: float = 150.0,
        selfsup: Mapping = _DEFAULTS,
        supervision: Mapping = _DEFAULTS,
        level_dropout: float = 0.1,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        if data_preprocessor is None:
            data_preprocessor = dict(type='FlowPairPreprocessor')
        if isinstance(data_preprocessor, dict):
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.weights = _merged('weights', WEIGHTS, weights)
        self.occlusion = _merged('occlusion', OCCLUSION, occlusion)
        self.selfsup = _merged('selfsup', SELFSUP, selfsup)
        self.supervision = _merged('supervision', SUPERVISION, supervision)
        for key, value in self.weights.items():
            if value < 0:
                raise ValueError(f'UFlowTraining: weights.{key} must not be negative, got {value}')
        if not any(self.weights[key] for key in ('census', 'ssim', 'epe')):
            raise ValueError('UFlowTraining: without census, ssim and epe nothing is learned')
        if self.occlusion['kind'] not in (*OCCLUSIONS, None):
            raise ValueError(
                f'UFlowTraining: occlusion.kind must be one of {", ".join(OCCLUSIONS)} or None, '
                f'got {self.occlusion["kind"]!r}'
            )
        crop = self.selfsup['crop']
        if len(crop) != 2 or any(pixels % 8 or pixels < 0 for pixels in crop):
            raise ValueError(
                'UFlowTraining: selfsup.crop must be two multiples of 8 pixels, a cell of the flow '
                f'on each side, rows and columns, got {crop}'
            )
        if not 0 <= level_dropout < 1:
            raise ValueError(
                f'UFlowTraining: level_dropout must lie in [0, 1), got {level_dropout}'
            )
        self.edge_weight = edge_weight
        self.level_dropout = level_dropout
        self._network = network
        self.network = build_network(network)

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Sequence[BaseDataElement] | None = None,
        mode: str = 'loss',
    ) -> dict[str, Tensor] | Tensor:
        """Losses, or flow.

        Args:
            inputs: Views of the preprocessor.
            data_samples: The pairs' samples; their seeds draw the level dropout.
            mode: ``'loss'``, or ``'tensor'`` for the flow (2, B, 2, H, W) of the frames, pixels.
        """
        if mode == 'loss':
            return self.losses(inputs, data_samples or ())
        frames = inputs['frames']
        flow = torch.stack(self.network(*frames)).flatten(0, 1)
        return upsample_flow(flow, frames.shape[-2:]).unflatten(0, frames.shape[:2])

    def losses(
        self, views: Mapping[str, Tensor], samples: Sequence[BaseDataElement]
    ) -> dict[str, Tensor]:
        """The weighted losses, and what to watch: the visible share and the mean motion."""
        frames, augmented = views['frames'], views['augmented']
        self._check_crop(*frames.shape[-2:])
        keep, keep_student = self._keep(samples, frames)
        flows = self.network.flows(*augmented, keep)
        images, size = frames.flatten(0, 1), frames.shape[-2:]
        full = upsample_flow(flows[-1], size)
        progress = _progress()
        losses = dict(flow_pixels=full.detach().square().sum(1).sqrt().mean())

        mask = visibility(full, *self.occlusion_now())
        losses['visible_share'] = mask.mean()
        losses.update(self._photometric(images, full, mask))
        losses.update(self._coarse(images, flows, mask))
        for order in (1, 2):
            if weight := self.weights[f'smooth{order}']:
                small = F.adaptive_avg_pool2d(images, flows[-1].shape[-2:])
                smoothness = edge_aware_smoothness(flows[-1], small, order, self.edge_weight)
                losses[f'loss_smooth{order}'] = weight * smoothness
        if weight := self._selfsup_weight(progress):
            losses['loss_selfsup'] = weight * self._distil(frames, augmented, keep_student)
        if self.weights['epe']:
            if 'flow' not in views:
                raise ValueError(
                    'UFlowTraining: weights.epe needs samples with flow: put LoadSceneFlow or '
                    "LoadCachedFlow into the dataset's pipeline"
                )
            visible = views['visible'].flatten(0, 1) if 'visible' in views else None
            truth = views['flow'].flatten(0, 1)
            error = endpoint_loss(flows, truth, visible, **self.supervision)
            losses['loss_epe'] = self.weights['epe'] * error
        return losses

    def rename_weights(self, state: dict[str, Tensor], file: str) -> dict[str, Tensor]:
        """Names of this model for the network in a file that ``UFlow`` reads.

        Raises:
            ValueError: If it is another network.
        """
        if any(key.startswith('network.') for key in state):
            return state
        try:
            _, _, state = network_of(state, file, self._network)
        except ValueError as error:
            raise ValueError(f'{error}\nmodel.network is {self._network!r}') from None
        return {f'network.{key}': value for key, value in state.items()}

    def _photometric(self, images: Tensor, flow: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """The weighted losses of images (2B, 3, h, w) against the other ones, moved by the flow."""
        objectives = [(k, f) for k, f in OBJECTIVES.items() if self.weights[k]]
        if not objectives:
            return {}
        warped, landed = warp_image(other(images), flow)
        mask = mask * landed
        return {f'loss_{k}': self.weights[k] * f(images, warped, mask) for k, f in objectives}

    def _coarse(self, images: Tensor, flows: Sequence[Tensor], mask: Tensor) -> dict[str, Tensor]:
        """The photometric losses of each level's flow on images of twice its grid, up to 1/4."""
        losses: dict[str, Tensor] = {}
        if not self.weights['coarse']:
            return losses
        for flow in flows[:-1]:
            grid = [
                min(2 * side, last) for side, last in zip(flow.shape[-2:], flows[-1].shape[-2:])
            ]
            if min(grid) <= 2 * CENSUS_BORDER:  # nothing would be left of it
                continue
            small, seen = (F.adaptive_avg_pool2d(x, grid) for x in (images, mask[:, None]))
            found = self._photometric(small, upsample_flow(flow, grid), seen[:, 0])
            for key, value in found.items():
                key = f'{key}_coarse'
                losses[key] = losses.get(key, 0) + self.weights['coarse'] * value
        return losses

    def occlusion_now(self) -> tuple[str | None, float, float]:
        """Arguments of :func:`visibility` at this point of the training."""
        kind = self.occlusion['kind'] if _progress() >= self.occlusion['begin'] else None
        return kind, self.occlusion['alpha1'], self.occlusion['alpha2']

    def draw_pairs(self, batch: dict, iteration: int) -> Iterator[Figure]:
        """Pictures of a batch, see :func:`draw_training_pairs`."""
        # matplotlib takes a second to import
        from poodle_mm.flow.uflow.training_figure import draw_training_pairs

        return draw_training_pairs(self, batch, iteration)

    def _distil(self, frames: Tensor, augmented: Tensor, keep: Tensor | None) -> Tensor:
        """Self-supervision: the current network is the teacher, on the frames as they are."""
        rows, columns = self.selfsup['crop']
        with torch.no_grad():
            teacher = self.network.flows(*frames)[-1]
        crops = centre_crop(augmented.flatten(0, 1), (rows // 2, columns // 2))
        student = self.network.flows(*crops.chunk(2), keep)[-1]
        sigmas = (self.selfsup['sigma_student'], self.selfsup['sigma_teacher'])
        return distillation_loss(student, teacher, (rows // 8, columns // 8), *sigmas)

    def _check_crop(self, height: int, width: int) -> None:
        """Refuse a crop that takes the whole frame, from the first iteration on."""
        rows, columns = self.selfsup['crop']
        if self.weights['selfsup'] and not (rows < height and columns < width):
            raise ValueError(
                f'UFlowTraining: selfsup.crop = {rows, columns} leaves nothing of frames of '
                f'{height} x {width} pixels: give less, such as '
                f'model.selfsup.crop="({height // 32 * 8},{width // 32 * 8})", or '
                'model.weights.selfsup=0'
            )

    def _selfsup_weight(self, progress: float) -> float:
        done = progress - self.selfsup['begin']
        ramp = self.selfsup['ramp']
        share = min(done / ramp, 1.0) if ramp else 1.0
        return self.weights['selfsup'] * share if done >= 0 else 0.0

    def _keep(
        self, samples: Sequence[BaseDataElement], frames: Tensor
    ) -> tuple[Tensor | None, Tensor | None]:
        """Level dropout of the network and of the student, (5, B) bool each."""
        if not self.level_dropout or not self.training:
            return None, None
        draws = [
            torch.rand(
                (2, len(DECODED_LEVELS) + 1), generator=torch.Generator().manual_seed(s.seed ^ 1)
            )
            for s in samples
        ]
        keep = (torch.stack(draws, dim=-1) >= self.level_dropout).to(frames.device)
        return keep[0], keep[1]


def _progress() -> float:
    """Share of the training that is done; 0 outside of a runner."""
    hub = MessageHub.get_current_instance()
    done, of = (hub.runtime_info.get(key, 0) for key in ('iter', 'max_iters'))
    return done / of if of else 0.0


def _merged(key: str, defaults: Mapping, given: Mapping) -> dict:
    if unknown := set(given) - set(defaults):
        raise ValueError(
            f'UFlowTraining: {key} has no {", ".join(sorted(unknown))}; it has '
            f'{", ".join(defaults)}'
        )
    return {**defaults, **given}
