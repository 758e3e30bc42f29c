"""Flow that rows learn before they are trained: plans, sharing, lengths, what is missing."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from poodle_mm.engine.config import load_config
from poodle_mm.experiments.ablations import needs
from poodle_mm.experiments.ablations import reproduce as module
from poodle_mm.experiments.ablations.flow_runs import (
    WEIGHTS,
    before_its_flow,
    flow_text,
    flow_trainings,
    in_order,
    with_flow,
)
from poodle_mm.experiments.ablations.plan import (
    PlanOptions,
    choose,
    plan_run,
)
from poodle_mm.experiments.ablations.reproduce import reproduce
from poodle_mm.experiments.ablations.runs import job_line, train_command
from poodle_mm.experiments.ablations.studies import studies_of
from poodle_mm.flow.uflow.estimator import build_network
from tests.test_experiments.test_ablations.test_plan import parsed


@pytest.fixture
def plan(repo, tmp_path):
    """A function from data, seed and arguments to row 6, or to a row of the study of flow."""

    def make(data: str = 'scenes', seed: int = 0, study: str = 'table 4', key='6', **arguments):
        args = PlanOptions(data, repo, tmp_path / 'runs', **arguments)
        ((_, variant),) = choose(studies_of(study), [key])
        return with_flow(plan_run(variant, seed, args), args)

    return make


def chain(run) -> list:
    return in_order([run], lambda _: False)


def test_on_bdd100k_as_the_authors(plan, tmp_path):
    """KITTI, then BDD100K from its weights, then PooDLe; each finds what the one before wrote."""
    kitti, bdd, row = chain(plan('bdd100k', kitti='/data/kitti', data_root='/data/bdd'))
    assert [run.config.stem for run in (kitti, bdd)] == ['uflow_kitti', 'uflow_bdd']
    folder = tmp_path / 'runs' / 'bdd100k'
    assert kitti.checkpoint == folder / 'uflow_kitti_s0' / 'iter_50000.pth'
    assert bdd.checkpoint == folder / 'uflow_bdd_s0' / 'iter_100000.pth'
    roots = [run.load().train_dataloader.dataset.data_root for run in (kitti, bdd, row)]
    assert roots == ['/data/kitti', '/data/bdd', '/data/bdd']
    options, words = parsed(train_command(bdd))
    cfg = load_config(bdd.config, options)
    assert cfg.load_from == str(kitti.checkpoint) and '--resume' in words
    assert ' && ' not in job_line(bdd)  # no readout
    options, _ = parsed(train_command(row))
    flow = load_config(row.config, options).model.data_preprocessor.flow
    assert flow == dict(type='UFlow', weights=str(bdd.checkpoint), size=(256, 512))


@pytest.mark.parametrize(
    ('data', 'config'),
    [('scenes', 'small_scenes'), ('scenes-exact', 'small_scenes'), ('camvid', 'small_camvid')],
)
def test_on_small_data(plan, data, config):
    """The small network on the videos of the pretraining, at the size of the crops."""
    training, row = chain(plan(data, data_root='/data/a', driving='/data/b'))
    assert training.config.stem == f'uflow_{config}'
    assert training.work_dir.parent == row.work_dir.parent
    options, _ = parsed(train_command(row))
    cfg = load_config(row.config, options)
    weights = str(training.checkpoint)
    assert cfg.model.data_preprocessor.flow == dict(type='UFlow', weights=weights, size=None)
    flow, poodle = (c.train_dataloader.dataset for c in (training.load(), cfg))
    parts = [c.get('datasets', [c]) for c in (flow, poodle)]
    for ours, theirs in zip(*parts, strict=True):
        for key in ('data_root', 'data_prefix', 'source'):
            assert ours.get(key) == theirs.get(key)
    assert training.load().model.network == 'small'


def test_seeds_share_flow_unless_asked(plan):
    runs = [plan(seed=seed) for seed in (0, 1, 2)]
    assert len(in_order(runs, lambda _: False)) == 4
    assert len({run.options[WEIGHTS] for run in runs}) == 1
    own = [plan(seed=seed, flow_per_seed=True) for seed in (0, 1)]
    assert len(in_order(own, lambda _: False)) == 4
    assert own[0].before == runs[0].before
    cfg = own[1].before.load()
    seeds = (cfg.randomness, cfg.train_dataloader.dataset, cfg.train_dataloader.sampler)
    assert [part.seed for part in seeds] == [1, 1, 1]
    assert own[1].before.work_dir.name == 'uflow_small_scenes_s1'


def test_flow_comes_first_and_only_where_it_is_needed(plan):
    rows = [plan(key='7'), plan(), plan('bdd100k')]
    names = [run.variant.key for run in in_order(rows, lambda _: False)]
    assert names == ['uflow_small_scenes', 'uflow_kitti', 'uflow_bdd', '7', '6', '6']
    done = {'uflow_bdd', '6'}
    names = [r.variant.key for r in in_order(rows[2:], lambda run: run.variant.key in done)]
    assert names == ['6']
    names = [r.variant.key for r in in_order(rows[2:], lambda run: run.variant.key in done - {'6'})]
    assert names == ['uflow_bdd', '6']


@pytest.mark.parametrize(
    ('arguments', 'iters'),
    [
        ({}, 6000),
        (dict(budget='6000pairs'), 3000),  # half of the config's 12,000
        (dict(budget='32pairs'), 16),
        (dict(cfg_options={'train_cfg.max_iters': 75}), 600),
        (dict(budget='6000pairs', flow_budget='100pairs'), 25),  # four a step
        (dict(flow_budget='100pairs'), 25),
    ],
)
def test_length_is_in_proportion(plan, arguments, iters):
    training, row = chain(plan(**arguments))
    cfg = training.load()
    assert cfg.train_cfg.max_iters == iters
    assert [s.end for s in cfg.param_scheduler] == [max(1, round(iters / 30)), iters]
    assert row.options[WEIGHTS].endswith(f'/iter_{iters}.pth')


def test_epochs_are_in_proportion_and_never_nothing(plan):
    kitti, bdd, _ = chain(plan('bdd100k', budget='20'))
    assert [run.load().train_cfg.max_iters for run in (kitti, bdd)] == [25000, 50000]
    assert bdd.options['load_from'].endswith('/iter_25000.pth')
    training, _ = chain(plan(cfg_options={'train_cfg.max_iters': 1}))
    assert training.load().train_cfg.max_iters == 8
    training, _ = chain(plan(cfg_options={'train_cfg.max_iters': 0}))
    assert training.load().train_cfg.max_iters == 2


def test_minutes_are_timed_for_flow_first(plan, repo, tmp_path, monkeypatch, capsys):
    """As the weights are not there yet, row 6 is timed with untrained ones; both then fit."""
    timed = []

    def timed_options(cfg, minutes, threads, file):
        flow = cfg.model.get('data_preprocessor', {}).get('flow')
        if flow:
            state = torch.load(flow.weights, weights_only=True)
            assert state.keys() == build_network('small').state_dict().keys()
        timed.append((file.parent.name, minutes))
        return {'train_cfg.max_iters': 60 + len(timed)}

    monkeypatch.setattr(module, 'timed_options', timed_options)
    args = PlanOptions('scenes', repo, tmp_path / 'runs', budget='10min')
    reproduce('table 4', args, rows=['6'], mode='print-commands')
    names = ['uflow_small_scenes_s0', 'uflow_r18_scenes_96x192_s0']
    assert timed == [(name, 10) for name in names]
    out, note = capsys.readouterr()
    first, second = out.splitlines()
    assert 'train_cfg.max_iters=61' in first and 'evaluate.py' not in first
    assert f'{names[0]}/iter_61.pth' in second and 'train_cfg.max_iters=62' in second
    assert 'up to line 1 train flow' in note
    timed.clear()
    args = replace(args, flow_budget='100pairs')
    reproduce('table 4', args, rows=['6'], mode='print-commands')
    assert [name for name, _ in timed] == names[1:]


def test_nothing_stands_in_for_a_flow_that_is_there(plan):
    run = plan()
    run.before.work_dir.mkdir(parents=True)
    run.before.checkpoint.touch()
    with before_its_flow(run.load(), run.before) as cfg:
        assert cfg.model.data_preprocessor.flow.weights == str(run.before.checkpoint)


def test_weights_that_are_given(plan, tmp_path, monkeypatch):
    """A file or a packaged name takes the place of the training, by either option."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mine.pth').touch()
    for arguments in (dict(flow_weights='mine.pth'), dict(cfg_options={WEIGHTS: 'mine.pth'})):
        run = plan(**arguments)
        assert run.before is None and run.options[WEIGHTS] == str(tmp_path / 'mine.pth')
    assert flow_text(flow_trainings([run, run])) == 'weights mine.pth'
    assert plan(flow_weights='small').options[WEIGHTS] == 'small'
    assert plan(key='7', flow_weights='small').options == plan(key='7').options
    with pytest.raises(FileNotFoundError, match=r'no weights file away\.pth, nor'):
        plan(flow_weights='away.pth')
    (tmp_path / 'my file.pth').touch()
    with pytest.raises(ValueError, match='link the folder'):
        plan(flow_weights='my file.pth')


