"""tools/dataset_converters/extract_frames.py, with processes."""

import os

import pytest

from tests.test_datasets.test_preparation.tools import run_main
from tests.test_datasets.video_factory import write_video


@pytest.mark.slow
def test_workers_and_exit_code(repo, tmp_path, monkeypatch, capsys):
    for name in ('a', 'b'):
        write_video(tmp_path / 'in' / f'{name}.mp4', 20)
    (tmp_path / 'in' / 'c.mp4').write_bytes(b'no video')
    tool = repo / 'tools' / 'dataset_converters' / 'extract_frames.py'
    arguments = (tool, tmp_path / 'in', tmp_path / 'out', '--fps', '10', '--workers', '2')
    code, out, err = run_main(*arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 1
    assert '2 videos written' in out and 'fps=10' in out
    assert 'c.mp4: cannot open as a video' in err
    for name in ('a', 'b'):
        assert len(os.listdir(tmp_path / 'out' / name)) == 7
    (tmp_path / 'in' / 'c.mp4').unlink()
    code, out, _ = run_main(*arguments[:-2], monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0 and '0 videos written, 2 were there' in out
