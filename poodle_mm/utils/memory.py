"""Memory of this process, and what the machine has left."""

import resource
from pathlib import Path

_MEMINFO = Path('/proc/meminfo')
_STATUS = Path('/proc/self/status')


def available_gib() -> float:
    """Memory in GiB that new allocations can have without swapping; infinity if unknown."""
    found = _kib(_MEMINFO, 'MemAvailable')
    return float('inf') if found is None else found / 2**20


def peak_resident_mib() -> float:
    """Largest resident size of this process so far.

    From /proc, because what ``getrusage`` tells a process begins with the size of the process that
    started it.
    """
    found = _kib(_STATUS, 'VmHWM')
    if found is None:
        found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # Linux counts in KiB
    return found / 2**10


def _kib(file: Path, name: str) -> int | None:
    """A line of a file of /proc, such as ``MemAvailable: 12 kB``; None without file or line."""
    if not file.is_file():
        return None
    for line in file.read_text().splitlines():
        if line.startswith(f'{name}:'):
            return int(line.split()[1])
    return None
