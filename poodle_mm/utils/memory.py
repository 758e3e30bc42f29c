"""How much memory the machine has left."""

from pathlib import Path

_MEMINFO = Path('/proc/meminfo')


def available_gib() -> float:
    """Memory in GiB that new allocations can have without swapping; infinity if unknown."""
    try:
        lines = _MEMINFO.read_text(encoding='ascii').splitlines()
    except OSError:  # no Linux
        return float('inf')
    sizes = dict(line.split(':', 1) for line in lines)
    return int(sizes['MemAvailable'].split()[0]) / 2**20
