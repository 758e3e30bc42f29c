"""Data sets whose items are decoded once."""

from mmengine.dataset import ConcatDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class CachedConcatDataset(ConcatDataset):
    """Data sets in a row; an item is made once and then kept in memory.

    Their pipelines must not draw random numbers: an item would keep its first draw. Items are
    shared, so that nobody may change them in place.

    Args:
        datasets: As in ``ConcatDataset``.
        max_items: Items that are kept at most; further ones are made at every access.
    """

    def __init__(self, datasets: list, max_items: int = 1000, **kwargs) -> None:
        super().__init__(datasets, **kwargs)
        self.max_items = max_items
        self._items: dict[int, dict] = {}

    def __getitem__(self, index: int) -> dict:
        if index in self._items:
            return self._items[index]
        item = super().__getitem__(index)
        if len(self._items) < self.max_items:
            self._items[index] = item
        return item
