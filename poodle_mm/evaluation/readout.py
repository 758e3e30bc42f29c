"""One readout: its config, fitted to a checkpoint; the trained head; its metrics."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from poodle_mm.checkpoints import EncoderCheckpoint
from poodle_mm.engine.schedule import set_max_iters
from poodle_mm.evaluation.class_groups import class_weights
from poodle_mm.evaluation.suites import (
    DEEPLAB,
    LINEAR,
    READOUTS,
    STAGE,
    SUITES,
    SUPERVISED,
    UPERNET,
    WEIGHTED,
    find_suite,
    is_detection,
)
from poodle_mm.utils.files import read_json, write_json

# FlowE, whose readout it is, has these two of the paper's data sets.
_WITH_DEEPLAB = ('bdd100k', 'cityscapes', 'camvid', 'scenes')


def config_file(
    config_dir: Path, suite: str, readout: str, encoder: EncoderCheckpoint, whole: bool = False
) -> Path:
    """The downstream config of a readout for this kind of encoder.

    Args:
        config_dir: ``configs/downstream``.
        suite: Name in ``SUITES``.
        readout: Name in ``READOUTS``; ``'linear'`` keeps the spatial decoder if there is one,
            ``'linear-encoder'`` drops it. The weighted ones have the configs of the others.
        encoder: Content of the checkpoint.
        whole: A ViT's linear readout on whole images, as a ResNet's, in place of large crops; for
            suites of whole images.

    Raises:
        ValueError: If there is no such readout for this data set or this encoder.
    """
    detection = find_suite(suite).detection
    if readout not in READOUTS:
        raise ValueError(f'unknown readout {readout!r}: take one of {list(READOUTS)}')
    readout = readout.removesuffix(WEIGHTED)
    vit = encoder.backbone['type'].endswith('VisionTransformer')
    if is_detection(readout):
        if vit or not detection:
            raise ValueError(
                f'{readout} needs a ResNet and a suite with boxes: '
                f'{[n for n, s in SUITES.items() if s.detection]}'
            )
        return config_dir / 'mmdet' / f'faster-rcnn_r50-{readout.removeprefix("det-")}_{suite}.py'
    if readout == DEEPLAB and (vit or suite not in _WITH_DEEPLAB):
        raise ValueError(f'{readout} needs a ResNet and one of the suites {list(_WITH_DEEPLAB)}')
    if readout == SUPERVISED and (encoder.neck is None or not find_suite(suite).whole_images):
        raise ValueError(
            f'{readout} needs a spatial decoder (--random-decoder) and one of the suites '
            f'{[n for n, s in SUITES.items() if s.whole_images]}'
        )
    if vit and readout.startswith(STAGE):
        raise ValueError(f'{readout} needs a ResNet')
    if vit:
        name = f'{readout.removesuffix("-encoder")}_vit-s16'
        if whole and name.startswith(LINEAR):
            name = f'{LINEAR}_vit-whole'
    elif readout == UPERNET:
        name = 'upernet_r50'
    elif readout == SUPERVISED:
        name = 'supervised_r50-sdm'
    elif readout == DEEPLAB:
        name = 'deeplabv3_r50-d8'
    else:
        with_decoder = readout == LINEAR and encoder.neck is not None
        name = 'linear_r50-sdm' if with_decoder else 'linear_r50-d8'
    return config_dir / 'mmseg' / f'{name}_{suite}.py'


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
        config_dir, suite, readout, encoder: Arguments of :func:`config_file`.
        work_dir: Folder of the logs and of the trained head.
        data_root: Folder of the data; default the config's.
        split: ``'val'`` or ``'test'``, for suites that have both.
        size: (H, W) to which whole images are resized, for suites that do so; a ViT is then read
            out on whole images, too.
        iters: Another length of the training, schedules in proportion.
        seed: Seed of a random encoder, of the heads and of the order of images.
        options: Dotted keys to values, as ``--cfg-options``; applied last.

    Raises:
        FileNotFoundError: If a folder of the data is missing or empty.
        ValueError: If readout, split or size do not exist for this suite.
    """
    whole = size is not None and SUITES[suite].whole_images
    cfg = Config.fromfile(config_file(config_dir, suite, readout, encoder, whole))
    # Imported late: MMSegmentation takes seconds, MMDetection needs compiled operators.
    kind = 'detection' if is_detection(readout) else 'segmentation'
    tools = import_module(f'poodle_mm.evaluation.{kind}')
    if readout.startswith(STAGE):
        tools.take_stage(cfg, encoder, int(readout.removeprefix(STAGE)))
    tools.set_encoder(cfg, encoder)
    if split is not None and SUITES[suite].split is None:
        raise ValueError(f'the suite {suite} has one labelled split only: leave --split away')
    if split == 'val':
        cfg.test_dataloader = cfg.val_dataloader
        cfg.test_evaluator = cfg.val_evaluator
    if data_root is not None:
        set_data_root(cfg, data_root)
    if size is not None and not is_detection(readout):
        tools.set_size(cfg, size)
    if iters is not None:
        set_max_iters(cfg, iters)
    if cfg.get('auto_scale_lr'):  # one process has the whole batch of the schedule
        cfg.train_dataloader.batch_size = cfg.auto_scale_lr.base_batch_size
    cfg.work_dir = str(work_dir)
    cfg.randomness = dict(seed=seed)
    cfg.merge_from_dict(dict(options or {}))
    check_data(cfg, suite)
    if readout.endswith(WEIGHTED):
        cfg.model.decode_head.class_weight = class_weights(cfg)
    # No validation while it learns: nothing is chosen by it.
    cfg.val_dataloader = cfg.val_evaluator = cfg.val_cfg = None
    return cfg


