"""Flow of single pairs on disk: where a pair's file is, and how it is written and read."""

import os
import zipfile
from pathlib import Path, PurePosixPath

import numpy as np

from poodle_mm.utils.files import replacing


def flow_cache_path(root: str | os.PathLike, source: str, frame_ids: tuple[int, int]) -> Path:
    """File of one pair's flow: ``<root>/<source>/<first>_<second>.npz``.

    Args:
        root: Folder of the cache.
        source: ``source_id`` of the pair: its path relative to the data's root, with ``/``.

    Raises:
        ValueError: If ``source`` leads out of ``root``.
    """
    relative = PurePosixPath(source)
    if relative.is_absolute() or '..' in relative.parts or not relative.parts:
        raise ValueError(f'source must be a relative path inside the data, got {source!r}')
    first, second = (int(i) for i in frame_ids)
    return Path(root, *relative.parts, f'{first}_{second}.npz')


def write_flow(path: str | os.PathLike, flow: np.ndarray) -> None:
    """Write flow as float16, atomically.

    Args:
        path: Result of :func:`flow_cache_path`; folders are made.
        flow: (2, 2, H0, W0), ``[0]`` t to t + delta, ``[1]`` back, pixels of the H0 x W0 frame.

    Raises:
        ValueError: For another shape, or values that float16 cannot hold.
    """
    _check_shape(path, flow)
    with np.errstate(over='ignore'):
        half = np.asarray(flow).astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError(f'{path}: flow has values that are not finite in float16')
    with replacing(path) as temporary, open(temporary, 'wb') as file:
        np.savez(file, flow=half)


def read_flow(path: str | os.PathLike) -> np.ndarray:
    """Read flow.

    Returns:
        (2, 2, H0, W0) float32, as :func:`write_flow` got it.

    Raises:
        FileNotFoundError: If the pair is not in the cache.
        ValueError: If the file is damaged.
    """
    path = Path(path)
    try:
        with np.load(path) as archive:
            flow = archive['flow'].astype(np.float32)
    except FileNotFoundError:
        raise FileNotFoundError(
            f'{path}: no cached flow for this pair; write it with tools/cache_flow.py'
        ) from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f'{path}: damaged flow cache ({error}); delete it and run tools/cache_flow.py again'
        ) from error
    return _check_shape(path, flow)


def _check_shape(path: str | os.PathLike, flow: np.ndarray) -> np.ndarray:
    if flow.ndim != 4 or flow.shape[:2] != (2, 2):
        raise ValueError(f'{path}: flow must be (2, 2, H, W), got {flow.shape}')
    return flow
