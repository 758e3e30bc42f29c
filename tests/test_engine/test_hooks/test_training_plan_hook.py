"""What is said before a run: counts by hand, sizes as of the files written, and the warnings."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.runner import Runner

from poodle_mm.engine.hooks import training_plan_hook
from poodle_mm.engine.hooks.training_plan_hook import checkpoint_bytes, duration, files_of


def loader(**dataset) -> dict:
    return dict(
        batch_size=2,
        num_workers=0,
        sampler=dict(type='PairSampler'),
        collate_fn=dict(type='poodle_mm.frame_pair_collate'),
        dataset=dict(type='ToyPairs', **dataset),
    )


@pytest.fixture
def plan_of(make_runner, monkeypatch):
    """A function that trains a toy run with the hook; returns (plan by line, warnings, runner)."""

    def run(**overrides) -> tuple[dict[str, str], list[str], Runner]:
        runner = make_runner(**overrides)
        runner.register_hook(training_plan_hook.TrainingPlanHook())
        said, warned = [], []
        monkeypatch.setattr(runner.logger, 'info', said.append)
        monkeypatch.setattr(runner.logger, 'warning', warned.append)
        runner.train()
        (plan,) = [text for text in said if text.startswith('Plan')]
        lines = [line.strip() for line in plan.splitlines()[1:]]
        plan = {line.split()[0]: line.partition(' ')[2].strip() for line in lines}
        plan['time'] = ' '.join(text for text in said if text.startswith('About'))
        return plan, warned, runner

    return run


def test_counts_of_epochs(plan_of):
    """12 samples of 3 pairs by 2, 4 accumulated: 6 iterations an epoch, 24 pairs a step."""
    plan, warned, _ = plan_of(
        train_dataloader=loader(length=12, repeats=3),
        optim_wrapper=dict(
            type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3), accumulative_counts=4
        ),
        param_scheduler=[dict(type='LinearLR', by_epoch=True, begin=0, end=1)],
    )
    assert plan['data'] == '12 samples; an epoch is 36 pairs in 2 steps'
    assert plan['length'] == (
        '3 steps, 2.00 epochs, 24 pairs a step (2 samples x 3 pairs x 4 iterations)'
    )
    assert plan['rate'] == '0.001 at its peak; warm-up to step 2'
    assert plan['checkpoints'].startswith('2 to come of ')
    assert plan['time'] == ''  # of 20 iterations and more
    assert sum('An epoch is 6 iterations' in text for text in warned) == 1


def test_counts_of_iterations(plan_of):
    """24 iterations, a checkpoint every 5 and at the end, two of them kept; the rate scaled."""
    hook = dict(type='AtomicCheckpointHook', by_epoch=False, interval=5, max_keep_ckpts=2)
    plan, warned, runner = plan_of(
        train_dataloader=loader(length=60),
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=24),
        param_scheduler=[dict(type='LinearLR', by_epoch=False, begin=0, end=6)],
        default_hooks=dict(checkpoint=hook),
        custom_hooks=[dict(type='TargetUpdateHook')],
        auto_scale_lr=dict(base_batch_size=8, enable=True),
    )
    assert plan['length'] == '24 steps, 0.80 epochs, 2 pairs a step'
    assert plan['rate'] == '0.00025 at its peak; warm-up to step 6'
    size, both = re.match(
        r'5 to come of (\d+) MB, the last 2 kept: (\d+) MB of ', plan['checkpoints']
    ).groups()
    files = sorted(Path(runner.work_dir).glob('iter_*.pth'))
    assert [file.stem for file in files] == ['iter_20', 'iter_24']
    assert int(size) == pytest.approx(files[0].stat().st_size / 1e6, abs=1)
    assert int(both) == pytest.approx(2 * files[0].stat().st_size / 1e6, abs=2)
    assert re.fullmatch(r'About \d+ s to go, at [\d.]+ s an iteration', plan['time'])
    assert not any('epoch' in text or 'batch' in text for text in warned)


@pytest.mark.parametrize(
    'optimizer',
    [dict(type='AdamW'), dict(type='SGD', momentum=0.9), dict(type='SGD'), dict(type='Adam')],
)
def test_size_is_that_of_the_file(make_runner, optimizer, tmp_path):
    runner = make_runner(
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(optimizer, lr=1e-3)),
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=1),
    )
    runner.train()
    expected = (tmp_path / 'run' / 'epoch_1.pth').stat().st_size
    found = checkpoint_bytes(runner.model, runner.optim_wrapper.optimizer)
    assert found == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(
    ('base', 'enable', 'warns'), [(24, False, 0), (128, False, 1), (128, True, 0)]
)
def test_warns_of_another_total_batch(plan_of, base, enable, warns):
    """2 samples x 3 repeats x 1 process x 4 accumulated iterations are 24 pairs."""
    _, warned, _ = plan_of(
        train_dataloader=loader(length=2, repeats=3),
        optim_wrapper=dict(
            type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3), accumulative_counts=4
        ),
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=1),
        auto_scale_lr=dict(base_batch_size=base, enable=enable),
    )
    assert sum('total batch is 24 pairs' in text for text in warned) == warns


@pytest.mark.parametrize(('keep', 'warns'), [(-1, True), (2, False)])
def test_warns_of_a_full_disk(plan_of, monkeypatch, keep, warns):
    """Four checkpoints, and space for three."""
    monkeypatch.setattr(training_plan_hook, 'checkpoint_bytes', lambda *_: 10**9)
    monkeypatch.setattr(
        training_plan_hook.shutil, 'disk_usage', lambda _: SimpleNamespace(free=3 * 10**9)
    )
    hook = dict(type='AtomicCheckpointHook', interval=1, max_keep_ckpts=keep)
    plan, warned, _ = plan_of(
        train_dataloader=loader(length=2),
        train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=4),
        default_hooks=dict(checkpoint=hook),
    )
    assert plan['checkpoints'].startswith('4 to come of 1.0 GB')
    assert any('4 of 1.0 GB are 4.0 GB' in text for text in warned) == warns


def test_files_of_mixtures():
    def part(files: int, bad: int, seconds: float) -> SimpleNamespace:
        return SimpleNamespace(
            source=SimpleNamespace(num_files=files, bad=range(bad), seconds=seconds)
        )

    assert files_of(part(5, 2, 9.0)) == (3, 9.0)
    assert files_of(SimpleNamespace(datasets=[part(5, 2, 9.0), part(1, 0, 1.0)])) == (4, 10.0)
    assert files_of(SimpleNamespace(datasets=[part(5, 2, 9.0), part(1, 0, 0.0)])) == (4, 0.0)
    assert files_of(object()) == (0, 0.0)


def test_durations():
    texts = {8.6: '9 s', 60: '1 min', 75: '1 min 15 s', 12000: '3 h 20 min', 90000: '1 d 1 h'}
    assert {seconds: duration(seconds) for seconds in texts} == texts
    assert duration(3600) == '1 h' and duration(7199) == '2 h'
