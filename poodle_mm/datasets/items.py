"""The items of an epoch as a sequence that holds none of them."""

from collections.abc import Callable, Sequence

import numpy as np


class Items(Sequence[dict]):
    """Items of an epoch, each made when it is asked for: a million of them take no memory.

    Args:
        make: Makes the item of a position; a method of an object that can be pickled.
        positions: Positions in order, a range or an (N,) integer array.
    """

    def __init__(self, make: Callable[[int], dict], positions: range | np.ndarray) -> None:
        self._make = make
        self._positions = positions

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, key: int | slice) -> 'dict | Items':
        if isinstance(key, slice):
            return Items(self._make, self._positions[key])
        return self._make(int(self._positions[key]))

    def __deepcopy__(self, memo: dict) -> 'Items':
        return self

    def take(self, numbers: Sequence[int]) -> 'Items':
        """Some of the items in a given order; negative numbers count from the end."""
        numbers = np.asarray(numbers, np.int64)
        if len(numbers) and not -len(self) <= numbers.min() <= numbers.max() < len(self):
            raise IndexError(f'no item {numbers.max()} among {len(self)}')
        return Items(self._make, np.asarray(self._positions)[numbers])
