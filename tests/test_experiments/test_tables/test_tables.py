"""The paper's tables: every row with its source, its figures, and what it needs here."""

import importlib.util
import json
import re
import shlex
import sys
from collections import Counter

import pytest

from poodle_mm.checkpoints.released_weights import RELEASED
from poodle_mm.evaluation.published import PUBLISHED
from poodle_mm.experiments.ablations.folders import read_result
from poodle_mm.experiments.ablations.runs import job_line
from poodle_mm.experiments.tables.reproduce_table import reproduce_table
from poodle_mm.experiments.tables.rows import sources_of, table_rows
from poodle_mm.experiments.tables.runs_of_table import TableOptions, needs_of, run_of

TABLES = (1, 2, 3, 5, 6)


@pytest.fixture
def options(repo, tmp_path):
    """Options without any of the data and weights."""
    return dict(
        root=repo,
        work_dir=tmp_path / 'runs',
        weights_dir=str(tmp_path / 'weights'),
        roots={'bdd100k': str(tmp_path / 'bdd'), 'cityscapes': str(tmp_path / 'city')},
        without_gpu=True,
    )


def named(number: int, label: str):
    """The row of a label."""
    (row,) = (row for row in table_rows(number) if row.label == label)
    return row


def plan(number: int, label: str, key: str, options: dict, seed: int = 0):
    row = named(number, label)
    (source,) = (s for s in sources_of(row, options.get('recipe', 'release')) if s.key == key)
    return run_of(row, source, seed, TableOptions(**options))


def test_every_row_is_there():
    """As many as the paper has, with all that it prints."""
    assert [len(table_rows(number)) for number in TABLES] == [11, 12, 7, 9, 7]
    for number in (1, 5):
        printed = Counter()
        for suite in ('bdd100k', 'cityscapes'):
            for row in PUBLISHED[suite]:
                if (row.table, row.edition) == (number, 'seed'):
                    printed[row.method, row.arch, row.epochs, row.pretrain] += len(row.scores)
        assert {row.printed: len(row.paper) for row in table_rows(number)} == printed
    assert all(len(row.paper) == 19 for row in table_rows(6))
    assert named(2, 'MAE ViT-S, WT-all').paper['wt-sem', 'upernet', 'acc'] == 85.2
    poodle = named(3, 'PooDLe R50, 100 ep., BDD')  # Table 3 prints no epochs
    assert poodle.paper['bdd100k', 'linear', 'small'] == 18.3
    byol = named(5, 'BYOL R50, 1000 ep., IN1K')
    assert byol.readouts['cityscapes'] == ['linear', 'deeplabv3']
    with pytest.raises(ValueError, match='Table 7'):
        table_rows(7)


def test_every_row_has_a_source(repo):
    """A config that exists, published or random weights; but for one."""
    without = []
    weights = set()
    for number in TABLES:
        for row in table_rows(number):
            for recipe in ('release', 'paper'):
                sources = sources_of(row, recipe)
                for source in sources:
                    if not source.config:
                        continue
                    ours = row.printed[0] in ('PooDLe', 'FlowE')
                    found = list((repo / 'configs').rglob(f'{source.config}.py'))
                    assert len(found) == 1, source.config
                    assert source.config.endswith('_release') == (ours and recipe == 'release')
                weights |= {s.weights for s in sources} - {None}
            if not sources:
                without.append(row.label)
            if row.printed[3].startswith(('BDD', 'WT')):
                assert sources[0].config
    assert without == ['DINO ViT-S, 100 ep., IN1K']
    assert weights == {w.name for w in RELEASED.values() if w.row}


def test_tables_share_runs(options):
    """One pretraining, whichever table asks for it."""
    found = {plan(n, 'PooDLe R50, 100 ep., BDD', 'poodle-r50-bdd', options).work_dir
             for n in (1, 3, 5, 6)}  # fmt: skip
    assert len(found) == 1
    assert plan(5, 'Scratch R50', 'scratch', options).work_dir not in found
    shorter = options | dict(iters=5)  # its scores must not get into the table
    assert plan(1, 'PooDLe R50, 100 ep., BDD', 'poodle-r50-bdd', shorter).work_dir not in found


def test_commands(options, repo):
    """What the lines say is what tools/evaluate.py understands."""
    spec = importlib.util.spec_from_file_location('evaluate_tool', repo / 'tools' / 'evaluate.py')
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    run = plan(5, 'BYOL R50, 1000 ep., IN1K', 'byol-r50-in1k', options | dict(iters=7), seed=3)
    lines = job_line(run).split(' && ')
    parsed = []
    for line in lines:
        words = shlex.split(line)
        assert words[:2] == ['python', 'tools/evaluate.py']
        sys.argv, before = words[1:], sys.argv
        try:
            parsed.append(tool.parse_args())
        finally:
            sys.argv = before
    assert [p.suite for p in parsed] == ['bdd100k', 'cityscapes']
    assert parsed[0].readouts == ['linear', 'deeplabv3', 'det-c4', 'det-fpn']
    for args, name in zip(parsed, ('bdd', 'city')):
        assert args.checkpoints == ['byol-r50-in1k=byol-r50-in1k']
        assert (args.seed, args.iters, args.weights_dir) == (3, 7, options['weights_dir'])
        assert args.data_root.endswith(name) and args.like is None
    train, *readouts = job_line(
        plan(1, 'PooDLe R50, 100 ep., BDD', 'poodle_r50_bdd_release', options | dict(processes=8))
    ).split(' && ')
    # 128 pairs: 16 processes of 4 visits with two pairs each, or 8 of 8
    assert 'poodle_r50_bdd_release.py 8' in train and 'train_dataloader.batch_size=8' in train
    assert f'data_root={options["roots"]["bdd100k"]}' in train and len(readouts) == 2
    assert '/epoch_100.pth' in readouts[0]


