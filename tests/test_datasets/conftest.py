"""Small trees of video files."""

from pathlib import Path

import pytest

from tests.test_datasets.video_factory import write_video


@pytest.fixture(scope='session')
def _made_once(tmp_path_factory) -> list[tuple[str, bytes]]:
    folder = tmp_path_factory.mktemp('tree')
    for i in range(4):
        write_video(folder / f'day{i % 2}' / f'{i}.mp4', num_frames=40 + 10 * i, b_frames=i % 3)
    return [(p.relative_to(folder).as_posix(), p.read_bytes()) for p in folder.rglob('*.mp4')]


@pytest.fixture
def tree(_made_once, tmp_path) -> Path:
    """Folder with day0/0.mp4, day1/1.mp4, day0/2.mp4, day1/3.mp4 of 40 to 70 numbered frames."""
    root = tmp_path / 'tree'
    for name, content in _made_once:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root
