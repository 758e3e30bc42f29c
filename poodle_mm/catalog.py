"""The data sets, each described once.

Checks, readouts, converters and studies read their facts here. Config files repeat folders as
OpenMMLab's do; a test holds them to this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

IGNORE_INDEX = 255
"""Label of a pixel without a class."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

STREET_CLASSES = (
    'road', 'sidewalk', 'building', 'wall', 'fence', 'pole', 'traffic light', 'traffic sign',
    'vegetation', 'terrain', 'sky', 'person', 'rider', 'car', 'truck', 'bus', 'train',
    'motorcycle', 'bicycle',
)  # fmt: skip
"""The 19 train ids that Cityscapes, BDD100K and the scenes share."""

STREET_PALETTE = (
    (128, 64, 128), (244, 35, 232), (70, 70, 70), (102, 102, 156), (190, 153, 153),
    (153, 153, 153), (250, 170, 30), (220, 220, 0), (107, 142, 35), (152, 251, 152),
    (70, 130, 180), (220, 20, 60), (255, 0, 0), (0, 0, 142), (0, 0, 70), (0, 60, 100),
    (0, 80, 100), (0, 0, 230), (119, 11, 32),
)  # fmt: skip

CAMVID_CLASSES = (
    'sky', 'building', 'pole', 'road', 'pavement', 'tree', 'sign', 'fence', 'car', 'pedestrian',
    'bicyclist',
)  # fmt: skip
"""SegNet's 11 classes; 11 is void."""

BOX_CLASSES = (
    'pedestrian', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle',
    'traffic light', 'traffic sign',
)  # fmt: skip
"""BDD100K's 10 evaluated classes of boxes in its order; their COCO ids run from 1."""


@dataclass(frozen=True)
class Split:
    """Part of a labelled data set.

    Attributes:
        images, labels: Folders below the root; ``labels`` is None where they are not public.
        count: Number of images of the full set; None if it varies.
        optional: Whether no config of ours needs it.
    """

    images: str
    labels: str | None
    count: int | None = None
    optional: bool = False


@dataclass(frozen=True)
class Videos:
    """Videos of a data set.

    Attributes:
        folder: Folder below the root.
        count: Number of files of the full set; None if it varies.
        optional: Whether no config of ours needs them.
        size: (H, W) in pixels that they must have; None if any will do.
        clips: Whether they are long, and cut in clips for training.
    """

    folder: str
    count: int | None = None
    optional: bool = False
    size: tuple[int, int] | None = None
    clips: bool = False


@dataclass(frozen=True)
class DataSet:
    """Layout, classes and size of a data set.

    Attributes:
        root: Default folder.
        videos: Videos for pretraining by split.
        fps: Frames per second of the videos; None if it varies.
        splits: Labelled images by split.
        mmseg: Type of MMSegmentation's data set.
        classes: Names of the classes in the order of their ids; empty where MMSegmentation has
            them (``mmseg.utils.get_classes``).
        num_classes: Number of classes.
        img_suffix, seg_map_suffix: Ends of the files' names.
        reduce_zero_label: Whether 0 is "other" and class i is stored as i + 1.
        ignore_index: Id of pixels without a class in the files.
    """

    root: str
    videos: Mapping[str, Videos] = field(default_factory=dict)
    fps: float | None = None
    splits: Mapping[str, Split] = field(default_factory=dict)
    mmseg: str | None = None
    classes: tuple[str, ...] = ()
    num_classes: int = 0
    img_suffix: str = '.jpg'
    seg_map_suffix: str = '.png'
    reduce_zero_label: bool = False
    ignore_index: int = IGNORE_INDEX

    @property
    def label_ids(self) -> frozenset[int]:
        """The ids that a label image may hold."""
        ids = range(self.num_classes + self.reduce_zero_label)
        return frozenset(ids if self.reduce_zero_label else (*ids, self.ignore_index))


_STREET = dict(classes=STREET_CLASSES, num_classes=len(STREET_CLASSES))
_ADE20K = dict(mmseg='ADE20KDataset', num_classes=150, reduce_zero_label=True)

CATALOG = {
    'bdd100k': DataSet(
        'data/bdd100k',
        videos=dict(
            train=Videos('videos/train', 70_000),
            val=Videos('videos/val', 10_000, optional=True),
            # links, for the training of UFlow
            train_daytime=Videos('videos/train_daytime', optional=True),
        ),
        fps=30,
        splits=dict(
            train=Split('images/10k/train', 'labels/sem_seg/masks/train', 7000),
            val=Split('images/10k/val', 'labels/sem_seg/masks/val', 1000),
            test=Split('images/10k/test', None, 2000, optional=True),
        ),
        mmseg='BDD100KDataset',
        **_STREET,
    ),
    'walking-tours': DataSet(
        'data/walking_tours',
        videos=dict(train=Videos('videos', 10, size=(720, 1280), clips=True)),
        fps=30,
    ),
    'cityscapes': DataSet(
        'data/cityscapes',
        splits=dict(
            train=Split('leftImg8bit/train', 'gtFine/train', 2975),
            val=Split('leftImg8bit/val', 'gtFine/val', 500),
        ),
        mmseg='CityscapesDataset',
        img_suffix='_leftImg8bit.png',
        seg_map_suffix='_gtFine_labelTrainIds.png',
        **_STREET,
    ),
    'ade20k': DataSet(
        'data/ade/ADEChallengeData2016',
        splits=dict(
            train=Split('images/training', 'annotations/training', 20_210),
            val=Split('images/validation', 'annotations/validation', 2000),
        ),
        **_ADE20K,
    ),
    'wt-sem': DataSet(
        'data/wt_sem',
        splits=dict(
            train=Split('images/train', 'annotations/train', 25_910),
            val=Split('images/val', 'annotations/val', 6170),
        ),
        **_ADE20K,
    ),
    'camvid': DataSet(
        'data/camvid',
        splits=dict(
            train=Split('images/train', 'labels/train', 367),
            val=Split('images/val', 'labels/val', 101),
            test=Split('images/test', 'labels/test', 233),
        ),
        mmseg='CamVidDataset',
        classes=CAMVID_CLASSES,
        num_classes=len(CAMVID_CLASSES),
        ignore_index=len(CAMVID_CLASSES),
    ),
    'scenes': DataSet(
        'data/scenes',
        videos={split: Videos(f'videos/{split}') for split in ('train', 'val', 'test')},
        fps=10,
        splits={
            split: Split(f'images/{split}', f'labels/{split}') for split in ('train', 'val', 'test')
        },
        mmseg='BDD100KDataset',
        img_suffix='.png',
        **_STREET,
    ),
}
"""Every data set by its one name, which checks, suites and studies use."""
