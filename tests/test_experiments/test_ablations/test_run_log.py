"""The log of runs: what is done, what failed, and why."""

import json
import runpy
import shutil
import sys

import pytest

from poodle_mm.experiments.ablations.run_log import collect_runs, seeds_table, write_runs

ATTEMPT = '---- attempt ----\n'


def write(folder, name, content):
    folder.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / name).write_text(text)


@pytest.fixture
def runs(tmp_path):
    """A run that is done, one that failed at its second attempt, one cut off, random weights."""
    data = tmp_path / 'out' / 'scenes'
    write(
        data / 'a_s0',
        'run.json',
        {'config': 'a', 'processes': 1, 'train_cfg.max_iters': 8, 'flow.weights': '/there/w.pth'},
    )
    stats = dict(iter=8, max_iters=8, pairs=128, seconds=7200.0, pairs_per_second=0.5)
    write(data / 'a_s0', 'run_stats.json', stats)
    write(data / 'a_s0', 'job.log', ATTEMPT)
    shares = (4, 0.12345), (8, 0.98765)
    lines = [dict(loss_dense=1 / n, position_dense=x, iter=n, step=n) for n, x in shares]
    lines += [dict(lr=0.5, rank_dense=float('nan'), iter=12, step=12), 'cut']
    write(data / 'a_s0' / '1' / 'vis_data', 'scalars.json', '\n'.join(map(json.dumps, lines)))
    event = '{"kind": "%s", "level": "%s"}\n'
    events = ('rank', 'warning'), ('rank', 'recovered'), ('time', 'recovered')
    write(data / 'a_s0', 'health.jsonl', ''.join(event % row for row in events))
    report = dict(suite='scenes', settings=dict(split='val'))
    row = dict(readout='linear', checkpoint=str(tmp_path), metrics=dict(miou=12.5, small=0.5))
    write(data / 'a_s0' / 'readout', 'scenes.json', report | dict(results=[row]))

    write(data / 'b_s1', 'run.json', dict(config='b', processes=1))
    log = (
        ATTEMPT
        + 'all was well\n'
        + ATTEMPT
        + 'Traceback\nOSError: out/a: /home/me/c.pth is gone, http://a/b\n'
    )
    write(data / 'b_s1', 'job.log', log)

    write(data / 'c_s2', 'run.json', dict(config='c', processes=1))
    write(data / 'c_s2', 'run_stats.json', dict(iter=3, max_iters=8, pairs=48))
    write(data / 'c_s2', 'job.log', ATTEMPT + 'Iter 3\n')

    write(data / 'scratch_s0', 'run.json', dict(config='a', processes=1))
    report['settings'] = dict(split='test')
    write(data / 'scratch_s0' / 'readout', 'scenes.json', report | dict(results=[row]))
    return tmp_path / 'out'


def test_each_run_once(runs):
    """Found from any folder; states, causes and figures as they were written; no path."""
    found = {run['name']: run for run in collect_runs([runs, runs / 'scenes' / 'a_s0'])}
    assert [*found] == [f'out/scenes/{name}' for name in ('a_s0', 'b_s1', 'c_s2', 'scratch_s0')]
    done, failed, cut, scratch = found.values()
    assert (done['state'], failed['state'], cut['state']) == ('done', 'failed', 'stopped')
    expected = {'processes': 1, 'train_cfg.max_iters': 8, 'flow.weights': 'w.pth'}
    assert done['options'] == expected and done['config'] == 'a'
    assert done['warnings'] == ['rank']
    assert done['logged'] == dict(loss_dense=0.125, position_dense=0.9877, lr=0.5)
    assert scratch['logged'] == cut['logged'] == {}
    assert done['readouts'] == [
        dict(suite='scenes', split='val', readout='linear', metrics=dict(miou=12.5, small=0.5))
    ]
    assert (
        failed['attempts'] == 2 and failed['reason'] == 'OSError: out/a: c.pth is gone, http://a/b'
    )
    assert failed['seed'] == 1 and 'reason' not in cut and cut['stats']['pairs'] == 48
    assert scratch['state'] == 'done' and scratch['stats'] == {} and scratch['attempts'] == 0
    assert str(runs) not in json.dumps(found)


