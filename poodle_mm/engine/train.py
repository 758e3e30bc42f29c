"""From the command line's arguments to a runner that is ready to train."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import default_collate, pseudo_collate
from mmengine.dist import get_rank, is_distributed
from mmengine.logging import print_log
from mmengine.runner import Runner

from poodle_mm.engine.config import load_config, refuse_secret_urls, set_data_root
from poodle_mm.engine.console import QuietRunner
from poodle_mm.engine.hooks.training_plan_hook import files_of
from poodle_mm.engine.loggers import set_logger
from poodle_mm.engine.resumable import check_resumable, last_resumable
from poodle_mm.engine.schedule import repeats_of, set_max_iters
from poodle_mm.engine.work_dir import check_unused, lock_work_dir
from poodle_mm.registry import register_all_modules
from poodle_mm.utils.errors import warn


def training_config(
    config: str | Path,
    work_dir: str | None = None,
    resume: str | None = None,
    amp: str | None = None,
    auto_scale_lr: bool = False,
    cfg_options: dict[str, Any] | None = None,
    launcher: str = 'none',
    data_root: str | None = None,
    iters: int | None = None,
    logger: str | None = None,
) -> Config:
    """Merge the arguments of ``tools/train.py`` into a config.

    Args:
        config: Config file.
        work_dir: Folder of the run; default the config's, else ``work_dirs/<config name>``.
        resume: ``'auto'`` (the last whole checkpoint of the work dir; a fresh start if it has
            none), a checkpoint file, or None (as the config says).
        amp: Mixed precision: ``'bfloat16'`` (:class:`BFloat16OptimWrapper`), ``'float16'``
            (MMEngine's ``AmpOptimWrapper`` with a dynamic loss scale; GPUs only), or None (as the
            config says).
        auto_scale_lr: Scale the learning rate by total batch / ``auto_scale_lr.base_batch_size``.
            Unlike in MMEngine, accumulation and repeated sampling count.
        cfg_options: Overrides of the config, dotted keys to values.
        launcher: ``'none'``, ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        data_root: Folder for every data set of the config, any path; or a URL.
        iters: Length in iterations, schedules in proportion, of a config that counts them.
        logger: See :func:`~poodle_mm.engine.loggers.set_logger`; None: as the config says.

    Raises:
        FileNotFoundError: If the config or the checkpoint does not exist.
        ImportError: If the logger's package is missing.
        KeyError: If a key is misspelt.
        ValueError: If the checkpoint cannot be resumed from, or if a run that does not resume
            would write into the work dir of an earlier one, or if the config has no data root or
            counts epochs where one of the last two arguments is given.
    """
    cfg = load_config(config, cfg_options)
    if data_root is not None:
        set_data_root(cfg, data_root)
    if iters is not None:
        set_max_iters(cfg, iters)
        # a warm-up of a single step would never leave its first value
        cfg.param_scheduler = [
            s
            for s in cfg.get('param_scheduler') or []
            if s.type != 'LinearLR' or s.end - s.begin > 1
        ]
    if not torch.cuda.is_available() and 'train_dataloader' in cfg:
        cfg.train_dataloader.pop('pin_memory', None)  # torch warns of it
    if cfg.get('train_cfg'):
        plan = dict(plan=dict(type='TrainingPlanHook'))
        cfg.default_hooks = plan | (cfg.get('default_hooks') or {})
    cfg.launcher = launcher
    cfg.work_dir = work_dir or cfg.get('work_dir') or str(Path('work_dirs') / Path(config).stem)
    if logger:
        set_logger(cfg, logger)
    if amp:
        _enable_amp(cfg, amp)
    if auto_scale_lr:
        if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
            raise ValueError(
                '--auto-scale-lr needs auto_scale_lr = dict(base_batch_size=...) in the config'
            )
        cfg.auto_scale_lr.enable = True
    if resume is None and cfg.get('resume'):
        resume = cfg.get('load_from') or 'auto'
    if resume is None:
        check_unused(cfg.work_dir)
    elif resume == 'auto':
        resume = last_resumable(cfg.work_dir)
    else:
        check_resumable(resume)
    # Without a checkpoint, load_from stays: the run starts as it did the first time.
    cfg.resume = resume is not None
    if resume:
        cfg.load_from = resume
    return cfg


def _enable_amp(cfg: Config, dtype: str) -> None:
    if dtype == 'bfloat16':
        cfg.optim_wrapper.type = 'BFloat16OptimWrapper'
        cfg.optim_wrapper.pop('loss_scale', None)
    elif dtype != 'float16':
        raise ValueError(f"mixed precision is 'bfloat16' or 'float16', not {dtype!r}")
    elif not torch.cuda.is_available():
        raise ValueError('float16 needs a GPU; on CPUs use --amp bfloat16')
    else:
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')


def build_runner(cfg: Config) -> Runner:
    """Build the runner of a config; on CPUs also for several processes (gloo).

    Raises:
        ImportError: If a module of this package does not import.
        ValueError: If several processes have no GPU and the backend needs one, or if the data do
            not fill a batch, or are not collated as ``repeats`` needs, if another process trains in
            the work dir, or if the data's URL has a password in it.
    """
    register_all_modules()
    refuse_secret_urls(cfg)  # before the runner writes it
    set_tf32(cfg.get('allow_tf32', False))
    if cfg.get('launcher', 'none') != 'none' and not torch.cuda.is_available():
        _prepare_cpu_processes(cfg)
    if cfg.get('train_cfg'):
        sampler = cfg.get('train_dataloader', {}).get('sampler', {})
        if 'max_iters' in cfg.train_cfg and sampler.get('type') == 'PairSampler':
            sampler.setdefault('infinite', True)  # MMEngine's resuming counts on it
        if _rank() == 0:  # before the runner writes its config there
            lock_work_dir(cfg.work_dir)
    runner = QuietRunner.from_cfg(cfg)
    if runner._train_loop is not None:
        _check_collate(runner)
        _check_loader(runner)
        _count_all_pairs(runner)
    return runner


def _count_all_pairs(runner: Runner) -> None:
    """MMEngine scales the rate by processes x samples: divide the base by what else multiplies."""
    scale = runner.auto_scale_lr or {}
    if scale.get('enable'):
        cfg = runner.cfg
        others = repeats_of(cfg.train_dataloader.dataset)
        others *= cfg.optim_wrapper.get('accumulative_counts', 1)
        runner.auto_scale_lr = dict(scale, base_batch_size=scale['base_batch_size'] / others)


def _rank() -> int:
    """This process's number, also before the processes know one another."""
    if is_distributed():
        return get_rank()
    names = ('RANK', 'SLURM_PROCID', 'OMPI_COMM_WORLD_RANK')
    return next((int(os.environ[name]) for name in names if name in os.environ), 0)