def test_needs(options, tmp_path):
    """Weights, data and a GPU are named; nothing is when they are there."""
    label, key = 'DINO ViT-S, 800 ep., IN1K', 'dino-vit-s16-in1k'
    run = plan(5, label, key, options)
    needs = needs_of(run, TableOptions(**options))
    file = tmp_path / 'weights' / 'dino_deitsmall16_pretrain.pth'
    assert len(needs) == 3 and RELEASED[key].url in needs[0] and str(file) in needs[0]
    assert needs[1].startswith(f'labels: {tmp_path}/bdd/')
    assert needs[2].startswith(f'labels: {tmp_path}/city/')
    gpu = needs_of(run, TableOptions(**options | dict(without_gpu=False)))
    assert gpu[-1].startswith('a GPU')
    file.parent.mkdir()
    file.touch()
    for folder in ('bdd/images/10k', 'bdd/labels/sem_seg/masks', 'city/leftImg8bit', 'city/gtFine'):
        for split in ('train', 'val'):
            (tmp_path / folder / split).mkdir(parents=True)
            (tmp_path / folder / split / 'x').touch()
    assert needs_of(run, TableOptions(**options)) == []
    trained = plan(1, 'FlowE R50, 100 ep., BDD', 'flowe_r50_bdd_release', options)
    needs = needs_of(trained, TableOptions(**options | dict(readouts=['linear'])))
    assert [n for n in needs if n.startswith('training data')] == []  # the root is there


def write(run, scores: dict[str, dict]) -> None:
    """Results of a run's readouts by suite."""
    run.readout_dir.mkdir(parents=True, exist_ok=True)
    for suite, metrics in scores.items():
        results = [dict(readout=r, metrics=m) for r, m in metrics.items()]
        (run.readout_dir / f'{suite}.json').write_text(json.dumps(dict(results=results)))


def test_done_is_all_suites(options):
    """A run counts as done when each suite has each readout."""
    run = plan(5, 'DINO ViT-S, 800 ep., IN1K', 'dino-vit-s16-in1k', options)
    both = dict(linear=dict(miou=1.0), upernet=dict(miou=2.0))
    write(run, dict(bdd100k=both))
    assert read_result(run) is None
    write(run, dict(cityscapes=dict(linear=dict(miou=3.0))))
    assert read_result(run) is None
    write(run, dict(cityscapes=both))
    assert read_result(run)['suites'] == dict(bdd100k=both, cityscapes=both)


def test_table_beside_the_papers(options, tmp_path, capsys):
    """Two seeds of published weights in Table 3 and 6; the rest waits and is no error."""
    groups = dict(miou=30.0, acc=80.0, small=20.0, large=40.0, rare=10.0, common=45.0)
    for seed, shift in ((0, 0.0), (1, 2.0)):
        run = plan(3, 'Supervised R50, 600 ep., IN1K', 'supervised-r50-in1k', options, seed)
        metrics = {k: v + shift for k, v in groups.items()}
        metrics['per_class'] = {'road': 77.0 + shift, 'traffic light': 30.0}
        write(run, dict(bdd100k=dict(linear=metrics)))
    args = TableOptions(**options)
    assert reproduce_table(3, args, seeds=(0, 1), mode='report-only') == 0
    text = (tmp_path / 'runs' / 'tables' / 'table3.md').read_text()
    lines = [line for line in text.splitlines() if line.startswith('|')]
    cells = [[cell.strip() for cell in line.split('|')[1:-1]] for line in lines]
    assert cells[0] == ['', 'All', 'Small', 'Large', 'Rare', 'Common']
    where = [row[0] for row in cells].index('Supervised R50, 600 ep., IN1K (paper)')
    assert cells[where][1:] == ['36.7', '27.2', '42.2', '16.1', '46.2']
    assert cells[where + 1][0] == 'supervised-r50-in1k (2 seeds)'
    assert cells[where + 1][2] == '21.0 ± 1.4'
    assert 'densecl' in text.partition('Not here yet')[2]
    report = json.loads((tmp_path / 'runs' / 'tables' / 'table3.json').read_text())
    assert len(report['rows']) == 7
    assert reproduce_table(6, args, rows=['supervised*'], mode='report-only') == 0
    assert '| 77.0 |' in (tmp_path / 'runs' / 'tables' / 'table6.md').read_text()
    capsys.readouterr()
    # with a GPU or without, nothing that lacks data is started
    assert reproduce_table(5, args, rows=['dino-vit-s16-in1k']) == 0
    assert 'nothing is measured' in capsys.readouterr().out
    with pytest.raises(ValueError, match=r'no row .resnet.: there are scratch'):
        reproduce_table(1, args, rows=['resnet'], mode='report-only')


def test_dry_run_shows_all(options, capsys):
    """Each row of Table 2, with its readouts and needs, that without a source too."""
    args = TableOptions(**options | dict(readouts=['upernet']))
    assert reproduce_table(2, args, mode='dry-run') == 0
    out = capsys.readouterr().out
    for row in table_rows(2):
        assert row.label in out
    assert 'needs weights that nobody has published' in out
    assert re.search(r'\n\d+ of \d+ runs can start or are done\.', out)
    assert reproduce_table(2, args, rows=['pixpro*'], mode='dry-run') == 0
    labels = [line for line in capsys.readouterr().out.splitlines() if line[0] != ' ']
    assert labels[0].startswith('PixPro R50') and len(labels) == 2  # that row, and the last line
    assert 'readout  --suite ade20k --readouts upernet' in out and '--readouts linear' not in out
