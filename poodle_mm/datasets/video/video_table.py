"""What is known of the video files of a tree, in columns: a million files are a few arrays."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from poodle_mm.datasets.video.frame_table import FrameTable
from poodle_mm.utils.columns import Columns
from poodle_mm.utils.ragged import Ragged

_NUMBERS = dict.fromkeys(('size', 'mtime_ns', 'frames'), np.int64)
_NUMBERS |= dict(streams=np.int16, duration=np.float64, time_base=np.float64)
_RAGGED = dict(path=np.uint8, table=np.int64)


@dataclass
class VideoInfo:
    """Entry of the index about one file.

    Attributes:
        path: Relative to the tree's root, with ``/``.
        size: Bytes.
        mtime_ns: Time of the last change; of a URL's file a number that changes with it.
        frames: Number of frames; an estimate where the container's header does not say.
        duration: Seconds; 0 where unknown.
        error: Reason why the file is of no use; empty if it is of use.
        streams: Number of video streams that could be read.
        table: All time stamps, where asked for, and of files that are decoded to find them.
        read_whole: Whether the file was fetched from a URL to its end just now; not kept.
    """

    path: str
    size: int
    mtime_ns: int
    frames: int = 0
    duration: float = 0.0
    error: str = ''
    streams: int = 1
    table: FrameTable | None = None
    read_whole: bool = field(default=False, compare=False)


class VideoTable(Sequence[VideoInfo]):
    """Entries of usable files in the order of their paths; an entry is made when it is asked for.

    Args:
        columns: Columns of :meth:`from_infos`.

    Attributes:
        columns: The same.
        paths: Paths as bytes.
    """

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self.paths = Ragged(columns['path'], columns['path_ends'])
        self._tables = Ragged(columns['table'], columns['table_ends'])

    @classmethod
    def from_infos(cls, infos: Iterable[VideoInfo]) -> 'VideoTable':
        """Of entries, which are sorted by their paths."""
        infos = sorted(infos, key=lambda info: info.path)
        arrays = {
            name: np.array([getattr(info, name) for info in infos], dtype)
            for name, dtype in _NUMBERS.items()
            if name != 'time_base'
        }
        bases = [info.table.time_base if info.table is not None else 0.0 for info in infos]
        arrays['time_base'] = np.array(bases, np.float64)
        coded = [_coded(info.table) for info in infos]
        return cls._of(
            arrays,
            path=Ragged.of_strings(info.path for info in infos),
            table=Ragged.of_rows(coded, np.int64),
        )

    @classmethod
    def _of(cls, numbers: Mapping[str, np.ndarray], **ragged: Ragged) -> 'VideoTable':
        arrays = dict(numbers)
        for name, rows in ragged.items():
            arrays |= {name: rows.values, f'{name}_ends': rows.ends}
        return cls(Columns(arrays))

    def __len__(self) -> int:
        return len(self.paths)

    def __deepcopy__(self, memo: dict) -> 'VideoTable':
        return self

    def __reduce__(self) -> tuple:
        return VideoTable, (self.columns,)

    def __getitem__(self, row: int) -> VideoInfo:
        row = range(len(self))[row]
        return VideoInfo(
            self.path(row),
            *(self.columns[name][row].item() for name in ('size', 'mtime_ns', 'frames')),
            duration=self.columns['duration'][row].item(),
            streams=self.columns['streams'][row].item(),
            table=self.table(row),
        )

    def path(self, row: int) -> str:
        """Path of a file, relative to the tree's root."""
        return self.paths.string(row)

    def table(self, row: int) -> FrameTable | None:
        """Time stamps of a file, if they were kept."""
        coded = self._tables[row]
        return _decoded(coded, self.columns['time_base'][row].item()) if len(coded) else None

    def clock(self, row: int) -> tuple[int, int, float] | None:
        """Frames, units between two of them and seconds per unit; None where that varies."""
        coded = self._tables[row]
        if not len(coded) or not coded[1]:
            return None
        return int(coded[0]), int(coded[3]), self.columns['time_base'][row].item()

    def rows_of(self, paths: Sequence[str]) -> np.ndarray:
        """(len(paths),) int64: the row of each path; -1 where there is none."""
        wanted = Ragged.of_strings(paths)
        if np.array_equal(wanted.ends, self.paths.ends) and np.array_equal(
            wanted.values, self.paths.values
        ):
            return np.arange(len(self))
        rows = {path: row for row, path in enumerate(self.paths.strings())}
        return np.array([rows.get(path, -1) for path in paths], np.int64)

    @property
    def has_table(self) -> np.ndarray:
        """(N,) bool: files whose time stamps were kept."""
        return self._tables.lengths > 0

    @staticmethod
    def join(tables: Sequence['VideoTable']) -> 'VideoTable':
        """The files of all tables; of files with one path the first is kept."""
        if len(tables) == 1:
            return tables[0]
        arrays = {
            name: np.concatenate([table.columns[name] for table in tables]) for name in _NUMBERS
        }
        paths = Ragged.join([table.paths for table in tables])
        coded = Ragged.join([table._tables for table in tables])
        names = paths.strings()
        order = sorted(range(len(names)), key=names.__getitem__)  # stable: the first comes first
        kept = [row for n, row in enumerate(order) if not n or names[order[n - 1]] != names[row]]
        return VideoTable._of(arrays, path=paths, table=coded).take(np.array(kept, np.int64))

    def take(self, rows: np.ndarray) -> 'VideoTable':
        """Some of the files."""
        arrays = {name: self.columns[name][rows] for name in _NUMBERS}
        return self._of(arrays, path=self.paths.take(rows), table=self._tables.take(rows))


def _coded(table: FrameTable | None) -> np.ndarray:
    """A table as one row of whole numbers: pts, key_pts, key_pts - key_dts, packets.

    Each as (length, 1, start, step) where it grows evenly, as it does at a constant frame rate;
    else as (length, 0, values); as (-1, 0) where it is None.
    """
    if table is None:
        return np.empty(0, np.int64)
    parts = []
    for values in (table.pts, table.key_pts, table.key_pts - table.key_dts, table.packets):
        if values is None:
            parts.append([-1, 0])
            continue
        steps = np.diff(values[:2]) if len(values) > 1 else np.zeros(1, np.int64)
        if len(values) and (np.diff(values) == steps).all():
            parts.append([len(values), 1, values[0], steps[0]])
        else:
            parts += [[len(values), 0], values]
    return np.concatenate([np.asarray(part, np.int64) for part in parts])


def _decoded(coded: np.ndarray, time_base: float) -> FrameTable:
    fields, place = [], 0
    for _ in range(4):
        count, even = coded[place : place + 2].tolist()
        place += 2
        if count < 0:
            fields.append(None)
        elif even:
            start, step = coded[place : place + 2].tolist()
            fields.append(np.arange(count) * step + start)
            place += 2
        else:
            fields.append(np.array(coded[place : place + count]))
            place += count
    pts, key_pts, before, packets = fields
    return FrameTable(pts, key_pts, key_pts - before, time_base, packets)