def _check_collate(runner: Runner) -> None:
    """Refuse items that are lists where MMEngine would transpose the batch."""
    loader = runner.train_loop.dataloader  # builds it, as training would
    repeats = getattr(loader.dataset, 'repeats', 1)
    function = getattr(loader.collate_fn, 'func', loader.collate_fn)
    if repeats > 1 and function in (default_collate, pseudo_collate):
        raise ValueError(
            f'repeats={repeats} makes an item a list, which collate_fn={function.__name__!r} does '
            "not flatten: collate packed pairs or clips with 'poodle_mm.frame_clip_collate', and "
            'set train_dataloader.dataset.repeats=1 for views'
        )


def _check_loader(runner: Runner) -> None:
    """Refuse data that do not fill a batch; schedules and loops would say something else.

    Where the sampler goes on into the next epoch a batch is filled all the same: a warning.
    """
    loader = runner.train_loop.dataloader
    own, infinite = len(loader.sampler), getattr(loader.sampler, 'infinite', False)
    if own >= (loader.batch_size or 1) or (own and not infinite and not loader.drop_last):
        return
    files = files_of(loader.dataset)[0]
    message = (
        f'fewer samples than a batch: the data set has {len(loader.dataset)} samples (files, clips '
        'or frames)' + (f' from {files} files' if files else '') + f', of which each of '
        f'{runner.world_size} processes gets {own} an epoch, and '
        f'batch_size={loader.batch_size}. Lower train_dataloader.batch_size to {own} or less, '
        'use fewer processes, give more videos, or cut them into clips '
        '(train_dataloader.dataset.source=clips; configs/poodle_r50_videos.py does)'
    )
    if not infinite:
        raise ValueError(message)
    warn(f'{message}. As it is, a batch holds the same video several times')


def set_tf32(allow: bool) -> None:
    """Allow or forbid TF32 in matrix products and convolutions of float32, and say so.

    torch allows it in cuDNN's convolutions by default; the paper trains in full float32.
    """
    torch.backends.cuda.matmul.allow_tf32 = allow
    torch.backends.cudnn.allow_tf32 = allow
    if torch.cuda.is_available():
        how = 'TF32 (10 bits of mantissa)' if allow else 'full float32; allow_tf32=True is faster'
        print_log(f'matrix products and convolutions on the GPU: {how}', logger='current')


def _prepare_cpu_processes(cfg: Config) -> None:
    """Set up several processes without GPUs, which MMEngine's launchers take for granted."""
    options = cfg.get('env_cfg', {}).get('dist_cfg', {})
    backend = options.get('backend', 'nccl')
    if cfg.launcher != 'pytorch' or backend == 'nccl':
        raise ValueError(
            f'no GPU found: launcher {cfg.launcher!r} with backend {backend!r} needs one per '
            "process. On CPUs use --launcher pytorch and env_cfg.dist_cfg.backend='gloo'"
        )
    if not is_distributed():
        # Seconds, as for MMEngine's launchers: how long to wait for a process that does not come.
        timeout = timedelta(seconds=options.get('timeout', 1800))
        torch.distributed.init_process_group(backend, timeout=timeout)
    cfg.sync_bn = None  # torch's SyncBatchNorm refuses CPU tensors
    cfg.model_wrapper_cfg = dict(
        type='MMDistributedDataParallel',
        device_ids=None,
        broadcast_buffers=False,
        find_unused_parameters=cfg.get('find_unused_parameters', False),
    )
