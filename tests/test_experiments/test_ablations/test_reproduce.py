"""A table from the command to the report: real trainings and readouts, tiny."""

import json

import pytest

from poodle_mm.experiments.ablations.reproduce import reproduce
from poodle_scenes import write_scenes
from tests.test_experiments.test_demo.tiny import TINY_DEMO

pytest.importorskip('mmseg')


@pytest.fixture
def root(repo, tmp_path):
    """A checkout whose configs for the scenes are tiny."""
    folder = tmp_path / 'checkout' / 'configs' / 'ablations' / 'scenes'
    folder.mkdir(parents=True)
    text = TINY_DEMO.replace(
        'default_hooks = dict(',
        "default_hooks = dict(\n    run_stats=dict(type='RunStatsHook', interval=1),",
    )
    text += "randomness = dict(seed=0)\nlog_level = 'ERROR'\n"
    (folder / 'poodle_tiny.py').write_text(text)
    (folder / 'flowe_tiny.py').write_text(text + "model['pooled_head'] = None\n")
    (folder.parents[1] / 'downstream').symlink_to(repo / 'configs' / 'downstream')
    (tmp_path / 'checkout' / 'tools').symlink_to(repo / 'tools')
    (tmp_path / 'checkout' / 'poodle_mm').symlink_to(repo / 'poodle_mm')
    return tmp_path / 'checkout'


@pytest.mark.slow
def test_table(root, tmp_path, capsys):
    """Rows are trained, read out and tabled; a second call trains nothing and says the same."""
    scenes = tmp_path / 'scenes'
    counts = dict(train=2, val=1, test=1)
    write_scenes(scenes, counts, size=(64, 128), num_frames=6, fps=10, labelled_frames=2, workers=1)
    arguments = dict(
        study='table 4',
        data='demo',
        root=root,
        work_dir=tmp_path / 'runs',
        rows=['scratch', '7'],
        budget='8pairs',
        jobs=2,
        data_root=scenes,
        split='val',
    )
    assert reproduce(**arguments) == 0
    table = capsys.readouterr().out
    assert '7 PooDLe' in table and 'Scratch' in table
    folder = tmp_path / 'runs' / 'scenes'
    report = json.loads((folder / 'table4.json').read_text())
    scratch, poodle = report['rows']
    assert 0 <= poodle['seeds']['0']['metrics']['linear']['miou'] <= 100
    assert poodle['seeds']['0']['stats']['pairs'] == 8
    assert scratch['seeds']['0']['stats'] == {} and poodle['paper']['miou'] == 34.2
    checkpoint = folder / 'poodle_tiny_s0' / 'iter_4.pth'
    before = checkpoint.stat().st_mtime_ns
    assert reproduce(**arguments) == 0
    assert capsys.readouterr().out == table
    assert checkpoint.stat().st_mtime_ns == before
    more = dict(arguments, seeds=(0, 1), report_only=True)
    assert reproduce(**more) == 0  # what is not there is left out
    assert json.loads((folder / 'table4.json').read_text()) == report
    with pytest.raises(ValueError, match='holds another run'):  # no table under a wrong heading
        reproduce(**dict(more, budget='16pairs'))
    capsys.readouterr()
    reproduce(**arguments, print_commands=True)
    assert capsys.readouterr().out == ''  # nothing is left to do
