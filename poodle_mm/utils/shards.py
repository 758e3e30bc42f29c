"""Which part of the work is this process's: as torchrun or Slurm number them, or by hand."""

import argparse
import os
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

Item = TypeVar('Item')


class Shard(NamedTuple):
    """One of several equal parts; parts are independent, and no process waits for another.

    Attributes:
        index: Number of the part, counted from 0.
        count: Number of parts.
    """

    index: int = 0
    count: int = 1

    def __str__(self) -> str:
        return f'{self.index}/{self.count}'

    @property
    def label(self) -> str:
        """For messages: `` (shard 0/8)``; empty if there are no parts."""
        return f' (shard {self})' if self.count > 1 else ''

    @property
    def is_first(self) -> bool:
        """Whether this part also does what is done once."""
        return self.index == 0

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """This part of some items: every ``count``-th one."""
        return items[self.index :: self.count] if self.count > 1 else items

    def run_of(self, items: Sequence[Item]) -> Sequence[Item]:
        """This part of some items whose neighbours belong together: a run of them."""
        ends = [number * len(items) // self.count for number in (self.index, self.index + 1)]
        return items[slice(*ends)]


WHOLE = Shard()


def parse_shard(text: str) -> Shard:
    """A part by hand, such as ``0/8``.

    Raises:
        argparse.ArgumentTypeError: For anything else; a ``ValueError`` to argparse.
    """
    match = re.fullmatch(r'(\d+)/(\d+)', text)
    index, count = map(int, match.groups()) if match else (0, 0)
    if index < count:
        return Shard(index, count)
    parts = f': the parts of {count} are 0/{count} to {count - 1}/{count}' if count else ''
    raise argparse.ArgumentTypeError(f'{text!r} is no part i/n, i counted from 0{parts}')


def shard_of_environment(environment: Mapping[str, str] = os.environ) -> Shard:
    """This process's part under torchrun (``RANK``) or in a step of Slurm (``SLURM_PROCID``).

    A batch script of Slurm has a ``SLURM_PROCID`` too. What it calls without ``srun`` is the only
    process, and does all.
    """
    for rank, world in (('RANK', 'WORLD_SIZE'), ('SLURM_PROCID', 'SLURM_NTASKS')):
        if rank not in environment or world not in environment:
            continue
        if rank == 'SLURM_PROCID' and 'SLURM_JOB_ID' in environment:
            if 'SLURM_STEP_ID' not in environment:
                continue
            world = 'SLURM_STEP_NUM_TASKS' if 'SLURM_STEP_NUM_TASKS' in environment else world
        return Shard(int(environment[rank]), int(environment[world]))
    return WHOLE


def add_shard_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--shard``; without it torchrun's or Slurm's numbers count."""
    parser.add_argument(
        '--shard',
        type=parse_shard,
        default=shard_of_environment(),
        metavar='i/n',
        help='do part i of n, counted from 0 (default: by the ranks of torchrun or srun)',
    )
