"""The demo's four linear readouts: random and pretrained weights, without and with decoder."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmseg.registry import DATASETS
from numpy.typing import NDArray
from tqdm import tqdm

from poodle_mm.checkpoints import read_checkpoint
from poodle_mm.evaluation.readout import readout_config, run_readout
from poodle_mm.visualization.pca import feature_pca
from poodle_mm.evaluation.class_groups import groups_of


@dataclass
class Readouts:
    """Figures and pictures of the readouts, by network part, then ``random``/``pretrained``.

    Attributes:
        metrics: ``dict(miou, acc, small, large, per_class)`` in percent.
        predictions: Class ids of the shown images, uint8 (H, W) each.
        pca: Features of the shown images as colours, uint8 (N, h, w, 3).
        images: The shown images, uint8 RGB (H', W', 3) each.
        truth: Their labels, uint8 (H, W), 255 where unlabelled.
        classes, palette: Names and RGB colours of the classes.
        groups: Class names of each group.
    """

    metrics: dict = field(default_factory=dict)
    predictions: dict = field(default_factory=dict)
    pca: dict = field(default_factory=dict)
    images: list[NDArray] = field(default_factory=list)
    truth: list[NDArray] = field(default_factory=list)
    classes: tuple = ()
    palette: NDArray | None = None
    groups: dict = field(default_factory=dict)


def read_out(
    cfg: Config,
    checkpoint: Path,
    config_dir: Path,
    data_root: str | Path,
    eval_split: str,
    work_dir: Path,
    seed: int = 0,
    num_shown: int = 3,
) -> Readouts:
    """Fit and test all readouts of a pretraining.

    Args:
        cfg: The pretraining's config with ``readout = dict(suite, size)``, arguments of
            :func:`~poodle_mm.evaluation.readout.readout_config`.
        checkpoint: Its checkpoint.
        config_dir: ``configs/downstream``.
        data_root: Folder with ``images`` and ``labels``.
        eval_split: Split that is scored.
        work_dir: Folder of the readouts' runs.
        seed: Of random weights and heads.
        num_shown: Images of the split, evenly spread, of which pictures are kept.
    """
    trained = read_checkpoint(checkpoint)
    encoders = dict(random=replace(trained, path=None), pretrained=trained)
    parts = dict(encoder='linear-encoder')
    if trained.neck:
        parts['encoder_sdm'] = 'linear'
    runs = {
        (part, weights): readout_config(
            config_dir,
            readout=readout,
            encoder=encoder,
            work_dir=work_dir / f'{part}_{weights}',
            data_root=data_root,
            split=eval_split,
            seed=seed,
            **cfg.readout,
        )
        for part, readout in parts.items()
        for weights, encoder in encoders.items()
    }
    any_run = next(iter(runs.values()))
    groups = groups_of(any_run)
    init_default_scope('mmseg')
    dataset = DATASETS.build(dict(any_run.test_dataloader.dataset, lazy_init=True, pipeline=[]))
    result = Readouts(
        classes=dataset.metainfo['classes'],
        palette=np.array(dataset.metainfo['palette'], np.uint8),
        groups=groups,
    )
    for (part, weights), run in (bar := tqdm(runs.items(), desc='linear readouts', unit='fit')):
        bar.set_postfix_str(f'{part}, {weights}')
        run.log_level = 'ERROR'
        run.test_evaluator.groups = groups
        metrics, runner = run_readout(run)
        result.metrics.setdefault(part, {})[weights] = metrics
        _keep_pictures(result, part, weights, runner, num_shown)
    return result


@torch.no_grad()
def _keep_pictures(
    result: Readouts, part: str, weights: str, runner: Runner, num_shown: int
) -> None:
    images = runner.test_dataloader.dataset
    shown = min(num_shown, len(images))
    chosen = [(2 * i + 1) * len(images) // (2 * shown) for i in range(shown)]
    batch = pseudo_collate([images[i] for i in chosen])
    model = runner.model
    features = model.extract_feat(model.data_preprocessor(batch)['inputs'])[-1]
    samples = model.test_step(batch)
    result.pca.setdefault(part, {})[weights] = feature_pca(features)
    result.predictions.setdefault(part, {})[weights] = [
        s.pred_sem_seg.data[0].byte().cpu().numpy() for s in samples
    ]
    result.truth = [s.gt_sem_seg.data[0].byte().cpu().numpy() for s in samples]
    result.images = [x.flip(0).permute(1, 2, 0).numpy() for x in batch['inputs']]