def set_data_root(cfg: Config, data_root: str | Path) -> None:
    """Point all data sets and evaluators of a downstream config to a folder."""
    for dataset in _datasets(cfg, 'train', 'val', 'test'):
        dataset['data_root'] = str(data_root)
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        if 'ann_file' in evaluator:
            evaluator.ann_file = str(data_root) + evaluator.ann_file.removeprefix(cfg.data_root)
    cfg.data_root = str(data_root)


def _datasets(cfg: Config, *splits: str) -> Iterator[dict]:
    for split in splits:
        dataset = cfg[f'{split}_dataloader'].dataset
        yield from dataset.get('datasets', [dataset])


def check_data(cfg: Config, suite: str) -> None:
    """Make sure that the data of a downstream config are there.

    Raises:
        FileNotFoundError: Naming a folder or file that is missing or empty.
    """
    for dataset in _datasets(cfg, 'train', 'test'):
        files = dict(dataset['data_prefix'])
        if dataset.get('ann_file'):
            files['ann_file'] = dataset['ann_file']
        for key, name in files.items():
            path = Path(dataset['data_root'], name)
            if not (path.is_file() or (path.is_dir() and any(path.iterdir()))):
                raise FileNotFoundError(
                    f'{path} ({key} of the suite {suite}) is missing or empty: set '
                    '--data-root; docs/data.md has the layout, tools/check_data.py checks it'
                )


def run_readout(cfg: Config) -> tuple[dict, Runner]:
    """Train and test the head of a downstream config.

    Args:
        cfg: Result of :func:`readout_config`.

    Returns:
        Metrics in percent, NaN where there is nothing to score: ``miou``, ``acc``, the groups of
        the metric and ``per_class`` for segmentation, with the average precision of pixels in
        ``pixel_precision`` by group and ``pixel_precision_per_class`` where it is measured;
        ``map``, ``map50`` and ``per_class`` for detection. And the finished runner with the model.
    """
    cfg.experiment_name = f'{Path(cfg.work_dir).name}_{time.time_ns()}'
    runner = Runner.from_cfg(cfg)
    runner.train()
    return summarise(runner.test()), runner


def summarise(found: Mapping[str, float]) -> dict:
    """Metrics of a table out of those that MMSegmentation or MMDetection reports."""
    if 'coco/bbox_mAP' in found:
        percent = {
            k.removeprefix('coco/'): 100 * float(v) if v >= 0 else float('nan')
            for k, v in found.items()
        }
        end = '_precision'
        classes = {k.removesuffix(end): v for k, v in percent.items() if k.endswith(end)}
        return dict(map=percent['bbox_mAP'], map50=percent['bbox_mAP_50'], per_class=classes)
    groups, classes = (
        {k.removeprefix(kind): v for k, v in found.items() if k.startswith(kind)}
        for kind in ('mIoU/', 'IoU/')
    )
    miou = groups.pop('all')
    metrics = dict(miou=miou, acc=float(found['aAcc']), **groups, per_class=classes)
    for kind, key in (('mAP/', 'pixel_precision'), ('AP/', 'pixel_precision_per_class')):
        if precision := {k.removeprefix(kind): v for k, v in found.items() if k.startswith(kind)}:
            metrics[key] = precision
    return metrics


def cached_readout(cfg: Config, key: str) -> dict:
    """As :func:`run_readout`, but results of the same settings are read back.

    Args:
        cfg: Result of :func:`readout_config`.
        key: Its :func:`readout_key`.

    Returns:
        Content of ``result.json`` in the work dir: ``dict(metrics, seconds, key)``; NaN is None.
    """
    file = Path(cfg.work_dir, 'result.json')
    result = read_json(file)
    if result and result.get('key') == key:
        return result
    start = time.monotonic()
    metrics, _ = run_readout(cfg)
    result = dict(key=key, metrics=without_nan(metrics), seconds=round(time.monotonic() - start, 1))
    write_json(file, result, indent=2)
    return result


def readout_key(cfg: Config, checkpoint: str | None) -> str:
    """Hash of all that decides a readout's metrics, but not of where it is run."""
    settings = {k: v for k, v in cfg.to_dict().items() if k not in ('work_dir', 'experiment_name')}
    digest = hashlib.sha256(Config(settings).pretty_text.encode())
    if checkpoint is not None and Path(checkpoint).is_file():
        digest.update(Path(checkpoint).read_bytes())
    return digest.hexdigest()[:16]


def without_nan(scores: Mapping) -> dict:
    """NaN (nothing to score) becomes None, as JSON has no NaN; numbers are rounded to 0.01."""
    return {
        name: without_nan(value)
        if isinstance(value, Mapping)
        else (None if value != value else round(float(value), 2))
        for name, value in scores.items()
    }
