"""What runs need is looked at before they start."""

from dataclasses import replace

import pytest

from poodle_mm.experiments.ablations import needs
from poodle_mm.experiments.ablations.needs import check_machine, readout_needs
from poodle_mm.experiments.ablations.runs import Run
from poodle_mm.experiments.ablations.study import SCRATCH, Variant

KEY = 'train_dataloader.dataset.data_root'
LABELLED = ('images/train', 'images/test', 'labels/train', 'labels/test')


@pytest.fixture
def make_run(tmp_path, repo):
    """A run of four processes on videos of ``tmp_path``, read out on the scenes of a folder."""

    def make(videos: str = '', scenes: str = 'scenes', **changes) -> Run:
        settings = dict(
            variant=Variant('a', 'a', 'poodle'),
            seed=0,
            config=repo / 'configs/ablations/bdd100k/poodle_r50_bdd_256x512_40e.py',
            options={KEY: str(tmp_path / videos)},
            processes=4,
            work_dir=tmp_path / 'out' / videos,
            readout={
                'suite': ['scenes'],
                'readouts': ['linear', 'linear-weighted'],
                'data-root': [str(tmp_path / scenes)],
            },
        )
        return Run(**settings | changes)

    for folder in LABELLED:
        path = tmp_path / 'scenes' / folder
        path.mkdir(parents=True)
        (path / 'a').touch()
    return make


def test_training_data(tmp_path, repo, make_run):
    runs = [make_run(), make_run('gone')]
    with pytest.raises(FileNotFoundError, match=rf'missing: {tmp_path}/gone \({KEY}\)'):
        check_machine(runs, repo)
    check_machine(runs[:1], repo)


def test_labels(tmp_path, repo, make_run):
    """Of random weights, too; each folder once."""
    scratch = Variant('scratch', 'scratch', SCRATCH)
    for run in (make_run(scenes='gone'), make_run(scenes='gone', variant=scratch)):
        with pytest.raises(FileNotFoundError, match='the readouts lack labels') as error:
            check_machine([run, run], repo)
        assert str(error.value).count(f'{tmp_path}/gone/images/train (') == 1
    (tmp_path / 'scenes/labels/test/a').unlink()
    run = make_run()
    (missing,) = readout_needs(run, repo)
    assert missing.startswith(f'labels: {tmp_path}/scenes/labels/test (')
    for folder in ('images/val', 'labels/val'):
        (tmp_path / 'scenes' / folder / 'a').mkdir(parents=True)
    assert not readout_needs(replace(run, readout={**run.readout, 'split': ['val']}), repo)


def test_a_row_that_cannot_have_a_readout_is_named(repo, make_run):
    readout = {'suite': ['scenes'], 'readouts': ['supervised']}
    run = make_run(variant=Variant('scratch', 'random weights', SCRATCH), readout=readout)
    with pytest.raises(ValueError, match='random weights: supervised needs a spatial decoder'):
        check_machine([run], repo)


def test_roots_are_relative_to_the_folder_of_the_commands(tmp_path, repo, make_run, monkeypatch):
    readout = {'suite': ['scenes'], 'readouts': ['linear'], 'data-root': ['scenes']}
    (tmp_path / 'configs').symlink_to(repo / 'configs')
    monkeypatch.chdir('/')
    assert not readout_needs(make_run(readout=readout), tmp_path)
    readout.pop('data-root')  # the config's
    missing = readout_needs(make_run(readout=readout), tmp_path)
    assert missing and all(each.startswith(f'labels: {tmp_path}/data/') for each in missing)


def test_packages_are_a_need_like_others(repo, make_run, monkeypatch):
    def fail(file):
        raise ImportError('No module named mmdet')

    monkeypatch.setattr(needs, '_read_config', fail)
    readout = {'suite': ['scenes'], 'readouts': ['det-fpn']}
    (need,) = readout_needs(make_run(readout=readout), repo)
    assert 'MMDetection' in need and need.endswith('bash tools/setup_env.sh det')


def test_what_is_done_needs_nothing(make_run, repo, monkeypatch):
    monkeypatch.setattr(needs, 'is_done', lambda run: True)
    check_machine([make_run('gone', scenes='gone')], repo)


def test_gpus(repo, make_run, monkeypatch):
    monkeypatch.setattr(needs.torch.cuda, 'device_count', lambda: 2)
    with pytest.raises(ValueError, match=r'4 processes .* there are 2: pass --processes 2'):
        check_machine([make_run()], repo)
    monkeypatch.setattr(needs.torch.cuda, 'device_count', lambda: 0)
    check_machine([make_run()], repo)
