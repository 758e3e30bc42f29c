"""Features of images in memory, handed on from one readout of a network to the next."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from poodle_mm.utils.memory import available_gib

_LEFT_TO_OTHERS = 2.0  # GiB

Image = tuple[str, bool]
"""Path, and whether it is mirrored."""

Maps = tuple[Tensor, ...]
"""Feature maps (C_i, h_i, w_i) of one image."""


class FeatureCache:
    """Feature maps of images, as many as fit.

    Args:
        gib: Their size at most, in GiB, while the machine has 2 GiB left.
    """

    def __init__(self, gib: float) -> None:
        self.gib = gib
        self._maps: dict[Image, Maps] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._maps)

    def get(self, image: Image) -> Maps | None:
        """Maps of an image; None if they are not kept."""
        return self._maps.get(image)

    def keep(self, image: Image, maps: Maps) -> None:
        """Keep copies of the maps of an image, if there is room for them."""
        size = sum(m.numel() * m.element_size() for m in maps)
        fits = self._bytes + size <= self.gib * 2**30
        if image not in self._maps and fits and available_gib() > _LEFT_TO_OTHERS:
            self._maps[image] = tuple(m.clone() for m in maps)  # not views of the whole batch
            self._bytes += size

    def agrees(self, images: Sequence[Image], maps: Sequence[Tensor]) -> bool:
        """Whether it has images of a batch, and for each of these the very maps given.

        Args:
            images: N images.
            maps: Their maps (N, C_i, h_i, w_i).
        """
        pairs = [(self.get(image), own) for image, own in zip(images, zip(*maps))]
        known = [(kept, own) for kept, own in pairs if kept is not None]
        return bool(known) and all(
            len(kept) == len(own) and all(map(torch.equal, kept, own)) for kept, own in known
        )


class _Last:
    """The cache of the latest readout, while :func:`hand_on_features` is active."""

    active = False
    cache: FeatureCache | None = None


@contextmanager
def hand_on_features() -> Iterator[None]:
    """Let readouts of one network on the same images compute its features once."""
    _Last.active = True
    try:
        yield
    finally:
        _Last.active, _Last.cache = False, None


def drop_features() -> None:
    """Free the kept features before work that has no use for them."""
    _Last.cache = None


def open_cache(images: Sequence[Image], maps: Sequence[Tensor], gib: float) -> FeatureCache:
    """The cache of the readout before, if it has the very same features, else a new one.

    What a network makes of a batch is compared, bit by bit, not settings: weights, statistics,
    sizes and pipelines are all in it.

    Args:
        images: The first batch of a readout.
        maps: Its maps (N, C_i, h_i, w_i), computed anew.
        gib: Limit of a new cache, in GiB.
    """
    if _Last.cache is not None and _Last.cache.agrees(images, maps):
        return _Last.cache
    cache = FeatureCache(gib)
    if _Last.active:
        _Last.cache = cache
    return cache
