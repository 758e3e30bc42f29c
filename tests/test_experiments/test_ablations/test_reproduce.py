"""A table from the command to the report: real trainings and readouts, tiny."""

import json
from dataclasses import replace

import pytest

from poodle_mm.experiments.ablations.plan import PlanOptions
from poodle_mm.experiments.ablations.reproduce import reproduce
from poodle_scenes import write_scenes
from tests.test_experiments.test_demo.tiny import TINY_DEMO

pytest.importorskip('mmseg')

TINY_FLOW = """
_base_ = [{config!r}]
max_iters = 10
param_scheduler = [
    dict(type='LinearLR', start_factor=1e-2, by_epoch=False, begin=0, end=5),
    dict(type='CosineAnnealingLR', T_max=5, by_epoch=False, begin=5, end=10),
]
train_dataloader = dict(
    num_workers=0,
    dataset=dict(
        pipeline=[
            dict(type='PairRandomCrop', area=(0.5, 1.0), size=(64, 96)),
            dict(type='PackFramePair'),
        ],
    ),
)
train_cfg = dict(max_iters=max_iters)
default_hooks = dict(run_stats=dict(interval=1))
custom_hooks = []
log_level = 'ERROR'
"""


@pytest.fixture
def root(repo, tmp_path):
    """A checkout whose configs for the scenes are tiny."""
    configs = tmp_path / 'checkout' / 'configs'
    folder = configs / 'ablations' / 'scenes'
    folder.mkdir(parents=True)
    text = TINY_DEMO.replace(
        'default_hooks = dict(',
        "default_hooks = dict(\n    run_stats=dict(type='RunStatsHook', interval=1),",
    )
    text += "randomness = dict(seed=0)\nlog_level = 'ERROR'\n"
    (folder / 'poodle_r18_scenes_96x192.py').write_text(text)
    for name in ('_base_', 'downstream'):
        (configs / name).symlink_to(repo / 'configs' / name)
    (configs / 'flow').mkdir()
    flow = TINY_FLOW.format(config=str(repo / 'configs/flow/uflow_small_scenes.py'))
    (configs / 'flow' / 'uflow_small_scenes.py').write_text(flow)
    (tmp_path / 'checkout' / 'tools').symlink_to(repo / 'tools')
    (tmp_path / 'checkout' / 'poodle_mm').symlink_to(repo / 'poodle_mm')
    return tmp_path / 'checkout'


@pytest.mark.slow
def test_table(root, tmp_path, capsys):
    """Rows are trained, read out and tabled; a second call trains nothing and says the same."""
    scenes = tmp_path / 'scenes'
    counts = dict(train=2, val=1, test=1)
    write_scenes(scenes, counts, size=(64, 128), num_frames=6, fps=10, labelled_frames=2, workers=1)
    args = PlanOptions(
        'scenes',
        root,
        tmp_path / 'runs',
        budget='8pairs',
        data_root=scenes,
        split='val',
    )
    which = dict(study='table 4', rows=['scratch', '5'], jobs=2)
    assert reproduce(args=args, **which) == 0
    table = capsys.readouterr().out
    assert '5 dense only' in table and 'Scratch' in table
    folder = tmp_path / 'runs' / 'scenes'
    report = json.loads((folder / 'table4.json').read_text())
    scratch, dense_only = report['rows']
    assert 0 <= dense_only['seeds']['0']['metrics']['linear']['miou'] <= 100
    assert dense_only['seeds']['0']['stats']['pairs'] == 8
    (log,) = (folder / 'dense-only_r18_scenes_96x192_s0').glob('*/vis_data/scalars.json')
    assert 'loss_dense' in log.read_text() and 'loss_pool' not in log.read_text()
    assert scratch['seeds']['0']['stats'] == {} and dense_only['paper']['miou'] == 31.8
    checkpoint = folder / 'dense-only_r18_scenes_96x192_s0' / 'iter_4.pth'
    before = checkpoint.stat().st_mtime_ns
    assert reproduce(args=args, **which) == 0
    assert capsys.readouterr().out == table
    assert checkpoint.stat().st_mtime_ns == before
    more = dict(which, seeds=(0, 1), mode='report-only')
    assert reproduce(args=args, **more) == 0  # what is not there is left out
    assert json.loads((folder / 'table4.json').read_text()) == report
    with pytest.raises(ValueError, match='holds another run'):  # no table under a wrong heading
        reproduce(args=replace(args, budget='16pairs'), **more)
    capsys.readouterr()
    reproduce(args=args, **which, mode='print-commands')
    assert capsys.readouterr().out == ''  # nothing is left to do


@pytest.mark.slow
def test_row_6_needs_no_file(root, tmp_path, capsys):
    """Two iterations of flow without labels, two of PooDLe with it, a readout; flow only once."""
    scenes = tmp_path / 'scenes'
    counts = dict(train=2, val=1, test=1)
    write_scenes(scenes, counts, size=(64, 128), num_frames=6, fps=10, labelled_frames=2, workers=1)
    args = PlanOptions(
        'scenes', root, tmp_path / 'runs', budget='4pairs', data_root=scenes, split='val'
    )
    which = dict(study='table 4', rows=['6'])
    assert reproduce(args=args, **which) == 0
    assert 'Flow of row 6: uflow_small_scenes, 2 iterations of 4 pairs' in capsys.readouterr().out
    folder = tmp_path / 'runs' / 'scenes'
    (row,) = json.loads((folder / 'table4.json').read_text())['rows']
    assert 0 <= row['seeds']['0']['metrics']['linear']['miou'] <= 100
    assert row['seeds']['0']['stats']['pairs'] == 4
    flow = folder / 'uflow_small_scenes_s0' / 'iter_2.pth'
    written = flow.stat().st_mtime_ns
    log = (folder / 'uflow_r18_scenes_96x192_s0' / 'job.log').read_text()
    assert 'Traceback' not in log
    capsys.readouterr()
    reproduce(args=args, **dict(which, seeds=(1,)), mode='print-commands')
    (line,) = capsys.readouterr().out.splitlines()  # the flow is there
    assert str(flow) in line and flow.stat().st_mtime_ns == written


def test_no_table_of_dashes(root, tmp_path):
    """Before a readout is done there is nothing to report, and an earlier report stays."""
    args = PlanOptions('scenes', root, tmp_path / 'runs', data_root=tmp_path)
    folder = tmp_path / 'runs' / 'scenes'
    (folder / 'poodle_r18_scenes_96x192_s0').mkdir(parents=True)
    (folder / 'table4.json').write_text('{"title": "yesterday"}')
    for rows in (['7'], ['scratch']):  # begun and not even begun
        with pytest.raises(ValueError, match=f'table 4: nothing was measured in {folder}'):
            reproduce('table 4', args, rows=rows, mode='report-only')
    assert [path.name for path in folder.glob('table4*')] == ['table4.json']
    assert 'yesterday' in (folder / 'table4.json').read_text()
