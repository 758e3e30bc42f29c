"""The whole demo: data, pretraining, readouts, table, metrics and report."""

import json
import os
from pathlib import Path

from matplotlib.figure import Figure

from poodle_mm.engine.config import load_config
from poodle_mm.engine.hooks.pair_visualization_hook import look
from poodle_mm.engine.pretrain import PretrainingResult, pretrain, steps_in
from poodle_mm.engine.schedule import set_max_iters
from poodle_mm.evaluation.readout import without_nan
from poodle_mm.experiments.demo import figures
from poodle_mm.experiments.demo.report import build_report, format_table
from poodle_mm.utils.files import write_text
from poodle_mm.visualization.pair import draw_pair
from poodle_scenes import write_scenes


def run_demo(
    config: str | Path,
    config_dir: Path,
    work_dir: str | Path,
    data_root: str | Path | None = None,
    minutes: float | None = None,
    seed: int = 0,
    eval_split: str = 'test',
    command: str = '',
) -> dict:
    """Pretrain, read out, and write ``metrics.json`` and ``report.html`` into ``work_dir``.

    Args:
        config: A demo config: trains by iterations, has ``readout``, and ``scenes`` (the arguments
            of :func:`~poodle_scenes.write_scenes`) if its data has to be made first.
        config_dir: ``configs/downstream``, the configs of the readouts.
        work_dir: Folder of everything that is written, but for the scenes.
        data_root: Folder of the data, default the config's.
        minutes: Length of the pretraining; default the config's number of iterations.
        seed: Of initialisation, of the pairs that are drawn and of their order.
        eval_split: Split on which the readouts are scored, ``'val'`` or ``'test'``.
        command: Command line, for the report.

    Returns:
        What ``metrics.json`` holds.

    Raises:
        ValueError: If ``minutes`` is not positive, or the config is no demo config.
        FileNotFoundError: If config or data are missing.
    """
    if minutes is not None and minutes <= 0:
        raise ValueError(f'--minutes must be positive, got {minutes}')
    work_dir = Path(work_dir)
    cfg = load_config(config)
    if 'readout' not in cfg:
        raise ValueError(f'{config} has no readout = dict(...): it is no demo config')
    if data_root is not None:
        cfg.train_dataloader.dataset.data_root = str(data_root)
    data_root = Path(cfg.train_dataloader.dataset.data_root)
    cfg.work_dir = str(work_dir / 'pretrain')
    cfg.randomness = dict(seed=seed)
    for part in (cfg.train_dataloader.dataset, cfg.train_dataloader.sampler):
        part.seed = seed
    if 'scenes' in cfg:
        write_scenes(data_root, workers=os.cpu_count() or 1, **cfg.scenes)
    if minutes is not None:
        set_max_iters(cfg, steps_in(cfg, minutes))
    trained = pretrain(cfg)

    from poodle_mm.experiments.demo.readouts import (
        read_out,  # MMSegmentation takes seconds to import
    )

    readouts = read_out(
        cfg,
        trained.checkpoint,
        config_dir,
        data_root,
        eval_split,
        work_dir / 'readout',
        seed=seed,
    )
    metrics = {
        part: {weights: without_nan(scores) for weights, scores in rows.items()}
        for part, rows in readouts.metrics.items()
    } | dict(
        pretrain_seconds=round(trained.seconds, 1),
        pairs_per_second=round(trained.pairs / trained.seconds, 2),
        pairs=trained.pairs,
        steps=trained.runner.iter,
        seed=seed,
        config=str(config),
        eval_split=eval_split,
        class_groups=readouts.groups,
    )
    pages = {
        'Pretraining': (
            'Losses fall while the projections stay spread out; a collapsed network would have a '
            'small loss and a spread of zero.',
            figures.draw_curves(trained.runner.message_hub.log_scalars),
        ),
        'What the network sees': (
            'Two frames of one video: subcrops that follow the flow, the flow both ways, pixels '
            'without a counterpart, augmented views and the features of the trained network.',
            _pair_figure(trained),
        ),
        'Segmentation before and after': (
            'Held-out images, their labels and the predictions of the linear readouts.',
            figures.draw_segmentations(readouts),
        ),
        'Features before and after': (
            'First three principal components of the frozen features as red, green and blue.',
            figures.draw_features(readouts),
        ),
        'Classes': (
            'Which classes the pretraining helps.',
            figures.draw_classes(readouts),
        ),
    }
    report = build_report(metrics, pages, command, source=str(data_root))
    write_text(work_dir / 'metrics.json', json.dumps(metrics, indent=2) + '\n')
    write_text(work_dir / 'report.html', report)
    print(format_table(metrics))
    print(f'report: {work_dir / "report.html"}\nfigures: {work_dir / "metrics.json"}')
    return metrics


def _pair_figure(trained: PretrainingResult) -> Figure:
    batch = next(iter(trained.runner.train_dataloader))
    batch = {name: batch[name][:2] for name in ('inputs', 'data_samples')}
    views, features = look(trained.runner.model, batch)
    return draw_pair(views, features=features)
