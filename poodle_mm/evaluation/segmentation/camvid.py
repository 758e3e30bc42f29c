"""CamVid with SegNet's 11 classes."""

from typing import ClassVar

from mmseg.datasets import BaseSegDataset
from mmseg.registry import DATASETS


@DATASETS.register_module()
class CamVidDataset(BaseSegDataset):
    """Driving frames, 480x360, in ``images/{train,val,test}`` and ``labels/{train,val,test}``.

    Labels are PNGs of class ids in the order of ``METAINFO``; void (11) is mapped to the ignore
    index 255 unless ``metainfo`` asks for other classes.
    """

    METAINFO: ClassVar[dict] = dict(
        classes=(
            'sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign', 'fence', 'car',
            'pedestrian', 'bicyclist', 'void',
        ),
        palette=[
            [128, 128, 128], [128, 0, 0], [192, 192, 128], [128, 64, 128], [60, 40, 222],
            [128, 128, 0], [192, 128, 128], [64, 64, 128], [64, 0, 128], [64, 64, 0],
            [0, 128, 192], [0, 0, 0],
        ],
    )  # fmt: skip

    def __init__(self, metainfo: dict | None = None, **kwargs) -> None:
        metainfo = metainfo or dict(classes=self.METAINFO['classes'][:-1])
        super().__init__(metainfo=metainfo, **kwargs)
