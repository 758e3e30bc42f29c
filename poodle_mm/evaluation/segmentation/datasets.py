"""CamVid, and data sets whose items are decoded once."""

from typing import ClassVar

from mmengine.dataset import ConcatDataset
from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS

from poodle_mm.catalog import CAMVID_CLASSES


@DATASETS.register_module()
class CamVidDataset(BaseSegDataset):
    """CamVid with SegNet's 11 classes, 480x360.

    Labels are PNGs of class ids in the order of ``METAINFO``; void (11) is mapped to the ignore
    index 255 unless ``metainfo`` asks for other classes.
    """

    METAINFO: ClassVar[dict] = dict(
        classes=(*CAMVID_CLASSES, 'void'),
        palette=[
            [128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [60, 40, 222],
            [128, 128, 0], [192, 128, 128], [64, 64, 128], [64, 0, 128], [64, 64, 0],
            [0, 128, 192], [0, 0, 0],
        ],
    )  # fmt: skip

    def __init__(self, metainfo: dict | None = None, **kwargs) -> None:
        metainfo = metainfo or dict(classes=CAMVID_CLASSES)
        super().__init__(metainfo=metainfo, **kwargs)


@DATASETS.register_module()
class CachedConcatDataset(ConcatDataset):
    """Data sets in a row; an item is made once and then kept in memory.

    Their pipelines must not draw random numbers: an item would keep its first draw. Items are
    shared, so that nobody may change them in place.

    Args:
        datasets: Data sets or their configs.
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
