"""A tree of videos on disk and behind a web server; patience is short."""

from pathlib import Path

import pytest

from poodle_mm.datasets import frame_clip_dataset
from poodle_mm.datasets.remote import options, requests
from poodle_mm.datasets.video import index
from tests.test_datasets.test_remote.server import FolderServer, serving


@pytest.fixture(autouse=True)
def _impatient(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(requests, 'FIRST_PAUSE', 0.01)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))


@pytest.fixture
def server(tree) -> FolderServer:
    """Web server of ``tree``."""
    pytest.importorskip('aiohttp')
    with serving(tree) as running:
        yield running


@pytest.fixture
def warnings(monkeypatch) -> list[str]:
    """What the user is warned of."""
    messages = []
    for module in (frame_clip_dataset, index, options):
        monkeypatch.setattr(module, 'warn', messages.append)
    return messages


@pytest.fixture
def cache(tmp_path) -> Path:
    """The user's cache folder."""
    return tmp_path / 'cache' / 'poodle_mm'
