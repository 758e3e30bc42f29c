"""What the rows of a study cost: time, frames of video, parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from poodle_mm.checkpoints import encoder_of_config
from poodle_mm.engine.schedule import frames_per_item
from poodle_mm.experiments.ablations.runs import Run
from poodle_mm.registry import MODELS
from poodle_mm.utils.tables import markdown_table, spread

_METRICS = dict(
    miou='mIoU', acc='Acc', small='Small', large='Large', rare='Rare', common='Common'
)  # fmt: skip


def costs_of(run: Run, stats: dict) -> dict[str, float]:
    """Cost of a finished run.

    Args:
        run: Run, which trains or not.
        stats: What ``RunStatsHook`` wrote of its training; empty for random weights.

    Returns:
        ``seconds`` of training and ``frames`` of video seen, 0 without a training, and
        ``parameters`` of the encoder and, if there is one, of the spatial decoder.
    """
    cfg = run.load()
    frames = frames_per_item(cfg.train_dataloader.dataset) * stats.get('pairs', 0)
    encoder = encoder_of_config(cfg)
    parts = [encoder.backbone] + ([encoder.neck] if encoder.neck and run.trains else [])
    counts = [sum(p.numel() for p in MODELS.build(dict(part)).parameters()) for part in parts]
    return dict(seconds=stats.get('seconds', 0), frames=frames, parameters=sum(counts))


def cost_table(report: dict, values: Callable[[dict, str], Sequence[float]]) -> str:
    """Scores and costs of each row: mean ± standard deviation, costs as means over seeds.

    Args:
        report: Result of :func:`~poodle_mm.experiments.ablations.report.collect`, rows with
            ``costs``.
        values: Function from a row and a metric to the scores of its seeds.
    """
    rows = []
    for row in report['rows']:
        costs = [seed['costs'] for seed in row['seeds'].values()]
        means = {k: np.mean([c[k] for c in costs]) for k in costs[0]} if costs else {}
        rows.append(
            [
                row['label'],
                *(spread(values(row, metric)) for metric in _METRICS),
                f'{means["seconds"]:.0f}' if means.get('frames') else '–',
                f'{means["frames"]:.0f}' if means.get('frames') else '–',
                f'{means["parameters"] / 1e6:.2f}' if means else '–',
                str(len(row['seeds']) or '–'),
            ]
        )
    head = ['', *_METRICS.values(), 'training (s)', 'frames', 'parameters (M)', 'seeds']
    return markdown_table(head, rows)
