"""Pretraining from Python: videos in, an encoder out."""

from pathlib import Path
from typing import Any

from poodle_mm.apis.encoder import DenseEncoder, load_encoder
from poodle_mm.datasets.remote.urls import is_url
from poodle_mm.engine.cpu_ranks import cpu_ranks, processes_to_start
from poodle_mm.engine.resumable import find_resumable
from poodle_mm.engine.train import build_runner, training_config


def pretrain(
    videos: str | Path,
    out: str | Path,
    config: str | Path = 'poodle_r50_videos.py',
    iters: int | None = None,
    **options: Any,
) -> DenseEncoder:
    """Pretrain on a folder of videos, as ``tools/train.py`` does, and load what came out.

    Args:
        videos: Folder with videos, also in subfolders; or a URL (docs/remote.md).
        out: Work dir of the run, for checkpoints, logs and pictures.
        config: Path of a config that reads one data set, or the name of one of ours.
        iters: Length in iterations, schedules in proportion, of a config that counts them; None:
            as the config says.
        **options: Overrides of the config, dotted keys to values, e.g.
            ``**{'train_cfg.max_epochs': 20}``; ``resume=True`` goes on from the last checkpoint.

    Returns:
        The encoder of the last checkpoint, see :func:`load_encoder`.

    Raises:
        FileNotFoundError: If there is no such config, or no video.
        KeyError: If an option is misspelt.
        ValueError: If the config reads more or other data than a folder of videos, ``out`` holds
            an earlier run, or the videos do not fill a batch; or if the config counts epochs and
            ``iters`` is given.
    """
    cfg = training_config(config, work_dir=str(out), cfg_options=options, iters=iters)
    data = cfg.train_dataloader.dataset
    if 'data_root' not in data:
        raise ValueError(f'{config}: its train_dataloader.dataset has no data_root to be replaced')
    data.data_root = videos if is_url(videos) else str(Path(videos).expanduser().resolve())
    data.data_prefix = dict(path='')
    with cpu_ranks(cfg, processes_to_start(cfg)):
        build_runner(cfg).train()
    return load_encoder(find_resumable(out))
