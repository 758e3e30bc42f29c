"""Verdicts on runs: from the hooks' events, from the log, from the numbers themselves."""

import pytest

from poodle_mm.experiments.report.health import judge
from poodle_mm.experiments.report.runs import read_run
from tests.test_experiments.test_report.work_dirs import collapsing, make_run


def event(level='error', kind='collapse', name='rank_dense', **more):
    """A line of ``health.jsonl``."""
    return dict(
        iter=150, kind=kind, level=level, name=name, value=1.2, limit=3.0, message='rank 1.2',
        cause='the rate', key='optim_wrapper.optimizer.lr', batch=None,
    ) | more  # fmt: skip


def verdict(tmp_path, *arguments, **options):
    return judge(read_run('mine', make_run(tmp_path / 'mine', *arguments, **options)))


def test_healthy(tmp_path):
    found = verdict(tmp_path)
    assert found.level == 'good' and not found.findings
    assert list(found.evidence) == ['std_dense 0.7 → 0.7']


def test_events_of_hooks(tmp_path):
    found = verdict(tmp_path, health=[event(batch='bad/batch.pt'), '{"iter": 3, "le'])
    (finding,) = found.findings
    assert found.level == 'error' and found.headline == 'Collapse'
    assert (finding.iteration, finding.key) == (150, 'optim_wrapper.optimizer.lr')
    assert (finding.message, finding.cause, finding.batch) == (
        'rank 1.2',
        'the rate',
        'bad/batch.pt',
    )
    assert found.evidence[-1] == '1 damaged lines in health.jsonl are left out'


def test_what_has_recovered_is_told_and_not_held_against_it(tmp_path):
    found = verdict(
        tmp_path, health=[event(), event('recovered'), event('warning', 'loader', 'data_time')]
    )
    assert found.level == 'warning' and found.headline == 'Waiting for data'
    assert [finding.level for finding in found.findings] == ['warning', 'recovered']


def test_hooks_speak_before_the_numbers(tmp_path):
    """The spread is low, and the hook that watched it says that it has recovered."""
    assert (
        verdict(tmp_path, collapsing(), health=[event('recovered', name='std_dense')]).level
        == 'good'
    )


@pytest.mark.parametrize(
    ('last', 'level', 'kind'),
    [
        (dict(std_dense=0.3), 'error', 'collapse'),
        (dict(std_dense=0.4), 'warning', 'collapse'),  # of 0.9 at first
        (dict(std_dense=0.6), 'good', None),
        (dict(std_pool=0.16), 'error', 'collapse'),
        (dict(information=0.001), 'error', 'collapse'),
        (dict(valid_share=0.05), 'warning', 'valid_share'),
        (dict(valid_share=0.01), 'error', 'valid_share'),
        (dict(loss_dense=float('nan')), 'error', 'nonfinite'),
        (dict(time=1.0, data_time=0.6), 'warning', 'loader'),
        (dict(time=1.0, data_time=0.4), 'good', None),
        (dict(fallback_share=0.7), 'warning', 'fallback'),
    ],
)  # fmt: skip
def test_numbers_alone(tmp_path, last, level, kind):
    first = dict(std_dense=0.9, std_pool=0.7, information=0.2, valid_share=0.6, loss_dense=2.0,
                 time=1.0, data_time=0.1, fallback_share=0.0)  # fmt: skip
    found = verdict(tmp_path, [first] * 3 + [first | last] * 9)
    assert found.level == level
    assert [finding.kind for finding in found.findings] == ([kind] if kind else [])
    assert all(finding.cause and finding.key for finding in found.findings)


def test_warnings_of_the_log(tmp_path):
    """A run from before ``health.jsonl``; its numbers are no longer low."""
    text = 'std_pool averages 0.05 at iteration 250 and was below 0.1 5 times in a row: the cause'
    found = verdict(tmp_path, warnings=[text])
    assert found.level == 'error'
    (finding,) = found.findings
    assert finding.cause == 'the cause' and finding.message.startswith('std_pool averages 0.05')


def test_too_early(tmp_path):
    assert verdict(tmp_path, [dict(loss_dense=4.0)] * 2).level == 'unknown'


def test_collapse_is_red_where_the_run_went_on(tmp_path):
    """The monitor warns unless it is told to stop; cause and key stand once."""
    text = 'filled_pool averages 0.4: vectors lie on lines (optim_wrapper.optimizer.lr)'
    warned = event(
        'warning', 'rank', 'filled_pool', message=text,
        cause='vectors lie on lines', key='optim_wrapper.optimizer.lr',
    )  # fmt: skip
    found = verdict(tmp_path, collapsing(), health=[warned])
    assert (found.level, found.headline) == ('error', 'Collapse: the vectors lie on few lines')
    assert found.findings[0].message == 'filled_pool averages 0.4'


def test_a_monitor_without_findings_is_believed(tmp_path):
    """PixPro's spread falls by half and comes back: the hook knows, the numbers alone do not."""
    rows = [dict(loss_dense=4.0 - n, std_dense=0.8 - 0.2 * n) for n in range(3)]
    assert verdict(tmp_path / 'watched', rows, health=[]).level == 'good'
    assert verdict(tmp_path / 'unwatched', rows).level == 'warning'
