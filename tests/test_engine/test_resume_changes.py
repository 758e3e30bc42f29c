"""A run that goes on in a changed world does what it would have done there from the start."""

import pytest

from poodle_mm.engine import resume_changes
from poodle_mm.engine.resume_changes import config_changes
from tests.test_engine.test_resume import Journal, iteration_based


def loader(**changes) -> dict:
    return dict(
        dict(
            batch_size=2,
            num_workers=0,
            sampler=dict(type='PairSampler', shuffle=True),
            collate_fn=dict(type='poodle_mm.frame_pair_collate'),
            dataset=dict(type='ToyPairs', length=8),
        ),
        **changes,
    )


def optimizer(lr=1e-3, weight_decay=0.01, kind='AdamW', **wrapper) -> dict:
    options = dict(type=kind, lr=lr, weight_decay=weight_decay)
    return dict(type='OptimWrapper', optimizer=options, **wrapper)


def cosine(epochs: int) -> list[dict]:
    return [dict(type='CosineAnnealingLR', T_max=epochs, end=epochs, convert_to_iter_based=True)]


@pytest.fixture
def said(monkeypatch):
    """What the resumed run says about changes."""
    lines = []
    monkeypatch.setattr(resume_changes, 'warn', lines.append)
    return lines


CHANGES = dict(
    batch_doubled=(
        dict(train_dataloader=loader(batch_size=4)),
        ['train_dataloader.batch_size: 2 → 4', 'iterations an epoch: 4 → 2', 'iteration 4 is'],
    ),
    batch_halved=(dict(train_dataloader=loader(batch_size=1)), ['target.steps: 4 → 8']),
    accumulation=(
        dict(optim_wrapper=optimizer(accumulative_counts=2)),
        ['optim_wrapper.accumulative_counts: – → 2', 'target.steps: 4 → 2'],
    ),
    more_data=(
        dict(train_dataloader=loader(dataset=dict(type='ToyPairs', length=12))),
        ['samples of the data: 8 → 12', 'iteration 4 is iteration 6 now'],
    ),
    rate=(dict(optim_wrapper=optimizer(lr=1e-2)), ['optim_wrapper.optimizer.lr: 0.001 → 0.01']),
    decay=(
        dict(optim_wrapper=optimizer(weight_decay=0.5)),
        ['optim_wrapper.optimizer.weight_decay: 0.01 → 0.5'],
    ),
    schedule=(
        dict(
            param_scheduler=cosine(8),
            custom_hooks=[dict(type='TargetUpdateHook', schedule_epochs=8)],
        ),
        ['param_scheduler.0.T_max: 4 → 8', 'custom_hooks.0.schedule_epochs: 4 → 8'],
    ),
)  # fmt: skip


@pytest.mark.parametrize('name', CHANGES)
def test_goes_on_as_if_it_had_always_been_so(make_runner, said, name):
    """Data, rate and momentum of each iteration, and decay, are those of a run through."""
    overrides, words = CHANGES[name]
    make_runner('stopped', train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=1)).train()
    through, resumed = Journal(), Journal()
    runner = make_runner('through', **overrides)
    runner.register_hook(through)
    runner.train()
    runner = make_runner('stopped', resume=True, **overrides)
    runner.register_hook(resumed)
    runner.train()
    assert resumed.lines == through.lines[len(through.lines) // 2 :]
    assert runner.optim_wrapper.param_groups[0]['weight_decay'] == (
        0.5 if name == 'decay' else 0.01
    )
    assert runner.iter == runner.max_iters == len(through.lines)
    (text,) = said
    assert all(word in text for word in ['train_cfg.max_epochs: 1 → 2', *words]), text


def halved(**changes) -> dict:
    """As ``iteration_based`` with a batch of 4: 10 iterations see what 20 saw."""
    base = iteration_based()
    base['train_dataloader']['batch_size'] = 4
    return base | dict(
        train_cfg=dict(type='IterBasedTrainLoop', max_iters=4),
        param_scheduler=[dict(type='CosineAnnealingLR', T_max=10, by_epoch=False)],
        custom_hooks=[dict(type='TargetUpdateHook', schedule_iters=10)],
    ) | changes  # fmt: skip


def start(make_runner, max_iters: int) -> None:
    first = iteration_based() | dict(train_cfg=dict(type='IterBasedTrainLoop', max_iters=max_iters))
    first['default_hooks']['checkpoint']['interval'] = 1
    first['default_hooks']['checkpoint']['max_keep_ckpts'] = 4
    runner = make_runner('stopped', **first)
    runner.register_hook(Journal(stop_at=max_iters - 4))
    with pytest.raises(KeyboardInterrupt):
        runner.train()


def test_iterations_keep_the_samples_seen(make_runner, said):
    start(make_runner, 8)  # stopped after iteration 4
    through, resumed = Journal(), Journal()
    for name, journal in dict(through=through, stopped=resumed).items():
        runner = make_runner(name, resume=name == 'stopped', **halved())
        runner.register_hook(journal)
        runner.train()
    assert len(through.lines) == 4 and resumed.lines == through.lines[2:]
    assert 'iteration 4 is iteration 2 now' in said[0]


@pytest.mark.parametrize(
    ('overrides', 'message'),
    [
        (dict(optim_wrapper=optimizer(kind='Adam')), 'optimizer.type changed from AdamW to Adam'),
        (dict(train_cfg=dict(max_epochs=4, type='EpochBasedTrainLoop')), 'counted iterations'),
        (
            dict(train_cfg=dict(type='IterBasedTrainLoop', max_iters=20)),
            r'batch_size × processes changed from 2 to 4.*max_iters is 20: set it to 3\.5',
        ),
    ],
)
def test_what_is_not_defined_is_refused(make_runner, overrides, message):
    start(make_runner, 7)  # stopped after iteration 3: 6 samples
    if 'train_cfg' not in overrides:
        overrides = dict(iteration_based(), **overrides)
    elif 'max_iters' in overrides['train_cfg']:
        start(make_runner, 8)
        message = message.replace(r'3\.5', '4')
        overrides = halved(**overrides)
    else:
        overrides = dict(train_dataloader=loader(), **overrides)
    with pytest.raises(ValueError, match=f'cannot resume: .*{message}'):
        make_runner('stopped', resume=True, **overrides).train()


def test_a_batch_that_does_not_divide_what_was_seen(make_runner):
    start(make_runner, 7)
    with pytest.raises(ValueError, match='the 6 samples that were seen are no multiple of 4'):
        make_runner('stopped', resume=True, **halved()).train()


def test_nothing_changed_nothing_said(make_runner, said):
    make_runner('stopped').train()
    runner = make_runner('stopped', resume=True, log_level='ERROR')
    runner.train()
    assert not said


def test_config_changes_by_hand():
    before = dict(
        a=1,
        model=dict(size=(1, 2), parts=[dict(n=1), dict(n=2)]),
        train_dataloader=dict(num_workers=1, batch_size=2),
        work_dir='x',
    )
    now = dict(
        b=None,
        model=dict(size=[1, 2], parts=[dict(n=1), dict(n=3)]),
        train_dataloader=dict(num_workers=9, batch_size=3),
        work_dir='y',
    )
    assert config_changes(before, now) == [
        'a: 1 → –',
        'model.parts.1.n: 2 → 3',
        'train_dataloader.batch_size: 2 → 3',
        'b: – → None',
    ]
