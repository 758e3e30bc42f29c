"""The suites of readouts. Light: the command line reads its choices here."""

from dataclasses import dataclass

LINEAR, LINEAR_ENCODER, UPERNET, DEEPLAB, DET_C4, DET_FPN, SUPERVISED, *_ = READOUTS = (
    'linear', 'linear-encoder', 'upernet', 'deeplabv3', 'det-c4', 'det-fpn', 'supervised',
    'linear-weighted', 'linear-encoder-weighted', 'supervised-weighted',
    'linear-stage2', 'linear-stage3', 'linear-stage4',
)  # fmt: skip
STAGE = 'linear-stage'
"""Beginning of the readouts of a ResNet's stages, undilated unless they learned so."""
WEIGHTED = '-weighted'
"""End of the readouts whose loss counts rare classes more: by one over the root of their share."""


@dataclass(frozen=True)
class Suite:
    """Readouts on one data set.

    Attributes:
        readouts: Names in ``READOUTS``, the default of the suite.
        split: Default of the split that is scored; None if only one split has labels.
        detection: Whether detection configs exist for this data set.
    """

    readouts: tuple[str, ...]
    split: str | None = None
    detection: bool = False

    @property
    def whole_images(self) -> bool:
        """Whether the readouts resize whole images, so that their size can be chosen."""
        return self.split is not None


SUITES = {
    'scenes': Suite((LINEAR, LINEAR_ENCODER, UPERNET), split='test', detection=True),
    'camvid': Suite((LINEAR, LINEAR_ENCODER, UPERNET), split='test'),
    'bdd100k': Suite((LINEAR, UPERNET, DET_C4, DET_FPN), detection=True),
    'cityscapes': Suite((LINEAR, UPERNET)),
    'ade20k': Suite((LINEAR, UPERNET)),
    'wt-sem': Suite((LINEAR, UPERNET)),
}
"""Suites by data set, a name of :data:`poodle_mm.catalog.CATALOG`; configs' names end in it."""


def find_suite(name: str) -> Suite:
    """The suite of this name.

    Raises:
        ValueError: If there is none, with the names.
    """
    if name not in SUITES:
        raise ValueError(f'unknown suite {name!r}: take one of {list(SUITES)}')
    return SUITES[name]


def is_detection(readout: str) -> bool:
    """Whether a readout runs in MMDetection."""
    return readout.startswith('det-')
