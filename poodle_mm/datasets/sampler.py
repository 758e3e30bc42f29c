"""The pairs that an epoch visits, their order, and their ranks."""

import math
from collections.abc import Iterator, Sized
from itertools import islice

import torch
from mmengine.dataset import DefaultSampler

from poodle_mm.registry import DATA_SAMPLERS


@DATA_SAMPLERS.register_module()
class PairSampler(DefaultSampler):
    """MMEngine's ``DefaultSampler`` that yields ``(epoch, index)``.

    With the epoch in the key a data set's randomness depends on (seed, epoch, index) alone: not on
    the number of workers or ranks, and not on whether persistent workers noticed a new epoch.

    Args:
        dataset: Anything with a length.
        shuffle: Whether each epoch has an order of its own, drawn from ``seed + epoch``.
        seed: Shared by all ranks; None draws one and shares it.
        infinite: Whether to go on without end, for iteration-based loops.
        round_up: Whether to repeat some samples so that every rank has equally many.
        parts: Epochs in a pass over the data: an epoch visits that share of it, the next one the
            following share. With R pairs a visit (``FramePairDataset(repeats=R)``) and
            ``parts=R`` a pass counts as R epochs, as the paper counts them, and all schedules
            stay in its epochs.

    Raises:
        ValueError: If an epoch, or a rank's part of it, would be empty.
    """

    def __init__(
        self,
        dataset: Sized,
        shuffle: bool = True,
        seed: int | None = None,
        infinite: bool = False,
        round_up: bool = True,
        parts: int = 1,
    ) -> None:
        if len(dataset) == 0:
            raise ValueError('PairSampler: the data set is empty')
        if not 1 <= parts <= len(dataset):
            raise ValueError(
                f'PairSampler: {len(dataset)} samples do not divide into parts = {parts} epochs: '
                'lower train_dataloader.sampler.parts (with dataset.repeats) or give more videos'
            )
        super().__init__(dataset, shuffle=shuffle, seed=seed, round_up=round_up)
        self.parts = parts
        self._length = len(dataset) // parts
        left = self._length if round_up else self._length - self.rank
        self.num_samples = math.ceil(left / self.world_size)
        self.total_size = self.num_samples * self.world_size if round_up else self._length
        if infinite and self.num_samples == 0:
            raise ValueError(
                f'PairSampler: rank {self.rank} of {self.world_size} gets none of the '
                f'{len(dataset)} samples; use round_up=True or fewer ranks'
            )
        self.infinite = infinite
        self._offset = 0

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Iterate over this rank's ``(epoch, index)``."""
        epochs, first = divmod(self._offset, max(self.num_samples, 1))
        epoch = self.epoch + epochs
        while True:
            yield from ((epoch, index) for index in islice(self._indices(epoch), first, None))
            if not self.infinite:
                return
            epoch, first = epoch + 1, 0

    def _indices(self, epoch: int) -> Iterator[int]:
        """This rank's indices of one epoch; with one part in DefaultSampler's order."""
        number, part = divmod(epoch, self.parts)
        end = max(self.rank, self.total_size)  # a rank may have none
        mine = torch.arange(self.rank, end, self.world_size) % self._length
        mine += part * self._length
        if self.shuffle:
            generator = torch.Generator().manual_seed(self.seed + number)
            # of all samples, and gone when this rank's are picked
            mine = torch.randperm(len(self.dataset), generator=generator)[mine]
        return iter(mine.tolist())

    def set_epoch(self, epoch: int) -> None:
        """Start the next iteration at the beginning of ``epoch``."""
        super().set_epoch(epoch)
        self._offset = 0

    def skip(self, num_samples: int) -> None:
        """Start the next iteration ``num_samples`` of this rank's samples after the epoch's begin.

        MMEngine's ``IterBasedTrainLoop`` calls it once on resume.

        Raises:
            ValueError: If ``num_samples`` is negative.
        """
        if num_samples < 0:
            raise ValueError(f'num_samples must not be negative, got {num_samples}')
        self._offset = num_samples
