"""A segmentor with a frozen encoder, and a head of one convolution."""

from collections.abc import Sequence

import torch
from mmseg.models.decode_heads import FCNHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from mmseg.utils import SampleList
from torch import Tensor, nn

from poodle_mm.evaluation.feature_cache import FeatureCache, open_cache
from poodle_mm.models import SpatialDecoderModule


@MODELS.register_module()
class FrozenEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` whose encoder stays as it is: no gradient, no new statistics.

    So does a spatial decoder in the place of the neck (PooDLe §4.2: the linear readout keeps it);
    any other neck belongs to the readout and learns. The frozen parts stay in eval mode whatever
    ``train`` asks for and run under ``torch.no_grad``. What they make of a training image can be
    kept in memory if no random transform changes it: an image is known by its path and whether it
    is flipped. Within :func:`~poodle_mm.evaluation.feature_cache.hand_on_features` the next readout
    of the same network has them, too.

    Args:
        cache_gb: Features of training images that are kept at most, in GiB, while the machine has
            2 GiB left. Only for pipelines in which nothing is random.
        **kwargs: Arguments of ``EncoderDecoder``.
    """

    def __init__(self, cache_gb: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.features.requires_grad_(False)
        self.cache_gb = cache_gb
        self.forget()

    def init_weights(self) -> None:
        super().init_weights()
        # Faster, and only now: random numbers fill the memory in its order.
        self.features.to(memory_format=torch.channels_last)

    @property
    def features(self) -> nn.Sequential:
        """The frozen parts: images to feature maps."""
        return nn.Sequential(self.backbone, *([self.neck] if self._neck_is_frozen else []))

    @property
    def _neck_is_frozen(self) -> bool:
        return self.with_neck and isinstance(self.neck, SpatialDecoderModule)

    def train(self, mode: bool = True) -> 'FrozenEncoderDecoder':
        super().train(mode)
        self.features.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Feature maps (N, C_i, h_i, w_i), fine to coarse, of images (N, 3, H, W)."""
        return self._trainable_neck(self._frozen_maps(inputs))

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Losses of the heads; features of known images are looked up."""
        maps = self._cached_maps(inputs, data_samples) if self.cache_gb else None
        feats = self._trainable_neck(maps or self._frozen_maps(inputs))
        losses = self._decode_head_forward_train(feats, data_samples)
        if self.with_auxiliary_head:
            losses |= self._auxiliary_head_forward_train(feats, data_samples)
        return losses

    def forget(self) -> None:
        """Drop the kept features: to be called whenever encoder or decoder have changed."""
        self._cache: FeatureCache | None = None

    @torch.no_grad()
    def _frozen_maps(self, images: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.features(images))

    def _trainable_neck(self, maps: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(self.neck(maps)) if self.with_neck and not self._neck_is_frozen else maps

    def _cached_maps(self, inputs: Tensor, samples: list[SegDataSample]) -> tuple[Tensor, ...]:
        images = [(sample.img_path, sample.get('flip', False)) for sample in samples]
        if self._cache is None:
            maps = self._frozen_maps(inputs)
            self._cache = open_cache(images, maps, self.cache_gb)
            known = list(zip(*maps))
            new = range(len(images))
        else:
            known = [self._cache.get(image) for image in images]
            new = [i for i, maps in enumerate(known) if maps is None]
            if new:
                for i, maps in zip(new, zip(*self._frozen_maps(inputs[new]))):
                    known[i] = maps
        for i in new:
            self._cache.keep(images[i], known[i])
        return tuple(map(batch_of, zip(*known)))


def batch_of(maps: Sequence[Tensor]) -> Tensor:
    """(C, h, w) maps as one batch, in their memory format: another one takes five times as long."""
    if maps[0].stride(0) == 1:  # channels last
        return torch.stack([x.movedim(0, -1) for x in maps]).movedim(-1, 1)
    return torch.stack(maps)


@MODELS.register_module()
class LinearHead(FCNHead):
    """``FCNHead`` without hidden layers (DeepLab v1), for a single ``loss_decode``.

    The accuracy of the training batch, which nobody reads, is left out: where features are looked
    up it would cost a third of an iteration.

    Args:
        in_channels: Channels of the features; with ``input_transform='resize_concat'`` of each map.
        label_stride: The loss looks at every n-th pixel of the training labels, both ways:
            neighbouring pixels of a bilinear prediction say nearly the same. 1 looks at all.
        class_weight: Weight of each class's pixels in the loss; None: 1. (MMSegmentation's losses
            take none beside ``avg_non_ignore``.)
        **kwargs: Arguments of ``FCNHead``.
    """

    def __init__(
        self,
        in_channels: int | Sequence[int],
        label_stride: int = 1,
        class_weight: Sequence[float] | None = None,
        **kwargs,
    ) -> None:
        super().__init__(
            num_convs=0,
            kernel_size=1,
            concat_input=False,
            dropout_ratio=0,
            in_channels=in_channels,
            channels=in_channels if isinstance(in_channels, int) else sum(in_channels),
            **kwargs,
        )
        self.label_stride = label_stride
        weights = None if class_weight is None else torch.tensor(class_weight)
        self.register_buffer('class_weight', weights, persistent=False)

    def loss_by_feat(self, seg_logits: Tensor, batch_data_samples: SampleList) -> dict:
        """Loss of logits (N, classes, h, w) that are resized to the (thinned out) labels."""
        labels = self._stack_batch_gt(batch_data_samples).squeeze(1)
        middle = slice(self.label_stride // 2, None, self.label_stride)
        labels = labels[:, middle, middle]
        logits = resize(seg_logits, size=labels.shape[1:], mode='bilinear')
        weight = None  # what is ignored has no loss, whatever its weight
        if self.class_weight is not None:
            weight = self.class_weight[labels.clamp(max=len(self.class_weight) - 1)]
        loss = self.loss_decode(logits, labels, weight, ignore_index=self.ignore_index)
        return {self.loss_decode.loss_name: loss}
