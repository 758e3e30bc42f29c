"""Several data sets of pairs or clips in one."""

from collections.abc import Sequence

import numpy as np
from torch.utils.data import Dataset

from poodle_mm.registry import DATASETS


@DATASETS.register_module()
class MixedPairDataset(Dataset):
    """Draws from several data sets by weight.

    Which data set and which of its items an index gives is drawn from (``seed``, epoch, index), so
    the mixture does not depend on the data sets' sizes.

    Args:
        datasets: ``FramePairDataset`` or ``FrameClipDataset`` objects or configs, alike in
            ``repeats``.
        weights: Relative frequency of each; None draws in proportion to the lengths.
        pipeline: Transforms for the configs that have none.
        length: Items an epoch; None is the sum of the lengths.
        seed: Seed of the mixture and of all that is drawn from it.

    Raises:
        ValueError: If the weights do not fit the data sets, or if these differ in ``repeats``: a
            batch would have now more pairs, now fewer.
    """

    def __init__(
        self,
        datasets: Sequence[dict | Dataset],
        weights: Sequence[float] | None = None,
        length: int | None = None,
        seed: int = 0,
        pipeline: Sequence[dict] | None = None,
    ) -> None:
        common = {} if pipeline is None else dict(pipeline=pipeline)
        self.datasets = [
            DATASETS.build({**common, **d}) if isinstance(d, dict) else d for d in datasets
        ]
        if not self.datasets:
            raise ValueError('MixedPairDataset needs at least one data set')
        repeats = [getattr(dataset, 'repeats', 1) for dataset in self.datasets]
        if len(set(repeats)) > 1:
            raise ValueError(f'the data sets of a mixture must agree in repeats, got {repeats}')
        self.repeats = repeats[0]
        sizes = [len(dataset) for dataset in self.datasets]
        raw = np.asarray(sizes if weights is None else weights, np.float64)
        if raw.shape != (len(sizes),) or not np.isfinite(raw).all() or (raw < 0).any():
            raise ValueError(f'{len(sizes)} data sets need as many weights >= 0, got {weights}')
        if raw.sum() == 0:
            raise ValueError(f'at least one weight must be positive, got {weights}')
        if length is not None and length < 1:
            raise ValueError(f'length must be positive, got {length}')
        self.weights = raw / raw.sum()
        self.length = sum(sizes) if length is None else length
        self.seed = seed

    @property
    def metainfo(self) -> dict:
        """Meta information of the first data set."""
        return self.datasets[0].metainfo

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: int | tuple[int, int]) -> dict | list[dict]:
        """Draw an item; ``key`` is an index or (epoch, index)."""
        epoch, index = key if isinstance(key, tuple) else (0, key)
        index = range(self.length)[index]
        rng = np.random.default_rng([self.seed, epoch, index])
        dataset = self.datasets[rng.choice(len(self.datasets), p=self.weights)]
        return dataset.draw(int(rng.integers(len(dataset))), rng)
