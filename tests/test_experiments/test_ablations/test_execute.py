"""Jobs: run side by side, skipped when done, gone on with, ended together."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace
from pathlib import Path

import pytest

from poodle_mm.experiments.ablations import execute as module
from poodle_mm.experiments.ablations.execute import execute, threads_of
from poodle_mm.experiments.ablations.folders import check_folders, is_done, read_result
from poodle_mm.experiments.ablations.runs import Run
from poodle_mm.experiments.ablations.study import Variant

RESULT = dict(results=[dict(readout='linear', metrics=dict(miou=20.5, acc=60.0))])


def make_run(tmp_path, name: str, **changes) -> Run:
    run = Run(
        variant=Variant(name, name, 'poodle'),
        seed=0,
        config=Path(f'{name}.py'),
        options={'train_cfg.max_iters': 10, 'train_dataloader.dataset.data_root': '/here'},
        processes=1,
        work_dir=tmp_path / name,
        readout=dict(suite=['scenes'], readouts=['linear'], size=(96, 192)),
    )
    return replace(run, **changes)


@pytest.fixture
def shell(monkeypatch):
    """Runs a snippet in place of training and readout; ``RESULT_FILE`` is what it has to write."""
    lines = {}

    def job_line(run, port):
        file = run.readout_dir / 'scenes.json'
        default = f"mkdir -p {run.readout_dir}; echo '{json.dumps(RESULT)}' > {file}"
        return lines.get(run.variant.key, '{finish}').format(
            finish=default, work_dir=run.work_dir, port=port
        )

    monkeypatch.setattr(module, 'job_line', job_line)
    monkeypatch.setattr(module, '_POLL_SECONDS', 0.02)
    return lines


def test_runs_what_is_missing(tmp_path, shell):
    runs = [make_run(tmp_path, name) for name in 'abc']
    shell['b'] = 'echo again >> {work_dir}/count; {finish}'
    assert not any(map(is_done, runs))
    assert execute(runs, 2, tmp_path) == []
    assert all(map(is_done, runs))
    assert read_result(runs[0])['metrics'] == {'linear': dict(miou=20.5, acc=60.0)}
    assert execute(runs, 2, tmp_path) == []
    assert (tmp_path / 'b' / 'count').read_text() == 'again\n'  # once


def test_as_many_at_once_as_asked_for(tmp_path, shell):
    """Each job meets exactly one other: it waits until two have signed in, or for ever."""
    runs = [make_run(tmp_path, name) for name in 'ab']
    for name in 'ab':
        shell[name] = (
            f'touch {tmp_path}/{name}.here; '
            f'for i in $(seq 200); do [ $(ls {tmp_path}/*.here | wc -l) = 2 ] && break; sleep .05; '
            'done; [ $i -lt 200 ] && {{ {finish}; }}'
        ).replace('{{ {finish}; }}', '( {finish} )')
    assert execute(runs, 2, tmp_path) == []


def test_a_failure_does_not_stop_the_others(tmp_path, shell, capsys):
    runs = [make_run(tmp_path, name) for name in 'abc']
    shell['a'] = 'echo the cause >&2; false'
    shell['b'] = 'true'  # ends well, but leaves no result
    assert execute(runs, 1, tmp_path) == runs[:2]
    assert is_done(runs[2])
    captured = capsys.readouterr()
    assert 'a failed' in captured.out + captured.err
    assert 'the cause' in captured.out + captured.err
    assert 'the cause' in (tmp_path / 'a' / 'job.log').read_text()


@pytest.mark.parametrize('fails', [False, True])
def test_what_needs_flow_waits_for_it(tmp_path, shell, capsys, fails):
    """Two jobs at once: flow, then the rows that need it; others go on meanwhile and after."""
    for name in ('flow', 'row'):  # of which the name of the last checkpoint is read
        (tmp_path / f'{name}.py').write_text("train_cfg = dict(max_iters=10, type='Loop')")
    config = tmp_path / 'flow.py'
    flow = make_run(tmp_path, 'flow', readout={}, config=config, options={})
    rows = [make_run(tmp_path, name, before=flow) for name in ('row', 'row2')]
    other = make_run(tmp_path, 'other')
    shell['flow'] = f'while [ ! -e {other.work_dir}/ended ]; do sleep .05; done; ' + (
        'echo the cause; false' if fails else f'touch {flow.work_dir}/iter_10.pth'
    )
    shell['other'] = f'{{finish}}; touch {other.work_dir}/ended'
    for row in rows:
        shell[row.variant.key] = f'[ -e {flow.work_dir}/iter_10.pth ] && ( {{finish}} )'
    runs = [flow, *rows, other]
    failed = execute(runs, 2, tmp_path)
    said = ''.join(capsys.readouterr())
    assert is_done(other)
    if not fails:
        assert failed == [] and all(map(is_done, runs))
        (flow.work_dir / 'run.json').unlink()
        assert execute(runs, 2, tmp_path) == [] and not (flow.work_dir / 'run.json').exists()
        return
    assert failed == [flow, *rows] and 'the cause' in said
    assert 'row2 was not started: flow, the training of its flow, has not finished' in said
    assert not rows[0].work_dir.exists()
    assert execute(rows, 2, tmp_path) == rows  # nobody trains it: not for ever


def test_the_message_of_a_failed_job(tmp_path, shell, capsys):
    """Two processes say why, torchrun says 20 lines after that; an earlier attempt said else."""
    run = make_run(tmp_path, 'a')
    shell['a'] = "echo 'error: old (--debug shows where)'; false"
    execute([run], 1, tmp_path)
    message = 'error: the data are gone:\n  a.mp4\n  b.mp4 (--debug shows where)'
    noise = '\n'.join(f'E1126 api.py:{i} failed' for i in range(20))
    text = tmp_path / 'text'
    text.write_text('\n'.join(['loading', message, message, noise, '']))
    shell['a'] = f'cat {text}; false'
    capsys.readouterr()
    execute([run], 1, tmp_path)
    said = ''.join(capsys.readouterr())
    assert message in said
    assert 'old' not in said and 'api.py' not in said and said.count('the data are gone') == 1
    shell['a'] = f'head -1 {text}; tail -20 {text}; false'
    execute([run], 1, tmp_path)
    said = ''.join(capsys.readouterr())
    assert 'the data are gone' not in said and 'api.py:5 ' in said and 'api.py:4 ' not in said


def test_other_ports_for_runs_at_the_same_time(tmp_path, shell):
    runs = [make_run(tmp_path, name) for name in 'ab']
    for name in 'ab':
        shell[name] = 'echo {port} > {work_dir}/port; {finish}'
    execute(runs, 2, tmp_path)
    assert len({(run.work_dir / 'port').read_text() for run in runs}) == 2


def test_a_folder_belongs_to_one_run(tmp_path, shell):
    run = make_run(tmp_path, 'a')
    execute([run], 1, tmp_path)
    elsewhere = {**run.options, 'train_dataloader.dataset.data_root': '/there'}
    check_folders([replace(run, options=elsewhere)])
    longer = replace(run, options={**run.options, 'train_cfg.max_iters': 20})
    with pytest.raises(ValueError, match=r'a holds another run \(train_cfg.max_iters: 10 → 20\)'):
        check_folders([longer])
    # None is said, too: it switches a part off
    without = replace(run, options={**run.options, 'model.neck': None})
    with pytest.raises(ValueError, match=r'\(model.neck: not set → None\)'):
        check_folders([without])


def test_a_folder_of_runs_may_move(tmp_path, shell):
    """Weights beside a run are the same when both have moved; other weights are not."""
    key = 'model.data_preprocessor.flow.weights'
    runs = [
        make_run(tmp_path / place, 'a', options={key: str(tmp_path / place / 'flow' / file)})
        for place, file in (('old', '1.pth'), ('new', '1.pth'), ('new', '2.pth'))
    ]
    execute(runs[:1], 1, tmp_path)
    (tmp_path / 'old').rename(tmp_path / 'new')
    check_folders(runs[1:2])
    with pytest.raises(ValueError, match=r'flow/1\.pth → flow/2\.pth'):
        check_folders(runs[2:])


def test_empty_files_stop_nothing(tmp_path, shell):
    """A full disk or a power cut leaves files of no length."""
    run = make_run(tmp_path, 'a')
    run.readout_dir.mkdir(parents=True)
    for file in (run.work_dir / 'run.json', run.readout_dir / 'scenes.json'):
        file.touch()
    (run.work_dir / 'run_stats.json').touch()
    check_folders([run])
    assert not is_done(run)
    assert execute([run], 1, tmp_path) == []
    assert read_result(run)['stats'] == {}


def test_more_readouts_are_not_done_yet(tmp_path, shell):
    run = make_run(tmp_path, 'a')
    execute([run], 1, tmp_path)
    more = run.readout | dict(readouts=['linear', 'upernet'])
    assert not is_done(replace(run, readout=more))


def test_threads_are_shared(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'cpu_count', lambda: 16)
    run = make_run(tmp_path, 'a', processes=2)
    assert [threads_of(run, jobs) for jobs in (1, 4, 100)] == [8, 2, 1]


@pytest.mark.parametrize(
    ('number', 'code'),
    [(signal.SIGTERM, 143), (signal.SIGHUP, -signal.SIGHUP), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_kill_ends_the_jobs(tmp_path, repo, number, code):
    """A cluster's SIGTERM, a closed terminal, SIGKILL: nothing is left running."""
    script = tmp_path / 'script.py'
    script.write_text(
        textwrap.dedent(f"""
        from pathlib import Path
        from poodle_mm.experiments.ablations import execute as module
        from tests.test_experiments.test_ablations.test_execute import make_run
        module.job_line = lambda run, port: 'echo $$ > {tmp_path}/pid; sleep 600'
        module.execute([make_run(Path({str(tmp_path)!r}), 'a')], 1, Path('.'))
        """)
    )
    process = subprocess.Popen(
        [sys.executable, script],
        cwd=repo,
        env=dict(os.environ, PYTHONPATH='.'),
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # nohup's children ignore
    )
    pid = tmp_path / 'pid'
    for _ in range(600):
        if pid.is_file() and pid.read_text().strip():
            break
        time.sleep(0.1)
    process.send_signal(number)
    assert process.wait(30) == code
    for _ in range(100):
        try:
            os.killpg(int(pid.read_text()), 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail('the job is still running')


def test_a_job_that_still_saves_is_waited_for(tmp_path):
    """The shell dies of the signal at once; what it started takes a second to leave."""
    program = (
        'import pathlib, signal, sys, time\n'
        'signal.signal(signal.SIGTERM, lambda *_: (time.sleep(1),'
        " pathlib.Path(sys.argv[1], 'saved').touch(), sys.exit()))\n"
        "pathlib.Path(sys.argv[1], 'ready').touch()\n"
        'time.sleep(60)\n'
    )
    command = ['bash', '-c', '"$0" -c "$1" "$2"; true', sys.executable, program, str(tmp_path)]
    job = subprocess.Popen(command, start_new_session=True)
    while not (tmp_path / 'ready').exists():
        time.sleep(0.05)
    module.end_groups([job])
    assert (tmp_path / 'saved').exists()
