"""Tools in parts: together the files of one process, byte for byte; what is there is kept."""

from pathlib import Path

import cv2
import pytest
from mmengine.config import Config

from tests.test_apis.conftest import checkpoint, noise  # noqa: F401
from tests.test_datasets.test_preparation.tools import run_main
from tests.test_datasets.video_factory import write_video


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob('*') if p.is_file()}


def times(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob('*') if path.is_file()}


@pytest.fixture
def videos(tmp_path) -> Path:
    root = tmp_path / 'videos'
    for number in range(5):
        write_video(root / f'day{number % 2}' / f'{number}.mp4', 40 + number)
    return root


@pytest.fixture
def images(tmp_path) -> Path:
    """Seventy of two sizes, so that batches are of both."""
    root = tmp_path / 'images'
    root.mkdir()
    for number in range(70):
        size = (32, 64) if number % 7 else (64, 32)
        cv2.imwrite(str(root / f'{number:02d}.png'), noise(*size, number))
    return root


def flow_config(videos: Path, tmp_path: Path) -> Path:
    dataset = dict(type='FramePairDataset', data_root=str(videos), delta=(3, 9))
    flow = dict(type='DISFlow', preset='fast')
    config = dict(model=dict(data_preprocessor=dict(flow=flow)))
    Config(config | dict(train_dataloader=dict(dataset=dataset))).dump(tmp_path / 'config.py')
    return tmp_path / 'config.py'


@pytest.fixture
def run(repo, monkeypatch, capsys):
    def run(tool, *arguments, rank=None):
        with monkeypatch.context() as patch:
            if rank is not None:
                patch.setenv('RANK', str(rank[0]))
                patch.setenv('WORLD_SIZE', str(rank[1]))
            code, out, err = run_main(
                repo / 'tools' / tool, *arguments, monkeypatch=patch, capsys=capsys
            )
        assert code == 0, err
        return out

    return run


@pytest.mark.parametrize('tool', ['images', 'video', 'flow', 'frames'])
def test_parts_write_what_one_process_writes(tool, request, run, tmp_path):
    def call(out, *arguments, **kwargs) -> str:
        if tool in ('images', 'video'):
            found = request.getfixturevalue('checkpoint')
            source = request.getfixturevalue('images') if tool == 'images' else long
            options = ('--out', out, '--device', 'cpu', '--batch-size', '5')
            return run('extract_features.py', found, source, *options, *arguments, **kwargs)
        videos = request.getfixturevalue('videos')
        if tool == 'flow':
            config = flow_config(videos, tmp_path)
            return run('cache_flow.py', config, out, '--epochs', '2', *arguments, **kwargs)
        options = (videos, out, '--every', '5', *arguments)
        return run('dataset_converters/extract_frames.py', *options, **kwargs)

    if tool == 'video':
        long = write_video(tmp_path / 'long.mp4', 75)
    call(tmp_path / 'one')
    expected = contents(tmp_path / 'one')
    parts = tmp_path / 'parts'
    seen: set[str] = set()
    for index in (1, 0, 2):  # by hand and as torchrun does
        how = dict(rank=(index, 3)) if index else {}
        said = call(parts, *(() if index else ('--shard', '0/3')), **how)
        assert f'(shard {index}/3)' in said
        assert index == 2 or len(contents(parts)) < len(expected)
        seen |= contents(parts).keys()
    assert seen == expected.keys()
    assert contents(parts) == expected

    # a killed run goes on: one file is missing, and no other is written again
    lost = max(path for path in parts.rglob('*') if path.suffix in ('.npz', '.jpg'))
    if tool == 'frames':
        for path in lost.parent.iterdir():
            path.unlink()
        lost.parent.rmdir()
    else:
        lost.unlink()
    before = times(parts)
    call(parts)
    assert contents(parts) == expected
    again = {path for path, time in times(parts).items() if before.get(path) != time}
    assert lost in again
    assert len(again) <= (32 if tool in ('images', 'video') else 9)  # its block, its video
    if tool == 'flow':
        assert again == {lost}


def test_features_of_another_kind_are_not_kept(run, checkpoint, images, tmp_path):  # noqa: F811
    options = ('--out', tmp_path / 'out', '--device', 'cpu')
    run('extract_features.py', checkpoint, images, *options, '--no-sdm')
    without = contents(tmp_path / 'out')
    run('extract_features.py', checkpoint, images, *options)
    assert all(content != without[name] for name, content in contents(tmp_path / 'out').items())


@pytest.mark.parametrize('kind', ['images', 'video'])
def test_features_of_files_that_changed_are_not_kept(
    kind,
    run,
    checkpoint,  # noqa: F811
    images,
    tmp_path,
):
    out = tmp_path / 'out'
    source = images if kind == 'images' else write_video(tmp_path / 'a.mp4', 3)
    options = (checkpoint, source, '--out', out, '--device', 'cpu')
    run('extract_features.py', *options)
    before = contents(out)
    if kind == 'images':
        cv2.imwrite(str(images / '05.png'), noise(32, 64, 99))
    else:
        write_video(source, 3, options=dict(crf='40'))
    run('extract_features.py', *options)
    name = '05.npz' if kind == 'images' else 'a/000001.npz'
    assert contents(out)[name] != before[name]


def test_checks_in_parts_find_what_one_finds(repo, videos, monkeypatch, capsys):
    """All parts together name each bad file once; a part without one exits with 0."""
    for name in ('day0/bad.mp4', 'day1/worse.mp4'):
        (videos / name).write_text('no video')
    codes, told = [], []
    for index in range(4):
        arguments = ('videos', videos, '--shard', f'{index}/4')
        code, out, _ = run_main(
            repo / 'tools' / 'check_data.py', *arguments, monkeypatch=monkeypatch, capsys=capsys
        )
        assert f'videos (shard {index}/4)' in out
        codes.append(code)
        told += [line.split()[0] for line in out.splitlines() if 'cannot open' in line]
        assert ('7         -' in out) == (index == 0)
    assert sorted(told) == ['day0/bad.mp4', 'day1/worse.mp4']
    assert sorted(codes) == [0, 0, 1, 1]
    assert (videos / '.poodle_mm_video_index.npz').is_file()


def test_index_in_parts(run, videos):
    said = [run('index.py', videos, rank=(index, 2)) for index in range(2)]
    assert '1 of 2 parts so far' in said[0] and said[1].endswith('index.npz: whole\n')
    whole = (videos / '.poodle_mm_video_index.npz').read_bytes()
    (videos / '.poodle_mm_video_index.npz').unlink()
    assert f'{videos}: 5 files, 0.00 hours' in run('index.py', videos)
    assert (videos / '.poodle_mm_video_index.npz').read_bytes() == whole
    run('index.py', videos, '--clips', '--out', videos / 'my.npz')
    assert (videos / 'my.npz').is_file()
