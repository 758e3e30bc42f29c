"""Links to the videos by day."""

import json

import pytest

from poodle_mm.datasets.preparation.daytime import link_daytime
from tests.test_datasets.test_preparation.tools import run_main


@pytest.fixture
def bdd(tmp_path):
    """Six videos: three by day, one at night, one unlabelled, one whose time is unknown."""
    (tmp_path / 'videos' / 'train').mkdir(parents=True)
    for name in 'abcdef':
        (tmp_path / 'videos' / 'train' / f'{name}.mov').write_text(name)
    times = dict(a='daytime', b='night', c='daytime', d='daytime', x='daytime')
    frames = [dict(name=f'{k}.jpg', attributes=dict(timeofday=v)) for k, v in times.items()]
    (tmp_path / 'labels.json').write_text(json.dumps([*frames, dict(name='e.jpg')]))
    return tmp_path


def link(bdd, **options):
    out = bdd / 'videos' / 'day'
    return out, link_daytime(bdd / 'labels.json', bdd / 'videos' / 'train', out, **options)


def test_links_lead_to_the_videos_wherever_the_folder_is_moved(bdd):
    out, counts = link(bdd)
    assert counts == dict(linked=3, left_out=2, unlabelled=1)
    assert sorted(p.name for p in out.iterdir()) == ['a.mov', 'c.mov', 'd.mov']
    moved = bdd.with_name('moved')
    bdd.rename(moved)
    assert (moved / 'videos' / 'day' / 'c.mov').read_text() == 'c'


def test_a_share_is_drawn_by_the_seed(bdd):
    drawn = set()
    for seed in range(8):
        out = bdd / 'videos' / f'day{seed}'
        labels, videos = bdd / 'labels.json', bdd / 'videos' / 'train'
        counts = link_daytime(labels, videos, out, share=0.3, seed=seed)
        assert counts['linked'] == 1 and counts['left_out'] == 4
        drawn |= {path.name for path in out.iterdir()}
    assert drawn == {'a.mov', 'c.mov', 'd.mov'}


def test_what_is_wrong_is_said(bdd, repo, monkeypatch, capsys):
    link(bdd)
    with pytest.raises(FileExistsError, match='day exists'):
        link(bdd)
    labels, videos = bdd / 'labels.json', bdd / 'videos' / 'train'
    with pytest.raises(ValueError, match=r"labelled 'dawn'; there are None, daytime, night"):
        link_daytime(labels, videos, bdd / 'o', timeofday='dawn')
    with pytest.raises(ValueError, match='share'):
        link_daytime(labels, videos, bdd / 'o', share=0)
    (bdd / 'bad.json').write_text('{"frames": 3}')
    tool = repo / 'tools' / 'dataset_converters' / 'bdd100k_daytime.py'
    arguments = [bdd / 'bad.json', videos, bdd / 'o']
    code, _, said = run_main(tool, *arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert code and "not a list of frames in Scalabel's format" in str(code) + said
    arguments[0] = labels
    code, out, _ = run_main(tool, *arguments, monkeypatch=monkeypatch, capsys=capsys)
    assert code == 0 and '3 videos linked, 2 left out, 1 without a label' in out