def test_sources_of_flow(plan, repo, tmp_path):
    """The study's rows: those of Table 4 where they are the same, and only where there are data."""
    rows = {v.key: plan(study='flow', key=v.key) for _, v in choose(studies_of('flow'), None)}
    flows = {key: run.load().model.data_preprocessor.flow for key, run in rows.items()}
    assert {key: flow.type for key, flow in flows.items()} == dict(
        dis='DISFlow', uflow='UFlow', small='DISFlow', exact='CachedFlow'
    )
    assert flows['small'].initial == dict(type='UFlow', weights='small')
    assert rows['dis'].work_dir == plan(key='7').work_dir
    assert rows['uflow'].work_dir == plan().work_dir
    assert rows['exact'].work_dir == plan('scenes-exact', key='7').work_dir
    assert rows['exact'].options == rows['dis'].options == {}
    with pytest.raises(ValueError, match='no exact flow'):
        plan('camvid', study='flow', key='exact')
    for data in ('bdd100k', 'scenes-exact'):
        with pytest.raises(ValueError, match='--data must be one of scenes, camvid'):
            reproduce('flow', PlanOptions(data, repo, tmp_path), mode='dry-run')


def test_rows_of_the_study_on_camvid(repo, tmp_path, capsys):
    reproduce('flow', PlanOptions('camvid', repo, tmp_path), mode='dry-run')
    lines = capsys.readouterr().out.splitlines()
    heads = [line.split(':')[0] for line in lines if not line.startswith(' ')]
    assert heads == ['uflow_small_camvid', 'dis', 'uflow', 'small']


