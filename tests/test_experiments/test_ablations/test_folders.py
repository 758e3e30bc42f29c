"""Folders of runs: what they hold of other settings is refused, what they hold of readouts kept."""

import json
from pathlib import Path

import pytest

from poodle_mm.experiments.ablations.folders import (
    check_folders,
    is_done,
    keep_readouts,
    measured_readouts,
    read_result,
)
from poodle_mm.experiments.ablations.runs import Run, job_line
from poodle_mm.experiments.ablations.study import SCRATCH, Variant

ROWS = [dict(readout='linear', metrics=dict(miou=20.5))]


def make_run(folder: Path, method: str | None = SCRATCH, **readout) -> Run:
    config = folder / 'c.py'
    config.write_text("train_cfg = dict(max_iters=10, type='Loop')")
    readout = dict(suite=['scenes'], readouts=['linear'], size=(96, 192)) | readout
    return Run(Variant('a', 'a', method), 0, config, {}, 1, folder / 'a', readout)


def write(file: Path, content: object) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


def report(run: Run, results=ROWS, **settings) -> None:
    content = dict(suite='scenes', settings=dict(split='test', size=[96, 192]) | settings)
    write(run.readout_dir / 'scenes.json', content | dict(results=results))


def test_another_split_or_size_is_not_the_same_readout(tmp_path):
    run = make_run(tmp_path)
    report(run)
    check_folders([run, make_run(tmp_path, split=['test'])])  # what is not said is the default
    assert is_done(run)
    for changes, words in (
        (dict(split=['val']), 'split: test → val'),
        (dict(size=(360, 480)), r'size: \[96, 192\] → \[360, 480\]'),
        (dict(iters=[9]), 'iters: not set → 9'),
    ):
        other = make_run(tmp_path, **changes)
        assert not is_done(other)
        with pytest.raises(ValueError, match=f'{run.work_dir} holds another run .{words}'):
            check_folders([other])


def test_a_second_readout_does_not_take_the_first_away(tmp_path):
    """The job asks for both, and tools/evaluate.py writes what it is asked for."""
    run = make_run(tmp_path, readouts=['linear-weighted'])
    assert '--readouts linear-weighted' in job_line(keep_readouts(run))
    report(run)
    assert not is_done(run)
    assert '--readouts linear linear-weighted' in job_line(keep_readouts(run))
    assert '--readouts linear ' in job_line(keep_readouts(make_run(tmp_path)))


def test_a_report_takes_what_is_measured(tmp_path):
    run = make_run(tmp_path, readouts=['linear', 'linear-weighted'])
    assert measured_readouts(run) == run
    report(run)
    assert read_result(run) is None
    assert read_result(measured_readouts(run))['metrics'] == {'linear': dict(miou=20.5)}


def test_without_its_settings_a_run_is_told_by_its_length(tmp_path):
    run = make_run(tmp_path, 'poodle')
    report(run)
    write(run.work_dir / 'run_stats.json', dict(iter=10, max_iters=10))
    check_folders([run])
    write(run.work_dir / 'run_stats.json', dict(iter=2, max_iters=2))
    with pytest.raises(ValueError, match='max_iters: 2 → 10'):
        check_folders([run])
    check_folders([make_run(tmp_path)])  # random weights have no length


@pytest.mark.parametrize('results', [None, 3, [3], [{}], [dict(readout='linear', metrics=None)]])
def test_a_report_of_another_shape_is_no_result(tmp_path, results):
    run = make_run(tmp_path)
    report(run, results)
    assert read_result(run) is None
    assert keep_readouts(run) == run
    write(run.readout_dir / 'scenes.json', [1])
    assert read_result(run) is None and keep_readouts(run) == run
