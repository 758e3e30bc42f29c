"""Rows of different lengths in two arrays instead of as many objects."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np


class Ragged:
    """Rows that lie one after the other.

    Args:
        values: All rows' values.
        ends: (N,) int64, where each row ends in ``values``.
    """

    def __init__(self, values: np.ndarray, ends: np.ndarray) -> None:
        self.values = values
        self.ends = ends

    @classmethod
    def of_rows(cls, rows: Sequence[np.ndarray], dtype: type) -> 'Ragged':
        """Of arrays, one a row."""
        ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
        return cls(np.concatenate([np.empty(0, dtype), *rows]), ends)

    @classmethod
    def of_strings(cls, strings: Iterable[str]) -> 'Ragged':
        """Of strings, as UTF-8; names of files that are none come back as they were."""
        rows = [string.encode('utf-8', 'surrogateescape') for string in strings]
        ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
        return cls(np.frombuffer(b''.join(rows), np.uint8), ends)

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> np.ndarray:
        start = int(self.ends[row - 1]) if row else 0
        return self.values[start : int(self.ends[row])]

    def string(self, row: int) -> str:
        """A row of strings."""
        return self[row].tobytes().decode('utf-8', 'surrogateescape')

    def strings(self) -> list[str]:
        """All rows of strings."""
        content = self.values.tobytes()
        bounds = pairwise([0, *self.ends.tolist()])
        return [content[a:b].decode('utf-8', 'surrogateescape') for a, b in bounds]

    @property
    def lengths(self) -> np.ndarray:
        """(N,) int64."""
        return np.diff(self.ends, prepend=0)

    def take(self, rows: np.ndarray) -> 'Ragged':
        """Some rows in a given order."""
        lengths = self.lengths[rows]
        ends = np.cumsum(lengths, dtype=np.int64)
        # position of each value: where its row starts here, less where it starts there
        shift = self.ends[rows] - ends
        return Ragged(self.values[np.arange(lengths.sum()) + np.repeat(shift, lengths)], ends)

    @staticmethod
    def join(parts: Sequence['Ragged']) -> 'Ragged':
        """The rows of all parts."""
        before = np.cumsum([0, *(len(part.values) for part in parts[:-1])])
        ends = [part.ends + shift for part, shift in zip(parts, before.tolist())]
        return Ragged(np.concatenate([part.values for part in parts]), np.concatenate(ends))
