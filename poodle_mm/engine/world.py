"""Batch, processes and data behind a run's iterations, as its checkpoints remember them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import BatchSampler

META_KEY = 'world'


@dataclass(frozen=True)
class World:
    """Numbers that an iteration or an epoch is made of.

    Attributes:
        batch_size: Samples of a process in an iteration.
        processes: Number of processes.
        accumulation: Iterations of an optimizer step.
        repeats: Pairs of a sample.
        length: Samples of the data set.
        iters_per_epoch: Length of the dataloader.
    """

    batch_size: int
    processes: int
    accumulation: int
    repeats: int
    length: int
    iters_per_epoch: int

    @classmethod
    def of(cls, runner: Runner) -> 'World':
        """The world of a runner that is about to train."""
        loader = runner.train_dataloader
        return cls(
            loader.batch_size or getattr(loader.batch_sampler, 'batch_size', 1),
            runner.world_size,
            runner.optim_wrapper._accumulative_counts,
            getattr(loader.dataset, 'repeats', 1),
            len(loader.dataset),
            len(loader),
        )

    @property
    def samples(self) -> int:
        """Samples of an iteration, over all processes."""
        return self.batch_size * self.processes

    @property
    def pairs_per_step(self) -> int:
        """Pairs of an optimizer step, over all processes: the total batch."""
        return self.samples * self.repeats * self.accumulation


def by_epoch(runner: Runner) -> bool:
    """Whether a runner trains by epochs."""
    return isinstance(runner.train_loop, EpochBasedTrainLoop)


def can_skip(runner: Runner) -> bool:
    """Whether the dataloader can start within an epoch: a sampler that skips, in plain batches."""
    loader = runner.train_dataloader
    skips = callable(getattr(loader.sampler, 'skip', None))
    return skips and type(loader.batch_sampler) is BatchSampler


def remember_world(runner: Runner, meta: dict[str, Any]) -> None:
    """Write the world, and how far the run is, into a checkpoint's meta data."""
    world = World.of(runner)
    if by_epoch(runner):
        progress = meta['iter'] / world.iters_per_epoch  # epochs
    else:
        progress = meta['iter'] * world.samples
    meta[META_KEY] = dict(asdict(world), progress=progress)


def recorded_world(meta: Mapping[str, Any]) -> World | None:
    """The world in which a checkpoint was written; None if it does not say."""
    found = meta.get(META_KEY)
    names = World.__dataclass_fields__
    if not isinstance(found, Mapping) or not all(type(found.get(n)) is int for n in names):
        return None
    return World(**{name: found[name] for name in names})
