"""Progress bars on a terminal and in a file."""

import io

import pytest

from poodle_mm.utils.progress import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass by hand."""
    now = [0.0]
    monkeypatch.setattr('tqdm.std.time', lambda: now[0])
    monkeypatch.setattr('time.time', lambda: now[0])
    return now


@pytest.mark.parametrize(('stream', 'drawn'), [(io.StringIO, 4), (_Terminal, 101)])
def test_a_file_gets_a_line_every_thirty_seconds(clock, stream, drawn):
    out = stream()
    with Progress(total=100, file=out, miniters=0, smoothing=0) as bar:
        for _ in range(100):
            clock[0] += 1
            bar.update()
        # the empty bar, and 30, 60 and 90 s later
        assert out.getvalue().count('\r') == drawn


def test_what_is_asked_for_counts(clock):
    out = io.StringIO()
    with Progress(total=20, file=out, mininterval=1, miniters=0) as bar:
        for _ in range(20):
            clock[0] += 1
            bar.update()
    assert out.getvalue().count('\r') >= 21
