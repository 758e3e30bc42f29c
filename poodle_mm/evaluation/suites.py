"""The suites of readouts: which configs on which data, fitted to a checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from mmengine.config import Config

from poodle_mm.checkpoints import EncoderCheckpoint
from poodle_mm.engine.schedule import set_max_iters

LINEAR, LINEAR_ENCODER, UPERNET, DET_C4, DET_FPN = READOUTS = (
    'linear', 'linear-encoder', 'upernet', 'det-c4', 'det-fpn',
)  # fmt: skip


@dataclass(frozen=True)
class Suite:
    """Readouts on one data set.

    Attributes:
        dataset: What the configs' names end in.
        readouts: What is run unless the user asks for others.
        split: The split that is scored unless the user asks for another; None: the data set has
            only one with labels.
        detection: Whether detection configs exist for this data set.
    """

    dataset: str
    readouts: tuple[str, ...]
    split: str | None = None
    detection: bool = False

    @property
    def whole_images(self) -> bool:
        """Whether the readouts resize whole images, so that their size can be chosen."""
        return self.split is not None


SUITES = dict(
    demo=Suite('scenes', (LINEAR, LINEAR_ENCODER, UPERNET), split='test', detection=True),
    camvid=Suite('camvid', (LINEAR, LINEAR_ENCODER, UPERNET), split='test'),
    bdd100k=Suite('bdd100k', (LINEAR, UPERNET, DET_C4, DET_FPN), detection=True),
    cityscapes=Suite('cityscapes', (LINEAR, UPERNET)),
    ade20k=Suite('ade20k', (LINEAR, UPERNET)),
) | {'wt-sem': Suite('wt-sem', (LINEAR, UPERNET))}


def config_file(config_dir: Path, suite: str, readout: str, encoder: EncoderCheckpoint) -> Path:
    """The downstream config of a readout for this kind of encoder.

    Args:
        config_dir: ``configs/downstream``.
        suite: Name in ``SUITES``.
        readout: Name in ``READOUTS``; ``'linear'`` keeps the spatial decoder if there is one,
            ``'linear-encoder'`` drops it.
        encoder: What the checkpoint holds.

    Raises:
        ValueError: If there is no such readout for this data set or this encoder.
    """
    if suite not in SUITES:
        raise ValueError(f'unknown suite {suite!r}: take one of {list(SUITES)}')
    if readout not in READOUTS:
        raise ValueError(f'unknown readout {readout!r}: take one of {list(READOUTS)}')
    dataset = SUITES[suite].dataset
    vit = encoder.backbone['type'].endswith('VisionTransformer')
    if is_detection(readout):
        if vit or not SUITES[suite].detection:
            raise ValueError(
                f'{readout} needs a ResNet and a suite with boxes: '
                f'{[n for n, s in SUITES.items() if s.detection]}'
            )
        return config_dir / 'mmdet' / f'faster-rcnn_r50-{readout.removeprefix("det-")}_{dataset}.py'
    if vit:
        name = f'{readout.removesuffix("-encoder")}_vit-s16'
    elif readout == UPERNET:
        name = 'upernet_r50'
    else:
        with_decoder = readout == LINEAR and encoder.neck is not None
        name = 'linear_r50-sdm' if with_decoder else 'linear_r50-d8'
    return config_dir / 'mmseg' / f'{name}_{dataset}.py'


def is_detection(readout: str) -> bool:
    """Whether a readout runs in MMDetection."""
    return readout.startswith('det-')


def readout_config(
    config_dir: Path,
    suite: str,
    readout: str,
    encoder: EncoderCheckpoint,
    work_dir: str | Path,
    data_root: str | Path | None = None,
    split: str | None = None,
    size: tuple[int, int] | None = None,
    iters: int | None = None,
    seed: int = 0,
    options: Mapping | None = None,
) -> Config:
    """A readout's config, ready for MMEngine's Runner.

    Args:
        config_dir, suite, readout, encoder: As in :func:`config_file`.
        work_dir: Where logs and the trained head go.
        data_root: Folder of the data; default the config's.
        split: ``'val'`` or ``'test'``, for suites that have both.
        size: (H, W) to which whole images are resized, for suites that do so.
        iters: Another length of the training, schedules in proportion.
        seed: Of a random encoder, of the heads and of the order of images.
        options: Dotted keys to values, as ``--cfg-options``; applied last.

    Raises:
        FileNotFoundError: If a folder of the data is missing or empty.
        ValueError: If readout, split or size do not exist for this suite.
    """
    cfg = Config.fromfile(config_file(config_dir, suite, readout, encoder))
    tools = _tools(readout)
    tools.set_encoder(cfg, encoder)
    if split is not None and SUITES[suite].split is None:
        raise ValueError(f'the suite {suite} has one labelled split only: leave --split away')
    if split == 'val':
        cfg.test_dataloader = cfg.val_dataloader
        cfg.test_evaluator = cfg.val_evaluator
    if data_root is not None:
        tools.set_data_root(cfg, str(data_root))
    if size is not None and not is_detection(readout):
        tools.set_size(cfg, size)
    if iters is not None:
        set_max_iters(cfg, iters)
    if cfg.get('auto_scale_lr'):  # one process has the whole batch of the schedule
        cfg.train_dataloader.batch_size = cfg.auto_scale_lr.base_batch_size
    cfg.work_dir = str(work_dir)
    cfg.randomness = dict(seed=seed)
    cfg.merge_from_dict(dict(options or {}))
    _check_data(cfg, suite)
    # No validation while it learns: nothing is chosen by it.
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    return cfg


def _check_data(cfg: Config, suite: str) -> None:
    """Raise a FileNotFoundError if a folder or an annotation file of a config is not there."""
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        for dataset in loader.dataset.get('datasets', [loader.dataset]):
            root = Path(dataset['data_root'])
            files = dict(dataset['data_prefix'])
            if dataset.get('ann_file'):
                files['ann_file'] = dataset['ann_file']
            for key, name in files.items():
                path = root / name
                if not (path.is_file() or (path.is_dir() and any(path.iterdir()))):
                    raise FileNotFoundError(
                        f'{path} ({key} of the suite {suite}) is missing or empty: set '
                        '--data-root; docs/data.md has the layout, tools/check_data.py checks it'
                    )


def _tools(readout: str) -> ModuleType:
    """Imported late: MMSegmentation takes seconds, MMDetection needs compiled operators."""
    kind = 'detection' if is_detection(readout) else 'segmentation'
    import_module(f'poodle_mm.evaluation.{kind}')
    return import_module(f'poodle_mm.evaluation.{kind}.configs')
