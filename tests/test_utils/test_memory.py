"""What the machine says about its memory."""

import pytest

from poodle_mm.utils import memory


def test_available_memory(tmp_path, monkeypatch):
    """A written file of 3 MiB available; nothing there is no limit."""
    file = tmp_path / 'meminfo'
    file.write_text('MemTotal:   8000 kB\nMemFree: 12 kB\nMemAvailable:    3072 kB\n')
    monkeypatch.setattr(memory, '_MEMINFO', file)
    assert memory.available_gib() == pytest.approx(3 / 1024)
    monkeypatch.setattr(memory, '_MEMINFO', tmp_path / 'none')
    assert memory.available_gib() == float('inf')
