"""PixPro: cells of two views that show the same place have the same features."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from torch import Tensor, nn

from poodle_mm.checkpoints.encoder_checkpoint import check_pretrained
from poodle_mm.geometry.pixel_propagation import mirrored_box
from poodle_mm.models.target_network import CosineMomentumEMA
from poodle_mm.registry import MODELS


@MODELS.register_module()
class PixPro(BaseModel):
    """Pixel-to-propagation consistency between two views of a frame.

    Propagate Yourself (https://arxiv.org/abs/2011.10043). Each view passes the networks by itself,
    so that batch norm sees one view at a time, as in the released code.

    Args:
        backbone: Encoder; returns maps fine to coarse.
        neck: Decoder, e.g. :class:`FeaturePyramid`, or None: the encoder's last map is the dense
            one.
        dense_head: Config of :class:`PixelPropagationHead`.
        pooled_head: Config of :class:`PooledHead` on the encoder's last map: the instance branch,
            which the released recipe leaves out. (There, the predictor runs before the average.)
        momentum: First momentum of the target network, rising to 1.
        data_preprocessor: Config of ``mmpretrain.SelfSupDataPreprocessor``.
    """

    def __init__(
        self,
        backbone: dict,
        dense_head: dict,
        neck: dict | None = None,
        pooled_head: dict | None = None,
        momentum: float = 0.99,
        data_preprocessor: dict | nn.Module | None = None,
        init_cfg: dict | list | None = None,
    ) -> None:
        if isinstance(data_preprocessor, dict):
            data_preprocessor = MODELS.build(data_preprocessor)
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.neck = MODELS.build(neck) if neck else None
        self.dense_head = MODELS.build(dense_head)
        self.pooled_head = MODELS.build(pooled_head) if pooled_head else None
        self.target = CosineMomentumEMA(self._online(), momentum)

    def _online(self) -> nn.ModuleDict:
        """The online modules of which the target network is an average."""
        parts = dict(
            backbone=self.backbone,
            neck=self.neck,
            dense_projector=self.dense_head.projector,
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
        self.target.copy_parameters(self._online())

    def update_target(self) -> None:
        """One EMA step of the target network; call it after each optimizer step."""
        self.target.update_parameters(self._online())

    def forward(
        self,
        inputs: Sequence[Tensor] | Tensor,
        data_samples: Sequence[BaseDataElement] | None = None,
        mode: str = 'loss',
    ) -> dict[str, Tensor] | tuple[Tensor, ...]:
        """``mode='loss'``: two views to losses; ``mode='tensor'``: images to the encoder's maps."""
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'tensor':
            return tuple(self.backbone(inputs))
        raise ValueError(f"PixPro's forward knows the modes 'loss' and 'tensor', not {mode!r}")

    def loss(
        self, inputs: Sequence[Tensor], data_samples: Sequence[BaseDataElement]
    ) -> dict[str, Tensor]:
        """Losses of a batch of frames.

        Args:
            inputs: Two views, each (B, 3, H, W), normalised.
            data_samples: B samples with ``crop_box`` and ``flip_direction``, an entry a view.

        Raises:
            ValueError: If a sample does not say where its views lie.
        """
        boxes = view_boxes(data_samples).to(inputs[0].device, non_blocking=True)
        predictions = self._stacked([self._predict(view) for view in inputs])
        with torch.no_grad():
            targets = self._stacked([self._project(view) for view in inputs])
        losses = self.dense_head.loss(predictions['dense'], targets['dense'], boxes)
        if self.pooled_head:
            losses |= self.pooled_head.loss(predictions['pooled'], targets['pooled'])
        return losses

    def _predict(self, images: Tensor) -> dict[str, Tensor]:
        """The heads' online predictions for one view of each frame."""
        maps = self.backbone(images)
        dense = maps[-1] if self.neck is None else self.neck(maps)[-1]
        predictions = dict(dense=self.dense_head.predict(dense))
        if self.pooled_head:
            predictions['pooled'] = self.pooled_head.predict(maps[-1])
        return predictions

    def _project(self, images: Tensor) -> dict[str, Tensor]:
        """The target network's projections for one view of each frame."""
        target = self.target.module
        maps = target['backbone'](images)
        dense = maps[-1] if self.neck is None else target['neck'](maps)[-1]
        projections = dict(dense=target['dense_projector'](dense))
        if self.pooled_head:
            projections['pooled'] = target['pooled_projector'](maps[-1])
        return projections

    @staticmethod
    def _stacked(views: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        return {name: torch.stack([view[name] for view in views]) for name in views[0]}


def view_boxes(samples: Sequence[BaseDataElement]) -> Tensor:
    """Where the two views of each sample lie in their frame.

    Args:
        samples: B with ``crop_box`` and ``flip_direction``, an entry a view.

    Returns:
        (2, B, 4) float32 edges of :func:`~poodle_mm.geometry.pixel_propagation.mirrored_box`.

    Raises:
        ValueError: If a sample has no boxes, or does not say which views were mirrored.
    """
    boxes = []
    for sample in samples:
        of_views, flips = sample.get('crop_box'), sample.get('flip_direction')
        if of_views is None or None in of_views or flips is None:
            raise ValueError(
                'a sample does not say where its views lie: cut them by RandomResizedCropBox, give '
                "ImageViews view_keys=('crop_box', 'flip_direction') and PackInputs the same names "
                'as meta_keys (configs/_base_/datasets/pixpro_views_224.py)'
            )
        boxes.append([mirrored_box(box, flip) for box, flip in zip(of_views, flips)])
    return torch.tensor(boxes, dtype=torch.float32).transpose(0, 1)
