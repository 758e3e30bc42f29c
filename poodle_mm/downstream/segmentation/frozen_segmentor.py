"""A segmentor of which only the head learns."""

import torch
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor


@MODELS.register_module()
class FrozenEncoderDecoder(EncoderDecoder):
    """``EncoderDecoder`` whose backbone and neck stay as they are: no gradient, no new statistics.

    Their parameters do not require gradients, they stay in eval mode whatever ``train`` asks for,
    and they run under ``torch.no_grad`` (PooDLe §4.2, linear readout). What they make of a training
    image is therefore always the same and is kept in memory. An image is known by its path and
    whether it is flipped: no other transform of the training pipeline may be random.

    Args:
        max_cached: Images of which features are kept at most; those of further ones are computed
            every time.
        **kwargs: As in ``EncoderDecoder``.
    """

    def __init__(self, max_cached: int = 0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.features.requires_grad_(False)
        self.max_cached = max_cached
        self._cache: dict[tuple[str, bool], Tensor] = {}

    def init_weights(self) -> None:
        super().init_weights()
        # Faster, and only now: random numbers fill the memory in its order.
        self.features.to(memory_format=torch.channels_last)

    @property
    def features(self) -> torch.nn.Sequential:
        """Backbone and neck: images to feature maps."""
        parts = [self.backbone, self.neck] if self.with_neck else [self.backbone]
        return torch.nn.Sequential(*parts)

    def train(self, mode: bool = True) -> 'FrozenEncoderDecoder':
        super().train(mode)
        self.features.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> list[Tensor]:
        with torch.no_grad():
            return super().extract_feat(inputs)

    def loss(self, inputs: Tensor, data_samples: list[SegDataSample]) -> dict[str, Tensor]:
        """Loss of the head on the last feature map, which is looked up where it is known."""
        features = self._cached_features(inputs, data_samples)
        return self._decode_head_forward_train([features], data_samples)

    def forget(self) -> None:
        """Drop the kept features: to be called whenever backbone or neck have changed."""
        self._cache.clear()

    def _cached_features(self, inputs: Tensor, samples: list[SegDataSample]) -> Tensor:
        keys = [(sample.img_path, sample.get('flip', False)) for sample in samples]
        maps = [self._cache.get(key) for key in keys]
        new = [i for i, known in enumerate(maps) if known is None]
        if new:
            for i, computed in zip(new, self.extract_feat(inputs[new])[-1]):
                maps[i] = computed
                if len(self._cache) < self.max_cached:
                    self._cache[keys[i]] = computed
        return torch.stack(maps)
