"""One readout: train a head on a frozen (or fine-tuned) encoder, test it, keep the figures."""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path

from mmengine.config import Config
from mmengine.runner import Runner

from poodle_mm.utils.files import read_json, write_text


def run_readout(cfg: Config) -> tuple[dict, Runner]:
    """Train and test the head of a downstream config.

    Args:
        cfg: What :func:`~poodle_mm.evaluation.suites.readout_config` returns.

    Returns:
        Metrics in percent, NaN where there is nothing to score: ``miou``, ``acc``, the groups of
        the metric and ``per_class`` for segmentation; ``map``, ``map50`` and ``per_class`` for
        detection. And the finished runner with the model.
    """
    cfg.experiment_name = f'{Path(cfg.work_dir).name}_{time.time_ns()}'
    runner = Runner.from_cfg(cfg)
    runner.train()
    return summarise(runner.test()), runner


def summarise(found: Mapping[str, float]) -> dict:
    """The figures of a table out of what MMSegmentation or MMDetection reports."""
    if 'coco/bbox_mAP' in found:
        percent = {k: 100 * float(v) if v >= 0 else float('nan') for k, v in found.items()}
        classes = {
            k.removeprefix('coco/').removesuffix('_precision'): v
            for k, v in percent.items()
            if k.endswith('_precision')
        }
        return dict(
            map=percent['coco/bbox_mAP'], map50=percent['coco/bbox_mAP_50'], per_class=classes
        )
    groups = {k.removeprefix('mIoU/'): v for k, v in found.items() if k.startswith('mIoU/')}
    miou = groups.pop('all')
    classes = {k.removeprefix('IoU/'): v for k, v in found.items() if k.startswith('IoU/')}
    return dict(miou=miou, acc=float(found['aAcc']), **groups, per_class=classes)


def cached_readout(cfg: Config, key: str) -> dict:
    """As :func:`run_readout`, but what was done before under the same settings is read back.

    The result lies in ``result.json`` of the work dir together with ``key``, what
    :func:`readout_key` returns.

    Returns:
        ``dict(metrics, seconds, key)``; NaN is None.
    """
    file = Path(cfg.work_dir, 'result.json')
    result = read_json(file)
    if result and result.get('key') == key:
        return result
    start = time.monotonic()
    metrics, _ = run_readout(cfg)
    result = dict(key=key, metrics=without_nan(metrics), seconds=round(time.monotonic() - start, 1))
    write_text(file, json.dumps(result, indent=2) + '\n')
    return result


def readout_key(cfg: Config, checkpoint: str | None) -> str:
    """Hash of all that decides a readout's figures, but not of where it is run."""
    settings = {k: v for k, v in cfg.to_dict().items() if k not in ('work_dir', 'experiment_name')}
    digest = hashlib.sha256(Config(settings).pretty_text.encode())
    if checkpoint is not None and Path(checkpoint).is_file():
        digest.update(Path(checkpoint).read_bytes())
    return digest.hexdigest()[:16]


def without_nan(scores: Mapping) -> dict:
    """NaN (nothing to score) becomes None, as JSON has no NaN; figures are rounded to 0.01."""
    return {
        name: without_nan(value)
        if isinstance(value, Mapping)
        else (None if value != value else round(float(value), 2))
        for name, value in scores.items()
    }
