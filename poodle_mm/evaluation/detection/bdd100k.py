"""BDD100K's detection classes."""

from typing import ClassVar

from mmdet.datasets import CocoDataset
from mmdet.datasets.api_wrappers import COCO
from mmdet.registry import DATASETS

from poodle_mm.catalog import BOX_CLASSES, STREET_CLASSES, STREET_PALETTE

_COLOURS = dict(zip(STREET_CLASSES, STREET_PALETTE))


class _CheckedCOCO(COCO):
    """Annotations whose categories are exactly those that are asked for, in that order."""

    def get_cat_ids(
        self, cat_names: tuple = (), sup_names: tuple = (), cat_ids: tuple = ()
    ) -> list[int]:
        found = [category['name'] for category in self.loadCats(sorted(self.getCatIds()))]
        if cat_names and list(cat_names) != found:
            raise ValueError(
                f'the annotation file has the categories {found}, but the data set wants '
                f'{list(cat_names)} in this order'
            )
        return super().get_cat_ids(cat_names, sup_names, cat_ids)


@DATASETS.register_module()
class BDD100KDetDataset(CocoDataset):
    """Boxes of BDD100K's 10 classes in COCO's format; the synthetic scenes have the same.

    Raises:
        ValueError: If the categories of the annotation file are others or in another order, which
            MMDetection would number as they come.
    """

    COCOAPI = _CheckedCOCO
    METAINFO: ClassVar[dict] = dict(
        classes=BOX_CLASSES,
        palette=[_COLOURS['person' if c == 'pedestrian' else c] for c in BOX_CLASSES],
    )
