"""The whole demo: data, pretraining, readouts, table, metrics and report."""

import os
from pathlib import Path

from mmengine.config import Config

from poodle_mm.engine.config import load_config
from poodle_mm.engine.pretrain import pretrain, steps_in
from poodle_mm.engine.resumable import run_checkpoints
from poodle_mm.engine.schedule import set_max_iters
from poodle_mm.experiments.demo.readouts import read_out
from poodle_mm.experiments.demo.summary import results_table, write_demo_report
from poodle_mm.utils.files import write_json
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
    """Pretrain, read out, and write ``metrics.json`` and the report into ``work_dir``.

    Args:
        config: A config by iterations with ``readout``, and with ``scenes`` (arguments of
            :func:`~poodle_scenes.write_scenes`) if its data has to be made first.
        config_dir: ``configs/downstream``, the configs of the readouts.
        work_dir: Folder of everything that is written, but for the scenes.
        data_root: Folder of the data, default the config's.
        minutes: Length of the pretraining; default the config's number of iterations.
        seed: Seed of initialisation, of the pairs that are drawn and of their order.
        eval_split: Split on which the readouts are scored, ``'val'`` or ``'test'``.
        command: Command line, for the report.

    Returns:
        Content of ``metrics.json``.

    Raises:
        ValueError: If ``minutes`` is not positive, the config is no demo config, or ``work_dir``
            holds an earlier demo.
        FileNotFoundError: If config or data are missing.
    """
    if minutes is not None and minutes <= 0:
        raise ValueError(f'--minutes must be positive, got {minutes}')
    work_dir = Path(work_dir)
    cfg = _demo_config(config, work_dir / 'pretrain', data_root, seed)
    data_root = cfg.train_dataloader.dataset.data_root
    if run_checkpoints(cfg.work_dir):
        raise ValueError(
            f'{work_dir} holds the checkpoints of an earlier demo: choose another --work-dir, or '
            'move that folder away'
        )
    if 'scenes' in cfg:
        write_scenes(data_root, workers=os.cpu_count() or 1, **cfg.scenes)
    if minutes is not None:
        set_max_iters(cfg, steps_in(cfg, minutes))

    trained = pretrain(cfg)
    readout_dir = work_dir / 'readout'
    readouts = read_out(
        cfg, trained.checkpoint, config_dir, data_root, eval_split, readout_dir, seed
    )
    metrics = readouts.metrics | dict(
        pretrain_seconds=round(trained.seconds, 1),
        pairs_per_second=round(trained.pairs / trained.seconds, 2),
        pairs=trained.pairs,
        steps=trained.runner.iter,
        seed=seed,
        config=str(config),
        eval_split=eval_split,
        class_groups=readouts.groups,
    )
    write_json(work_dir / 'metrics.json', metrics, indent=2)
    html = write_demo_report(metrics, trained, readouts, command, str(data_root), work_dir)
    print(f'{results_table(metrics)}\nreport: {html}\nmetrics: {work_dir / "metrics.json"}')
    return metrics


def _demo_config(
    config: str | Path, work_dir: Path, data_root: str | Path | None, seed: int
) -> Config:
    cfg = load_config(config)
    if 'readout' not in cfg:
        raise ValueError(f'{config} has no readout = dict(...): it is no demo config')
    if data_root is not None:
        cfg.train_dataloader.dataset.data_root = str(data_root)
    cfg.work_dir = str(work_dir)
    cfg.randomness = dict(seed=seed)
    for part in (cfg.train_dataloader.dataset, cfg.train_dataloader.sampler):
        part.seed = seed
    return cfg
