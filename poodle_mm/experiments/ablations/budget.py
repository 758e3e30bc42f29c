"""Length of a training: epochs, pairs, frames or minutes."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config

from poodle_mm.engine.pretrain import steps_in
from poodle_mm.engine.schedule import (
    epochs_of_a_pass,
    frames_per_item,
    length_options,
    repeats_of,
)
from poodle_mm.registry import DATASETS
from poodle_mm.utils.files import read_json, write_json

_UNITS = dict(
    min='minutes', minutes='minutes', e='epochs', epochs='epochs', p='pairs', pairs='pairs',
    f='frames', frames='frames',
)  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """An amount of training.

    Attributes:
        amount: Number of units.
        unit: ``'epochs'`` (the paper's: a pass over the videos with R pairs a visit counts as R),
            ``'pairs'``, ``'frames'`` (:func:`frames_per_item`) or ``'minutes'``.
    """

    amount: float
    unit: str

    def __str__(self) -> str:
        return f'{self.amount:g} {self.unit}'


def parse_budget(text: str) -> Budget:
    """``'10min'``, ``'6400pairs'``, ``'12800frames'``, ``'40'`` or ``'40epochs'``.

    Raises:
        ValueError: If it is none of these.
    """
    match = re.fullmatch(r'(\d+(?:\.\d+)?)\s*([a-z]*)', text.strip())
    unit = _UNITS.get(match[2] or 'epochs') if match else None
    if unit is None or float(match[1]) <= 0:
        raise ValueError(
            f'budget {text!r}: write 10min, 6400pairs, 12800frames, or a number of epochs'
        )
    return Budget(float(match[1]), unit)


def pairs_per_step(cfg: Config) -> int:
    """Pairs of one optimizer step over all processes that the config is meant for."""
    loader = cfg.train_dataloader
    return (
        loader.batch_size
        * repeats_of(loader.dataset)
        * cfg.get('processes', 1)
        * cfg.optim_wrapper.get('accumulative_counts', 1)
    )


def pairs_per_epoch(cfg: Config) -> int:
    """Pairs of one epoch of the train loop, before the last ones that fill no batch are dropped."""
    loader = cfg.train_dataloader
    return _length(cfg) // loader.sampler.get('parts', 1) * repeats_of(loader.dataset)


def budget_options(cfg: Config, budget: Budget) -> dict[str, Any]:
    """Config options for a length of training, schedules in proportion.

    Args:
        cfg: A config whose data can be opened, if they count (pairs of a loop by epochs, epochs of
            a loop by iterations).
        budget: Epochs, pairs or frames; minutes have to be timed, see :func:`timed_options`.

    Raises:
        ValueError: If that is less than the shortest possible schedule, or in minutes.
    """
    if budget.unit == 'minutes':
        raise ValueError('minutes have to be timed: see timed_options')
    items = budget.amount
    if budget.unit == 'frames':
        items /= frames_per_item(cfg.train_dataloader.dataset)
    if 'max_epochs' in cfg.train_cfg:
        one = epochs_of_a_pass(cfg) if budget.unit == 'epochs' else pairs_per_epoch(cfg)
        epochs = round(items / one)
        if epochs < 1:
            raise ValueError(f'{budget} are less than one epoch of the train loop')
        return length_options(cfg, epochs)
    pairs = items * (_length(cfg) if budget.unit == 'epochs' else 1)
    return length_options(cfg, max(1, round(pairs / pairs_per_step(cfg))))


def timed_options(cfg: Config, minutes: float, threads: int, file: Path) -> dict[str, Any]:
    """Config options for minutes of training on this machine, by timing a few iterations.

    Args:
        cfg: A config that trains by iterations.
        minutes: Length of the training.
        threads: CPU threads of the run.
        file: JSON file that keeps the length for a run that goes on later.

    Raises:
        ValueError: If the config trains by epochs.
    """
    if 'max_iters' not in cfg.train_cfg:
        raise ValueError('this config trains by epochs: give the budget in epochs, pairs or frames')
    known = read_json(file)
    if known and known['minutes'] == minutes:
        return length_options(cfg, known['iters'])
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        iters = steps_in(cfg, minutes)
    finally:
        torch.set_num_threads(before)
    write_json(file, dict(minutes=minutes, iters=iters))
    return length_options(cfg, iters)


def _length(cfg: Config) -> int:
    return len(DATASETS.build(cfg.train_dataloader.dataset))
