"""Files of features: which of them are there, how they were made, and writing them whole."""

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from torch import Tensor

from poodle_mm.utils.files import read_json, replacing, write_json
from poodle_mm.utils.shards import Shard

_BLOCK = 32  # images or frames that are done, or done again, together; a whole number of batches


def blocks_of(count: int, batch_size: int, shard: Shard) -> list[range]:
    """A shard's positions, in blocks of whole batches.

    Which images share a batch decides the last bits of their maps, so that it must not depend on
    the number of processes.
    """
    size = max(1, batch_size) * max(1, _BLOCK // max(1, batch_size))
    starts = shard.of(range(0, count, size))
    return [range(start, min(start + size, count)) for start in starts]


def unwritten(blocks: Sequence[range], out: Sequence[Path], since: int | None) -> list[range]:
    """The blocks of which a file is missing or older than ``since``."""

    def is_there(path: Path) -> bool:
        return since is not None and path.is_file() and path.stat().st_mtime_ns >= since

    return [block for block in blocks if not all(is_there(out[n]) for n in block)]


def note(folder: Path, facts: dict) -> int:
    """Note how the files of a folder are made, unless it says so; since when, in nanoseconds."""
    path, facts = folder / 'features.json', json.loads(json.dumps(facts))
    if read_json(path) != facts:
        write_json(path, facts)
    return path.stat().st_mtime_ns


def state_of_files(paths: Iterable[Path]) -> str:
    """Names, sizes and times of the last change as a digest: another one where a file changed."""
    digest = hashlib.sha256()
    for path in paths:
        found = path.stat()
        digest.update(f'{path.name!a} {found.st_size} {found.st_mtime_ns};'.encode())
    return digest.hexdigest()


def digest_of(checkpoint: str | PathLike) -> str:
    """Content of a checkpoint as a digest; the name itself of one that is no local file."""
    if not Path(checkpoint).is_file():
        return str(checkpoint)
    with open(checkpoint, 'rb') as file:
        digest = hashlib.sha256()
        while part := file.read(2**24):
            digest.update(part)
    return digest.hexdigest()


def write_npz(path: str | PathLike, **arrays) -> None:
    """``numpy.savez`` under a temporary name in the same folder, then renamed."""
    with replacing(path) as temporary, open(temporary, 'wb') as file:
        np.savez(file, **arrays)


def stored(features: Tensor, half: bool, name: str) -> np.ndarray:
    """A map as it is written; a ValueError that names it if float16 cannot hold it."""
    if not half:
        return features.numpy()
    largest = features.abs().max().item()
    if largest > float(np.finfo(np.float16).max):
        raise ValueError(f'{name} has a feature of size {largest:.3g}, too large for float16')
    return features.half().numpy()


def check_space(path: Path, shape: Sequence[int], dtype: np.dtype) -> None:
    """Refuse an array that the disk cannot hold.

    A memory map that outgrows the disk kills the process without a message.
    """
    needed = int(np.prod(shape)) * dtype.itemsize
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise OSError(
            f'{path} needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free: take a larger '
            'step, a smaller size or half precision'
        )
