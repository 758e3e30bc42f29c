"""Each stage runs end to end on tiny shapes; what must be equal is. No test looks at a time."""

import argparse
import json
from importlib import import_module
from pathlib import Path

import pytest
import torch

from benchmarks import networks
from benchmarks.report import add_to_report, read_report
from benchmarks.result import Measurement, Options, StageResult, Target
from benchmarks.run import run_stages
from benchmarks.stages import STAGES

ROWS = dict(
    loss=3,
    flow=7,
    memory=5,
    step=10,
    amp=6,
    roofline=8,
    scaling=2,
    startup=13,
    remote=18,
    methods=2,
)


@pytest.fixture
def options(repo, tmp_path) -> Options:
    return Options(repeats=1, threads=1, quick=True, cache=tmp_path, configs=repo / 'configs')


@pytest.mark.parametrize(
    'name', ['loss', 'flow', 'memory', 'step', 'roofline', 'remote', 'methods']
)
def test_stage_runs(name, options):
    check(import_module(f'benchmarks.{name}').run(options), ROWS[name])


def test_bfloat16_is_compared_with_the_same_training(options):
    result = import_module('benchmarks.amp').run(options)
    check(result, ROWS['amp'])
    for recipe in ('paper', 'release'):
        found = [result.row(f'{recipe}, {n}').more for n in ('float32 once more', 'bfloat16')]
        assert found[0] == {'loss: mean difference': '0.00%', 'greatest': '0.00%'}
        assert found[1]['greatest'] != '0.00%'


def test_a_stage_that_does_not_fit_leaves_the_others(repo, tmp_path, monkeypatch, capsys):
    def too_large(options):
        raise torch.OutOfMemoryError('tried to allocate 9 TiB')

    monkeypatch.setattr('benchmarks.memory.run', too_large)
    monkeypatch.setattr('benchmarks.loss.run', lambda options: example('loss', 0.5))
    args = argparse.Namespace(
        stages=['memory', 'loss'], device='cpu', repeats=1, threads=1, quick=True, video=None
    )
    args.out, args.tf32 = tmp_path, False
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', True)  # torch's default
    run_stages(args, repo / 'configs', [])
    assert not torch.backends.cudnn.allow_tf32  # as trainings have it
    assert 'memory: left out, it does not fit' in capsys.readouterr().out
    assert list(read_report(tmp_path / 'benchmark_cpu.json')) == ['loss']


@pytest.mark.slow
@pytest.mark.parametrize('name', ['scaling', 'startup'])
def test_stage_of_several_processes_runs(name, options):
    result = import_module(f'benchmarks.{name}').run(options)
    check(result, ROWS[name])
    if name == 'startup':
        times = {row.name: row.median for row in result.rows}
        for run in ('start', 'resume'):
            phases = [t for key, t in times.items() if key.startswith(f'{run}: ')]
            assert sum(phases) == pytest.approx(2 * times[f'{run}: command to first step'])


def check(result: StageResult, rows: int) -> None:
    assert len(result.rows) == len({row.name for row in result.rows}) == rows
    assert all(row.seconds and min(row.seconds) > 0 for row in result.rows)
    assert result.notes
    equalities = [target for target in result.targets if 'relative difference' in target.text]
    assert all(target.met for target in equalities), equalities
    json.dumps(result.as_dict(), allow_nan=False)


def test_every_stage_is_a_module_with_run(repo):
    for name in STAGES:
        module = Path(repo, 'benchmarks', f'{name}.py')
        assert 'def run(options: Options) -> StageResult' in module.read_text()


def test_lower_bound_runs_the_modules_that_the_step_runs(options):
    """Every layer as often as in the step, none left out: else it would be no lower bound."""
    model = networks.build(networks.model_config(options), 'cpu')
    views = model.data_preprocessor(networks.random_pairs(1, (64, 128), 'cpu'), True)['inputs']
    reached = {}
    for name, run in (
        ('lower bound', networks.modules_only(model, views)),
        ('step', lambda: sum(v for k, v in model.loss(views).items() if 'loss' in k).backward()),
    ):
        calls = []
        hooks = [
            module.register_forward_hook(lambda m, i, o, calls=calls: calls.append(m))
            for module in model.modules()
            if not list(module.children())
        ]
        run()
        for hook in hooks:
            hook.remove()
        reached[name] = sorted(map(id, calls))
    assert reached['lower bound'] == reached['step']
    assert len(reached['step']) > 100


def example(name: str, value: float) -> StageResult:
    rows = [Measurement('ours', [value, 3 * value, 2 * value], {'MiB': 7})]
    rows.append(Measurement('lower bound', [1.0]))
    targets = [Target('time / lower bound', 2 * value, '<= 1.25')]
    return StageResult(name, f'Stage {name}', 'nothing', 'pair', rows, targets, ['a note'])


def test_report_keeps_the_other_stages(tmp_path):
    add_to_report(tmp_path, example('loss', 0.5), 'cpu', 'first')
    add_to_report(tmp_path, example('step', 1.0), 'cpu', 'second')
    add_to_report(tmp_path, example('loss', 0.6), 'cpu', 'third')
    stages = read_report(tmp_path / 'benchmark_cpu.json')
    assert list(stages) == ['loss', 'step']
    assert stages['loss']['command'] == 'third' and stages['step']['command'] == 'second'
    assert stages['loss']['rows'][0]['median'] == 1.2
    assert [stage['targets'][0]['met'] for stage in stages.values()] == [True, False]
    text = (tmp_path / 'benchmark_cpu.md').read_text()
    assert text.count('## Stage') == 2
    assert '| ours | 1,200 | 600 - 1,800 | 7 |' in text
    assert '| time / lower bound | 1.2 | <= 1.25 | yes |' in text
    assert '| time / lower bound | 2 | <= 1.25 | **no** |' in text


@pytest.mark.parametrize('content', ['{"stag', '{"stages": {"loss": {"bars": []}}}'])
def test_damaged_or_old_report_is_named(tmp_path, content):
    file = tmp_path / 'benchmark_cpu.json'
    file.write_text(content)
    with pytest.raises(ValueError, match=r'benchmark_cpu\.json: not a benchmark report'):
        add_to_report(tmp_path, example('loss', 1.0), 'cpu', 'x')
    assert file.read_text() == content
