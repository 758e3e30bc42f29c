"""Which part of the work is this process's: as torchrun or Slurm number them, or by hand."""

import argparse
import os
import re
import sys
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
_NO_STEP = 2**32 - 16  # Slurm's numbers of batch scripts and interactive shells follow
_BY_ENVIRONMENT = 'environment'


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

    Batch scripts and interactive shells of Slurm have a ``SLURM_PROCID`` too. What they call
    without ``srun`` is the only process, and does all.

    Raises:
        ValueError: If the variables number no part.
    """
    step = int(environment.get('SLURM_STEP_ID') or _NO_STEP)
    tasks = 'SLURM_STEP_NUM_TASKS' if 'SLURM_STEP_NUM_TASKS' in environment else 'SLURM_NTASKS'
    for rank, world in (('RANK', 'WORLD_SIZE'), ('SLURM_PROCID', tasks)):
        if rank not in environment or world not in environment:
            continue
        if rank == 'SLURM_PROCID' and step >= _NO_STEP:
            continue
        index, count = environment[rank], environment[world]
        if not (index.isdigit() and count.isdigit() and int(index) < int(count)):
            raise ValueError(f'{rank}={index} and {world}={count} number no part')
        return Shard(int(index), int(count))
    return WHOLE


def _shard_of_argument(text: str) -> Shard:
    if text != _BY_ENVIRONMENT:
        return parse_shard(text)
    try:
        shard = shard_of_environment()
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'{error}; --shard 0/1 does everything') from error
    if shard.count > 1:
        # the variables may be left from something else, and a part must not pass for the whole
        sys.stderr.write(
            f'This process does part {shard} and nothing else, as the variables of torchrun or '
            'Slurm say; --shard 0/1 does everything\n'
        )
    return shard


def add_shard_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--shard``; without it torchrun's or Slurm's numbers count, and it is said so."""
    parser.add_argument(
        '--shard',
        type=_shard_of_argument,
        default=_BY_ENVIRONMENT,  # argparse hands a text on to type, if nothing else is given
        metavar='i/n',
        help='do part i of n, counted from 0 (default: by the ranks of torchrun or srun)',
    )
