"""A contact sheet of what a config would train on, and a verdict."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, fields
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from mmengine.config import Config

from poodle_mm.engine.browse.draws import Drawn, Draws
from poodle_mm.engine.browse.rows import Row, measure
from poodle_mm.engine.browse.verdict import Keys, Line, verdict
from poodle_mm.engine.config import load_config, set_data_root
from poodle_mm.evaluation.flow.methods import estimator_config
from poodle_mm.experiments.report import Picture, write_report
from poodle_mm.utils.files import replacing
from poodle_mm.utils.progress import Progress
from poodle_mm.utils.tables import markdown_table

_SHORT = dict(dis='dis-medium', raft='raft-large')


def browse_pairs(
    config: str | Path,
    out: str | Path | None = None,
    data_root: str | None = None,
    num: int = 12,
    stats: int = 200,
    flow: str | None = None,
    cfg_options: dict | None = None,
    device: str | None = None,
) -> tuple[list[Path], list[Line]]:
    """Draw what a training would draw first, measure it, and write sheet, numbers and verdict.

    The pairs are those of epoch 0, in the order of a training on one process (with several
    processes the k-th of n gets every n-th). Nothing is trained, and nothing is written but below
    ``out``.

    Args:
        config: Config of a pretraining.
        out: Folder of the files; None: ``work_dirs/browse/<config name>``.
        data_root: Folder for every data set of the config.
        num: Pairs on the sheet; those with something wrong get a second sheet.
        stats: Pairs to measure; fewer if the sampler ends before.
        flow: Spec of an estimator as ``tools/eval_flow.py`` has it, or ``'dis'``, in place of the
            config's; of trainings on pairs that have none, in addition.
        cfg_options: Overrides of the config.
        device: Where flow and views are made; None: a GPU if there is one.

    Returns:
        The files, and the lines of the verdict.

    Raises:
        FileNotFoundError: If config, data or weights of the flow are missing.
        ValueError: If the config trains on no pairs, or a number is below 1.
    """
    if num < 1 or stats < 1:
        raise ValueError(f'--num and --stats must be at least 1, got {num} and {stats}')
    cfg = load_config(config, cfg_options)
    if data_root is not None:
        set_data_root(cfg, data_root)
    folder = Path(out or Path('work_dirs', 'browse', Path(config).stem))
    keys = config_keys(cfg)
    name = None if flow is None else flow.partition('=')[0]
    estimator = (
        None if flow is None else estimator_config(flow.replace(name, _SHORT.get(name, name), 1))
    )
    device = device or ('cuda' if torch.cuda.is_available() else 'cpu')
    draws = Draws(cfg, folder / 'index', estimator, device)

    rows, first, wrong = [], [], []
    bar = Progress(islice(draws, stats), desc='draws', unit='draw', total=stats)
    for drawn in bar:
        row = measure(drawn)
        rows.append(row)
        kept = first if len(first) < num else wrong if row.flags else []
        if len(kept) < num:
            kept.append((drawn, row))
    lines = verdict(rows, keys, draws.unreadable, draws.num_files)
    files = _write(folder, Path(config).stem, rows, first, wrong, lines, flow)
    return files, lines


def config_keys(cfg: Config) -> Keys:
    """The keys that the advice for a config names."""
    dataset = cfg.train_dataloader.dataset
    part = dataset.get('datasets', [dataset])[0]
    name = 'train_dataloader.dataset'
    pipeline = dataset.get('pipeline') or part.get('pipeline') or []
    crop = f'{name}.pipeline'
    if pipeline and 'PairRandomCrop' in str(pipeline[0]['type']):
        crop += '.0.scale' if pipeline[0].get('scale') else '.0.area'
    elif pipeline:
        crop = f'crop_ratio_range in {crop}'
    inner = f'{name}.datasets.N' if 'datasets' in dataset else name
    spacing = 'spacing' if 'FrameClip' in str(part['type']) else 'delta'
    return Keys(inner, spacing, crop, 'model.data_preprocessor.flow')


def _write(
    folder: Path,
    name: str,
    rows: Sequence[Row],
    first: Sequence[tuple[Drawn, Row]],
    wrong: Sequence[tuple[Drawn, Row]],
    lines: Sequence[Line],
    flow: str | None,
) -> list[Path]:
    """Write page, sheets and a CSV with a line for each draw."""
    warned = [line for line in lines if line.advice]
    plural = '' if len(warned) == 1 else 's'
    state = f'{len(warned)} warning{plural}' if warned else 'nothing to warn of'
    how = f', flow by {flow}' if flow else ''
    parts: list[str | Picture] = [
        f'# What {name} would train on: {state}',
        f'{len(rows)} draws from epoch 0 on, as its dataloader and preprocessor give them{how}.',
        '## Verdict',
        markdown_table(
            ['', 'numbers', 'likely cause, and the key to change'],
            [
                [f'**{"WARNING" if line.advice else "ok"}**', line.text, line.advice]
                for line in lines
            ],
        ),
    ]
    parts += ['## First draws', Picture('pairs.png', 'first draws', _sheet(first))]
    if wrong:
        parts += [
            '## More with something wrong',
            Picture('flagged.png', 'draws with something wrong', _sheet(wrong)),
        ]
    files = write_report(folder, 'pairs', parts)
    return [*files, _write_rows(folder / 'pairs.csv', rows)]


def _sheet(shown: Sequence[tuple[Drawn, Row]]):
    """Contact sheet of draws."""
    from poodle_mm.visualization.browse_cells import pair_cells, sheet_lines, view_cells
    from poodle_mm.visualization.contact_sheet import SheetRow, draw_sheet

    views = shown[0][0].views
    has = {
        name: isinstance(views, dict) and name in views for name in ('flow', 'subcrops', 'dense')
    }
    has['views'] = not isinstance(views, dict)
    fastest = None
    if has['flow']:
        lengths = torch.cat([d.views['flow'][0].norm(dim=0)[::4, ::4].flatten() for d, _ in shown])
        fastest = max(float(np.quantile(lengths.numpy(), 0.95)), 1.0)
    sheet = []
    for drawn, row in shown:
        record = drawn.record
        if has['views']:
            cells = view_cells(record.frames[0], record.crops, drawn.views)
        else:
            cells = pair_cells(drawn.views, fastest or 1.0)
        sheet.append(SheetRow(cells, _title(row), row.flags))
    return draw_sheet(sheet, sheet_lines(has), fastest)


def _title(row: Row) -> str:
    """Source, frames and measures of a draw in a line."""
    words = [f'{row.source} {row.frames[0]}→{row.frames[-1]} ({row.seconds:.2f} s)']
    if row.area is not None:
        words.append(
            f'crop {row.area:.0%} of the frame, {row.aspect:.2f}:1, {row.density:.2f} source '
            'pixels per pixel'
        )
    if row.valid is not None:
        words.append(f'valid {row.valid:.0%}, difference {row.before:.0f} → {row.after:.0f}')
    if row.fallback:
        words.append(f'fallback {row.fallback:.0%}')
    return '   '.join(words)


def _write_rows(path: Path, rows: Sequence[Row]) -> Path:
    """Write the measures of all draws."""
    with replacing(path) as temporary, open(temporary, 'w', newline='', encoding='utf-8') as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], lineterminator='\n')
        writer.writeheader()
        for row in rows:
            writer.writerow(asdict(row) | dict(frames=' '.join(map(str, row.frames))))
    return path
