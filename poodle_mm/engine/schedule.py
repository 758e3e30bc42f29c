"""Making a training shorter or longer."""

from mmengine.config import Config


def set_max_iters(cfg: Config, max_iters: int) -> None:
    """Make an iteration-based training shorter or longer, its schedules in proportion.

    Raises:
        ValueError: If the config trains by epochs.
    """
    before = cfg.train_cfg.get('max_iters')
    if before is None or any(s.get('by_epoch', True) for s in cfg.param_scheduler):
        raise ValueError(
            'the length can be set for configs that train by iterations: train_cfg.max_iters and '
            'by_epoch=False in each param_scheduler'
        )
    hooks = [h for h in cfg.get('custom_hooks') or [] if 'schedule_iters' in h]
    for part in [*cfg.param_scheduler, *hooks]:
        for key in ('begin', 'end', 'T_max', 'schedule_iters'):
            if part.get(key) is not None:
                part[key] = max(round(part[key] * max_iters / before), key != 'begin')
    cfg.train_cfg.max_iters = max_iters
