"""PooDLe: one algorithm with three optional parts (decoder, dense head, pooled head)."""

import torch
from mmengine.model import BaseModel
from torch import Tensor, nn

from poodle_mm.checkpoints.encoder_checkpoint import check_pretrained
from poodle_mm.models.target_network import CosineMomentumEMA
from poodle_mm.registry import MODELS
from poodle_mm.utils.modules import last_map


@MODELS.register_module()
class PooDLe(BaseModel):
    """Pooled and dense self-supervised learning from pairs of video frames (PooDLe §3).

    FlowE is this class without ``neck`` and ``pooled_head``; every ablation row is a config.

    Args:
        backbone: Encoder; returns maps fine to coarse, the last one goes to the pooled head.
        neck: Spatial decoder, or None: the dense head then sits on the encoder's last map.
        dense_head: Config of :class:`DenseFlowHead`, or None.
        pooled_head: Config of :class:`PooledHead`, or None. It needs subcrops (K > 0).
        momentum: First momentum of the target network (BYOL: 0.996, rising to 1).
        channels_last: Keep images, maps and convolution weights in torch's channels-last memory
            format: the same numbers up to rounding, faster convolutions on most machines.
        data_preprocessor: Config of :class:`FramePairPreprocessor`.

    Attributes:
        of_pairs: Losses, valid share and fallback share of each pair in the last training step,
            (B,) each, without gradient; the step's own are their means.
    """

    def __init__(
        self,
        backbone: dict,
        neck: dict | None = None,
        dense_head: dict | None = None,
        pooled_head: dict | None = None,
        momentum: float = 0.996,
        channels_last: bool = False,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        if isinstance(data_preprocessor, dict):
            # With our registry: MMEngine's root would need the default scope to find our names.
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        if dense_head is None and pooled_head is None:
            raise ValueError('PooDLe needs a dense_head, a pooled_head or both')
        num_subcrops = getattr(self.data_preprocessor, 'num_subcrops', None)
        if num_subcrops == 0:
            pooled_head = None  # K = 0 switches the pooled part off
            if dense_head is None:
                raise ValueError(
                    'data_preprocessor.subcrops.num = 0 switches the pooled head off, and there '
                    'is no dense_head: nothing is left to train'
                )
        if neck and dense_head is None:
            raise ValueError('the neck feeds the dense head only: without one set neck=None')
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else None
        self.dense_head = MODELS.build(dense_head) if dense_head else None
        self.pooled_head = MODELS.build(pooled_head) if pooled_head else None
        self.memory_format = torch.channels_last if channels_last else torch.contiguous_format
        self.target = CosineMomentumEMA(self._online(), momentum)
        self.of_pairs: dict[str, Tensor] = {}

    def _online(self) -> nn.ModuleDict:
        """The online modules of which the target network is an average (no predictors)."""
        parts = dict(
            backbone=self.backbone,
            neck=self.neck,
            dense_projector=self.dense_head and self.dense_head.projector,
            pooled_projector=self.pooled_head and self.pooled_head.projector,
        )
        return nn.ModuleDict({name: part for name, part in parts.items() if part is not None})

    def init_weights(self) -> None:
        """Initialise or load the online weights, then copy them into the target network.

        Raises:
            ValueError: If a pretrained encoder's checkpoint lacks keys (see ``check_pretrained``).
        """
        super().init_weights()
        check_pretrained(self.backbone)
        # After the initialisation: random numbers fill the memory in its order.
        for child in self.children():
            if child is not self.data_preprocessor:
                child.to(memory_format=self.memory_format)
        self.target.copy_parameters(self._online())

    def update_target(self) -> None:
        """One EMA step of the target network; call it after each optimizer step."""
        self.target.update_parameters(self._online())

    def extract_feats(self, images: Tensor) -> tuple[Tensor, ...]:
        """Encoder maps of (N, 3, H, W) normalised images, and the decoder's map last, if any."""
        feats = tuple(self.backbone(images.contiguous(memory_format=self.memory_format)))
        return feats if self.neck is None else feats + tuple(self.neck(feats))

    def forward(
        self, inputs: dict | Tensor, data_samples: list | None = None, mode: str = 'loss'
    ) -> dict[str, Tensor] | tuple[Tensor, ...]:
        """``mode='loss'``: views of pairs to losses; ``mode='tensor'``: images to maps."""
        if mode == 'loss':
            return self.loss(inputs)
        if mode == 'tensor':
            return self.extract_feats(inputs)
        raise ValueError(f"PooDLe's forward knows the modes 'loss' and 'tensor', not {mode!r}")

    def loss(self, views: dict[str, Tensor]) -> dict[str, Tensor]:
        """Both objectives, symmetrised and summed with the heads' weights (appendix A: equal).

        Args:
            views: Output of :class:`FramePairPreprocessor` (see ``docs/architecture.md``).
        """
        predictions, targets = self.predict(views), self.targets(views)
        losses, pairs = {}, {}
        if self.dense_head:
            losses |= self.dense_head.loss(
                predictions['dense'],
                targets['dense'],
                views['affine'],
                views['flow'],
                views['visible'],
            )
            pairs |= self.dense_head.of_pairs
        if self.pooled_head:
            losses |= self.pooled_head.loss(predictions['pooled'], targets['pooled'])
            fallback = views['fallback'].float()
            losses['fallback_share'] = fallback.mean()
            subcrops = self.pooled_head.of_subcrops.unflatten(0, (fallback.shape[1], -1))
            pairs |= dict(loss_pool=subcrops.mean(1), fallback_share=fallback.mean((0, 2)))
        self.of_pairs = pairs
        return losses

    def predict(self, views: dict[str, Tensor]) -> dict[str, Tensor]:
        """The online pass: predictions of the heads that there are.

        Args:
            views: ``dense`` and ``affine`` for the dense head, ``subcrops`` for the pooled one.

        Returns:
            ``dense`` (2, B, C, h, w), [0] of the views of frames t, and ``pooled`` (2, N, C), of
            the N online subcrops of both directions.
        """
        predictions = {}
        if self.dense_head:
            images, affine = self._images(views['dense']), views['affine'].flatten(0, 1)
            feats = last_map(self.backbone, self.neck, images)
            stride = images.shape[-1] // feats.shape[-1]
            predictions['dense'] = self.dense_head.predict(feats, affine, stride)
        if self.pooled_head:
            feats = self.backbone(self._images(views['subcrops'][0]))[-1]
            predictions['pooled'] = self.pooled_head.predict(feats)
        return {name: x.unflatten(0, (2, -1)) for name, x in predictions.items()}

    @torch.no_grad()
    def targets(self, views: dict[str, Tensor]) -> dict[str, Tensor]:
        """The target network's projections of the same dense views and of the partner subcrops.

        Args:
            views: See :meth:`predict`.

        Returns:
            Same names and shapes as from :meth:`predict`, without gradient.
        """
        target, targets = self.target.module, {}
        if self.dense_head:
            images, affine = self._images(views['dense']), views['affine'].flatten(0, 1)
            feats = last_map(target['backbone'], target['neck'] if self.neck else None, images)
            stride = images.shape[-1] // feats.shape[-1]
            projections = target['dense_projector'](feats)
            targets['dense'] = self.dense_head.unwarp(projections, affine, stride)
        if self.pooled_head:
            feats = target['backbone'](self._images(views['subcrops'][1]))[-1]
            targets['pooled'] = target['pooled_projector'](feats)
        return {name: x.unflatten(0, (2, -1)) for name, x in targets.items()}

    def _images(self, views: Tensor) -> Tensor:
        """(..., 3, H, W) views as one batch."""
        return views.flatten(0, -4).contiguous(memory_format=self.memory_format)
