"""Finding files."""

import os

from poodle_mm.datasets.video.index import find_files


def list_files(root: str | os.PathLike, suffix: str) -> list[str]:
    """Files of a folder and its subfolders whose names end with ``suffix``, without hidden ones.

    Returns:
        Sorted paths relative to ``root``, with ``/``; empty if there is no such folder.
    """
    try:
        names = find_files(root, (suffix.lower(),))
    except FileNotFoundError:
        return []
    # find_files ignores case, which the readers of the data sets do not
    return [name for name in names if name.endswith(suffix)]
