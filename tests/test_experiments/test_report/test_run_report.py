"""The report of runs, made from files as a training leaves them."""

import json

import pytest

from poodle_mm.engine.config import load_config
from poodle_mm.experiments.report.run_report import report_runs
from tests.test_experiments.test_report.work_dirs import Page, collapsing, make_run


def test_one_run(tmp_path):
    folder = make_run(tmp_path / 'mine', warnings=['few videos', 'few videos', 'slow disk'])
    file = report_runs([folder])
    assert file == folder / 'report.html'
    page = Page(file)
    cells = {'iterations': '30 of 100', 'seen': '240 pairs', 'training time': '1 min 30 s'}
    cells |= {'speed': '2.5 pairs/s', 'peak memory': '1,024 MiB', 'to go at this speed': '35 s'}
    for name, cell in cells.items():
        assert f'{cell} {name}' in page.words('health')
    # a quarter of twelve values of 4.0, 3.9, ... 2.9: the mean of 3.1, 3.0, 2.9
    assert ['loss_dense', '3'] in page.rows and ['std_dense', '0.7'] in page.rows
    assert 'loss_pool' not in page.text.split('<script>')[0]  # nor anything that no run logs
    assert 'Healthy' in page.words('health')
    assert 'few videos2 times' in page.words('warnings')
    assert ['Python', '3.11.7'] in page.rows and ['seed', '7'] in page.rows
    assert 'a hundred flags' not in page.words('settings')
    assert len(page.all('img')) == 2
    assert 'lr=0.1' in page.words('settings')  # the whole config, folded away
    assert sorted(p.name for p in folder.iterdir() if 'report' in p.name) == ['report.html']


def test_nothing_is_loaded(tmp_path):
    page = Page(report_runs([make_run(tmp_path / 'mine')]))
    loads = [
        v for _, attrs in page.tags for k, v in attrs.items() if k in ('src', 'href', 'srcset')
    ]
    assert loads and all(value.startswith(('data:image/', '#')) for value in loads)
    assert not {'link', 'iframe', 'object', 'base'} & {tag for tag, _ in page.tags}
    assert '@import' not in page.text and 'url(' not in page.text
    (policy,) = (m['content'] for m in page.all('meta') if 'http-equiv' in m)
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_two_runs_side_by_side(tmp_path):
    first, second = make_run(tmp_path / 'a'), make_run(tmp_path / 'b', lr=0.2)
    page = Page(report_runs([first, second], tmp_path / 'out', ['one', 'a/b']))
    assert ['option', 'one', 'a/b'] in page.rows
    assert ['optim_wrapper.optimizer.lr', '0.1', '0.2'] in page.rows
    assert not [row for row in page.rows if row[0] == 'model.momentum']
    data = json.loads(page.text.split('type="application/json">')[1].split('</script>')[0])
    assert data['runs'] == ['one', 'a/b']
    (chart,) = (c for c in data['charts'] if c['name'] == 'std_dense')
    assert chart['series'] == [[list(range(12)), [0.7] * 12]] * 2
    assert not (first / 'report.html').exists()


def test_compared_with_the_config_of_its_name(tmp_path):
    folder = make_run(tmp_path / 'mine', momentum=0.5)
    (folder / 'poodle_r50_bdd.py').touch()
    page = Page(report_runs([folder]))
    published = load_config('poodle_r50_bdd.py')
    assert ['option', 'poodle_r50_bdd.py', 'mine'] in page.rows
    assert ['model.momentum', repr(published.model.momentum), '0.5'] in page.rows


def test_words_of_others_stay_words(tmp_path):
    """Names, messages and paths from a run's files are no HTML and end no script."""
    evil = '</script><script>alert(1)</script><img src=x onerror=alert(2)>"\'{{ 7 * 6 }}'
    rows = [{evil: 1.0, 'loss_dense': 1.0 / (n + 1)} for n in range(5)]
    event = dict(iter=3, kind=evil, level='error', name=evil, message=evil, cause=evil, key=evil)
    folder = make_run(tmp_path / 'a<b>&c', rows, warnings=[evil], health=[event])
    (folder / 'readout').mkdir()
    metrics = dict(miou=1.0, per_class={evil: 2.0})
    result = dict(name=evil, readout=evil, metrics=metrics)
    (folder / 'readout' / 'x.json').write_text(json.dumps(dict(suite=evil, results=[result])))
    pair = dict(text=evil, source=evil, picture='../../etc/passwd')
    kept = dict(criteria=dict(loss=[pair]), unreadable={evil: evil})
    (folder / 'worst_pairs.json').write_text(json.dumps(kept))
    page = Page(report_runs([folder], tmp_path / 'out', [evil]))
    plain = Page(report_runs([make_run(tmp_path / 'plain')], tmp_path / 'out2'))
    assert len(page.all('script')) == len(plain.all('script')) == 3
    assert not [attrs for _, attrs in page.tags if 'onerror' in attrs]
    assert page.sections[''].count('alert(1)') == 2  # title and heading
    for section in ('health', 'warnings', 'readouts', 'failures', 'curves'):
        assert evil.split('"')[0] in page.words(section)


@pytest.mark.parametrize('damage', ['empty', 'cut', 'binary', 'missing'])
def test_damaged_and_half_written(tmp_path, damage):
    """Whatever a file holds, the report is written and says what is missing."""
    folder = make_run(tmp_path / 'mine', collapsing(), health=[dict(level='warning')])
    (folder / 'readout').mkdir()
    (folder / 'readout' / 'x.json').write_text('{"results": [{"metrics": 3}, 1]}')
    (folder / 'worst_pairs.json').write_text('{"criteria": {"loss": [{"source": 1}, 2]}}')
    for file in [p for p in folder.rglob('*') if p.is_file()]:
        content = file.read_bytes()
        if damage == 'missing' and file.suffix != '.log':
            file.unlink()
        elif damage == 'cut':
            file.write_bytes(content[: len(content) // 2])
        else:
            file.write_bytes(b'' if damage == 'empty' else b'\x00\xff{[(' * 9)
    page = Page(report_runs([folder]))
    if damage == 'cut':
        assert len(page.all('svg')) == 2 and 'Collapse' in page.words('health')
    else:
        assert 'Nothing is logged yet' in page.words('curves')
        assert 'Too early to tell' in page.words('health')
    assert 'run_stats.json is missing or damaged' in page.words('health')


def test_mistakes(tmp_path):
    with pytest.raises(FileNotFoundError, match='name the work dir of a run'):
        report_runs([tmp_path])
    folder = make_run(tmp_path / 'a')
    with pytest.raises(ValueError, match='2 runs need as many different labels'):
        report_runs([folder, folder])