def test_command(runs, tmp_path, repo, monkeypatch, capsys):
    out = tmp_path / 'log.json'
    arguments = ['runs.py', str(runs), '--out', str(out), '--debug']
    monkeypatch.setattr(sys, 'argv', arguments)
    runpy.run_path(str(repo / 'tools/analysis/runs.py'), run_name='__main__')
    assert len(json.loads(out.read_text())) == 4
    line = '| out/scenes/a_s0 | done | 128 | 2.00 | linear (scenes val) 12.5 / 0.5 |'
    assert line in capsys.readouterr().out


def test_folder_without_runs(tmp_path):
    with pytest.raises(FileNotFoundError, match='has no run'):
        collect_runs([tmp_path])


def named(name, seed, split, **metrics):
    rows = [dict(suite='x', split=split, readout='linear', metrics=metrics)]
    return dict(name=f'{name}_s{seed}', seed=seed, readouts=rows, stats={})


def test_seeds_table():
    """Runs that differ in their seed alone make a row; another split is not mixed in."""
    runs = [named('a/x', 0, 'test', miou=10.0), named('a/x', 1, 'test', miou=12.0)]
    runs += [named('b/x', 0, 'test', miou=5.0), named('c/x', 0, 'val', miou=7.0)]
    head, _, *rows = seeds_table(runs, 'linear', 'test').splitlines()
    assert [cell.strip() for cell in head.split('|')[1:-1]] == ['', 'All', 'seeds']
    cells = {row.split('|')[1].strip(): row.split('|')[2].strip() for row in rows}
    assert cells == {'a/x': '11.0 ± 1.4', 'b/x': '5.0'}


def test_add(runs, tmp_path):
    """Runs of another machine stay, those of the folders are as the folders have them."""
    out = tmp_path / 'log.json'
    with pytest.raises(FileNotFoundError, match='nothing to add to'):
        write_runs(out, [runs], add=True)
    states = {'other/y_s0': 'done', 'out/scenes/a_s0': 'stopped', 'out/scenes/b_s1': 'done'}
    rest = dict(seed=0, stats={}, readouts=[])
    known = [dict(name=name, state=state) | rest for name, state in states.items()]
    out.write_text(json.dumps(known))
    names = [run['name'] for run in write_runs(out, [runs], add=True)]
    assert names[0] == 'other/y_s0' and len(names) == 5
    kept = {run['name']: run for run in json.loads(out.read_text())}
    assert kept['out/scenes/a_s0']['state'] == 'done'
    assert kept['out/scenes/b_s1'] == known[2]  # failed here
    assert write_runs(out, [], add=True) == list(kept.values())
    assert len(write_runs(out, [runs])) == 4


def test_a_readout_that_was_not_made_again_stays(runs, tmp_path):
    """A later call wrote another readout in place of the first."""
    out = tmp_path / 'log.json'
    write_runs(out, [runs])
    file = runs / 'scenes' / 'a_s0' / 'readout' / 'scenes.json'
    report = json.loads(file.read_text())
    report['results'] = [dict(report['results'][0], readout='knn', metrics=dict(miou=7.0))]
    file.write_text(json.dumps(report))
    done = next(run for run in write_runs(out, [runs], add=True) if run['name'].endswith('a_s0'))
    assert {row['readout']: row['metrics']['miou'] for row in done['readouts']} == {
        'linear': 12.5, 'knn': 7.0
    }  # fmt: skip


@pytest.mark.parametrize('name', ['run.json', 'run_stats.json', 'readout/scenes.json'])
def test_a_file_of_something_else_is_named(runs, name):
    content = [1] if name != 'readout/scenes.json' else dict(results=[dict(a=1)])
    write(runs / 'scenes' / 'a_s0', name, content)
    with pytest.raises(ValueError, match=rf'a_s0/{name} '):
        collect_runs([runs])


def test_two_runs_of_one_name_are_refused(runs, tmp_path):
    shutil.copytree(runs, tmp_path / 'elsewhere' / 'out')
    with pytest.raises(ValueError, match=r'out/scenes/a_s0.*out/scenes/a_s0.*rename the work dir'):
        write_runs(tmp_path / 'log.json', [runs, tmp_path / 'elsewhere'])
    assert not (tmp_path / 'log.json').exists()