@pytest.fixture
def fake(monkeypatch):
    """Runs nothing: a run that is executed has its result at once."""
    started = []

    def execute(runs, jobs, root):
        for run in runs:
            if module.is_done(run):
                continue
            started.append(run.work_dir.name)
            folder = run.readout_dir if run.readout else run.work_dir
            folder.mkdir(parents=True, exist_ok=True)
            stats = dict(iter=16, seconds=90, device='cpu', pairs_per_second=1.0, memory_mib=1.0)
            (run.work_dir / 'run_stats.json').write_text(json.dumps(stats))
            if run.readout:
                results = [dict(readout='linear', metrics=dict(miou=20.0 + run.seed))]
                (folder / f'{run.readout["suite"][0]}.json').write_text(
                    json.dumps(dict(results=results))
                )
            else:
                run.checkpoint.touch()
        return []

    monkeypatch.setattr(module, 'execute', execute)
    monkeypatch.setattr(needs, 'readout_needs', lambda run, root: [])  # nothing reads them
    return started


def folders(*names: str) -> None:
    for name in names:
        Path(name).mkdir(parents=True)


def test_report_says_how_flow_was_trained(repo, tmp_path, fake, capsys):
    data = tmp_path / 'data'
    folders(data)
    args = PlanOptions('scenes', repo, tmp_path / 'runs', budget='32pairs', data_root=data)
    which = dict(study='table 4', rows=['6'], seeds=(0, 1))
    assert reproduce(args=args, **which) == 0
    assert fake == ['uflow_small_scenes_s0', *(f'uflow_r18_scenes_96x192_s{s}' for s in (0, 1))]
    table = capsys.readouterr().out
    assert (
        'Flow of row 6: uflow_small_scenes, 16 iterations of 4 pairs, 1.5 minutes (cpu, seed 0).'
    ) in table
    assert '20.5 ± 0.7' in table
    (row,) = json.loads((tmp_path / 'runs/scenes/table4.json').read_text())['rows']
    (flow,) = row['flow']
    assert flow['config'] == 'uflow_small_scenes' and flow['minutes'] == 1.5
    (tmp_path / 'runs/scenes/uflow_small_scenes_s0/iter_16.pth').unlink()
    assert reproduce(args=args, **which) == 0  # nothing waits for that file
    assert len(fake) == 3


def test_without_kitti_row_6_is_left_out(repo, tmp_path, fake, capsys):
    """Unless it was asked for; and the table says so."""
    folders(tmp_path / 'bdd')
    args = PlanOptions(
        'bdd100k', repo, tmp_path / 'runs', data_root=tmp_path / 'bdd', kitti=tmp_path / 'kitti'
    )
    assert reproduce('table 4', args) == 0
    table, note = capsys.readouterr()
    missing = f'{tmp_path}/kitti (train_dataloader.dataset.data_root)'
    assert f'Left out: 6 PooDLe, flow from UFlow (data of its flow: {missing})' in table
    assert f'6 PooDLe, flow from UFlow is left out: data of its flow are missing: {missing}' in note
    assert not [name for name in fake if 'uflow' in name] and len(fake) == 10
    with pytest.raises(FileNotFoundError, match='kitti'):
        reproduce('table 4', args, rows=['6'])
    folders(tmp_path / 'kitti')
    assert reproduce('table 4', args) == 0
    assert fake[10:] == ['uflow_kitti_s0', 'uflow_bdd_s0', 'uflow_r50_bdd_256x512_40e_s0']
    assert 'Left out' not in capsys.readouterr().out
