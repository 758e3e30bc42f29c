"""The demo's four linear readouts: random and pretrained weights, without and with decoder."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from numpy.typing import NDArray

from poodle_mm.checkpoints import read_checkpoint
from poodle_mm.evaluation.class_groups import groups_of
from poodle_mm.evaluation.readout import readout_config, run_readout, without_nan
from poodle_mm.evaluation.suites import LINEAR, LINEAR_ENCODER
from poodle_mm.utils.progress import Progress
from poodle_mm.visualization.images import label_colours
from poodle_mm.visualization.pca import feature_pca

PARTS = dict(encoder='encoder', encoder_sdm='encoder + SDM')
"""Parts of the network that are read out: names in ``metrics.json`` and in the report."""


@dataclass
class Readouts:
    """Metrics of the readouts, and pictures of some images by column, uint8 RGB (h, w, 3) each.

    Attributes:
        metrics: Network part, then ``random``/``pretrained``, to ``dict(miou, acc, small, large,
            rare, common, per_class)`` in percent; None where there was nothing to score.
        segmentations: Images, ground truth, and the predictions of each readout.
        features: Images, and the features that each readout saw as colours.
        legend: Classes in the ground truth to their RGB colours.
        groups: Class names of each group.
    """

    groups: dict[str, list[str]]
    metrics: dict[str, dict] = field(default_factory=dict)
    segmentations: dict[str, list[NDArray]] = field(default_factory=dict)
    features: dict[str, list[NDArray]] = field(default_factory=dict)
    legend: dict[str, NDArray] = field(default_factory=dict)


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
        cfg: The pretraining's config, with ``readout = dict(suite, size)``.
        checkpoint: Its checkpoint.
        config_dir: ``configs/downstream``.
        data_root: Folder with ``images`` and ``labels``.
        eval_split: Split that is scored.
        work_dir: Folder of the readouts' runs.
        seed: Seed of random weights and heads.
        num_shown: Number of images of which pictures are kept, evenly spread.
    """
    trained = read_checkpoint(checkpoint)
    encoders = dict(random=replace(trained, path=None), pretrained=trained)
    readouts = dict(encoder=LINEAR_ENCODER)
    if trained.neck:
        readouts['encoder_sdm'] = LINEAR
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
        for part, readout in readouts.items()
        for weights, encoder in encoders.items()
    }
    result = Readouts(groups=groups_of(next(iter(runs.values()))))
    for (part, weights), run in (bar := Progress(runs.items(), desc='linear readouts', unit='fit')):
        bar.set_postfix_str(f'{part}, {weights}')
        run.log_level = 'ERROR'
        run.test_evaluator.groups = result.groups
        metrics, runner = run_readout(run)
        result.metrics.setdefault(part, {})[weights] = without_nan(metrics)
        _keep_pictures(result, f'{PARTS[part]}, {weights}', runner, num_shown)
    return result


@torch.no_grad()
def _keep_pictures(result: Readouts, column: str, runner: Runner, num_shown: int) -> None:
    dataset, model = runner.test_dataloader.dataset, runner.model
    shown = min(num_shown, len(dataset))
    numbers = [(2 * i + 1) * len(dataset) // (2 * shown) for i in range(shown)]
    batch = pseudo_collate([dataset[number] for number in numbers])
    features = model.extract_feat(model.data_preprocessor(batch)['inputs'])[-1]
    samples = model.test_step(batch)
    classes, palette = dataset.metainfo['classes'], dataset.metainfo['palette']
    truth, predictions = (
        [sample.get(name).data[0].byte().cpu().numpy() for sample in samples]
        for name in ('gt_sem_seg', 'pred_sem_seg')
    )
    images = [image.flip(0).permute(1, 2, 0).numpy() for image in batch['inputs']]
    result.segmentations |= {
        'image': images,
        'ground truth': [label_colours(labels, palette) for labels in truth],
        column: [label_colours(labels, palette) for labels in predictions],
    }
    result.features |= {'image': images, column: feature_pca(features)}
    present = np.unique(np.concatenate([labels.ravel() for labels in truth]))
    result.legend = {classes[i]: palette[i] for i in present if i < len(classes)}
