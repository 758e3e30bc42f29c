"""Flow of single pairs on disk: where a pair's files are, and how they are written and read."""

import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from poodle_mm.datasets.flow_files import PNG_LIMIT, read_flow_file, write_flow_file
from poodle_mm.utils.files import replacing

SUFFIXES = {'float16': '.npz', 'png16': '.png'}
"""Formats of a cache, and what the names of their files end in."""


@dataclass(frozen=True)
class FlowStorage:
    """How a cache keeps its flow.

    Args:
        format: ``'float16'``: one ``.npz`` a pair, off by at most 2^-11 of a component, which may
            be up to 65504 pixels. ``'png16'``: one 16-bit PNG of KITTI's a direction, off by at
            most 1/128 pixel, and less than 512 pixels of motion.
        size: (h, w) at which the flow is estimated and kept, so that both limits are in pixels of
            this size; None: that of the full frames.

    Raises:
        ValueError: For another format, or a size that is none.
    """

    format: str = 'float16'
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.format not in SUFFIXES:
            raise ValueError(f'format must be one of {", ".join(SUFFIXES)}, got {self.format!r}')
        if self.size is not None and (len(self.size) != 2 or min(self.size) < 1):
            raise ValueError(f'size is (height, width), got {self.size}')


def flow_cache_path(
    root: str | os.PathLike, source: str, frame_ids: tuple[int, int], format: str = 'float16'
) -> Path:
    """File of one pair's flow: ``<root>/<source>/<first>_<second>.npz``, or ``.png``.

    The PNG is of the way there; ``<first>_<second>_back.png`` beside it is of the way back.

    Args:
        root: Folder of the cache.
        source: ``source_id`` of the pair: its path relative to the data's root, with ``/``.
        frame_ids: Frame numbers of the pair.
        format: See :class:`FlowStorage`.

    Raises:
        ValueError: If ``source`` leads out of ``root``.
    """
    relative = PurePosixPath(source)
    if relative.is_absolute() or '..' in relative.parts or not relative.parts:
        raise ValueError(f'source must be a relative path inside the data, got {source!r}')
    first, second = (int(i) for i in frame_ids)
    return Path(root, *relative.parts, f'{first}_{second}{SUFFIXES[format]}')


def files_of(path: Path) -> list[Path]:
    """Files of the pair at :func:`flow_cache_path`: one, or the ways there and back."""
    return [path] if path.suffix == '.npz' else [path, path.with_name(f'{path.stem}_back.png')]


def is_cached(path: Path) -> bool:
    """Whether all files of a pair are there."""
    return all(file.exists() for file in files_of(path))


def find_flow(root: str | os.PathLike, source: str, frame_ids: tuple[int, int]) -> Path:
    """:func:`flow_cache_path` in the format that lies there; ``.npz`` if none does."""
    paths = [flow_cache_path(root, source, frame_ids, format) for format in SUFFIXES]
    return next((path for path in paths if path.exists()), paths[0])


def write_flow(path: str | os.PathLike, flow: np.ndarray) -> None:
    """Write flow, each file whole or not at all.

    Args:
        path: Result of :func:`flow_cache_path`, whose suffix tells the format; folders are made.
        flow: (2, 2, H, W), ``[0]`` t to t + delta, ``[1]`` back, pixels of the H x W grid.

    Raises:
        ValueError: For another shape, or values that the format cannot hold.
    """
    path, flow = Path(path), np.asarray(flow)
    _check_shape(path, flow)
    if path.suffix == '.npz':
        with np.errstate(over='ignore'):
            half = flow.astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError(f'{path}: flow has values that are not finite in float16')
        with replacing(path) as temporary, open(temporary, 'wb') as file:
            np.savez(file, flow=half)
        return
    largest = np.abs(flow).max()
    if not largest <= PNG_LIMIT - 1 / 64:  # also: NaN
        raise ValueError(
            f'{path}: png16 holds less than {PNG_LIMIT:g} pixels of motion, got {largest:.1f}: '
            'keep the flow as float16, or at a smaller size'
        )
    for file, direction in zip(files_of(path), flow):
        write_flow_file(file, direction)


def read_flow(path: str | os.PathLike) -> np.ndarray:
    """Read flow and verify its checksums (CRC-32 of zip members and of PNG chunks).

    Returns:
        (2, 2, H, W) float32, as :func:`write_flow` got it.

    Raises:
        FileNotFoundError: If the pair is not in the cache.
        ValueError: If a file is damaged.
    """
    flow = []
    for file in files_of(Path(path)):
        if not file.is_file():
            raise FileNotFoundError(
                f'{file}: no cached flow for this pair; write it with tools/cache_flow.py, with '
                'the config, seed and at least the --epochs of this training'
            )
        try:
            flow.append(_read_npz(file) if file.suffix == '.npz' else _read_png(file))
        except Exception as error:  # a flipped bit makes the readers raise nearly anything
            raise ValueError(
                f'{file}: damaged flow cache ({error}); delete it and run tools/cache_flow.py again'
            ) from error
    return _check_shape(path, np.stack(flow) if len(flow) == 2 else flow[0])


def _read_npz(file: Path) -> np.ndarray:
    with zipfile.ZipFile(file) as archive:
        # numpy reads as much as the array's header asks for: with a damaged one not up to the end,
        # where the checksum is compared
        content = archive.read('flow.npy')
    return np.load(io.BytesIO(content)).astype(np.float32)


def _read_png(file: Path) -> np.ndarray:
    flow, known = read_flow_file(file)
    if not known.all():
        raise ValueError('a part is marked as unknown')
    return flow


def _check_shape(path: str | os.PathLike, flow: np.ndarray) -> np.ndarray:
    if flow.ndim != 4 or flow.shape[:2] != (2, 2):
        raise ValueError(f'{path}: flow must be (2, 2, H, W), got {flow.shape}')
    return flow
