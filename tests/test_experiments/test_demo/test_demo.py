"""The demo from its command line to its report, in seconds."""

import json
import re
import subprocess
import sys

import pytest

from tests.test_experiments.test_demo.tiny import TINY_DEMO
from tests.test_experiments.test_report.work_dirs import Page

pytest.importorskip('mmseg')


def run(repo, *arguments):
    """``tools/demo.py`` as a user calls it."""
    return subprocess.run(
        [sys.executable, str(repo / 'tools' / 'demo.py'), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope='module')
def demo(repo, tmp_path_factory):
    """One run of the tiny demo."""
    root = tmp_path_factory.mktemp('demo')
    config = root / 'tiny.py'
    config.write_text(TINY_DEMO)
    arguments = ('--config', config, '--data-root', root / 'scenes', '--minutes', '0.02')
    done = run(repo, *arguments, '--work-dir', root / 'out')
    assert done.returncode == 0, done.stderr[-3000:]
    return done, root


@pytest.mark.slow
def test_metrics(demo):
    """Both parts of the network, both weights, percentages, and the same in the table."""
    done, root = demo
    metrics = json.loads((root / 'out' / 'metrics.json').read_text())
    for part in ('encoder', 'encoder_sdm'):
        for weights in ('random', 'pretrained'):
            scores = metrics[part][weights]
            assert {'miou', 'acc', 'small', 'large'} <= set(scores)
            assert 0 <= scores['miou'] <= scores['acc'] <= 100
            assert f'{scores["miou"]:.1f}' in done.stdout
    assert metrics['encoder']['random'] != metrics['encoder']['pretrained']
    assert metrics['pretrain_seconds'] > 0
    assert metrics['pairs'] == 2 * metrics['steps']
    assert metrics['pairs_per_second'] == pytest.approx(
        metrics['pairs'] / metrics['pretrain_seconds'], rel=0.1
    )
    checkpoints = list((root / 'out' / 'pretrain').glob('iter_*.pth'))
    assert root / 'out' / 'pretrain' / f'iter_{metrics["steps"]}.pth' in checkpoints


@pytest.mark.slow
def test_report_is_self_contained(demo):
    """Nothing is loaded from elsewhere, all pictures are inside, no temporary file stays."""
    _, root = demo
    page = Page(root / 'out' / 'report.html')
    html = page.text
    sources = [v for _, attrs in page.tags for k, v in attrs.items() if k in ('src', 'href')]
    pictures = [source for source in sources if source.startswith('data:image/')]
    figures = [p.name for p in (root / 'out' / 'figures').glob('*.png')]
    assert len(figures) == 3 and len(pictures) >= 3
    assert all(source.startswith(('data:image/', '#')) for source in sources)
    assert not re.search(r'url\(|@import|<link', html)
    assert 'encoder, pretrained' in page.words('result') and 'road' in page.words('classes')
    assert page.words('health') and page.all('svg')
    assert '--minutes 0.02' in html
    assert not list((root / 'out').glob('.*'))


@pytest.mark.slow
def test_checkpoint_goes_through_the_suite(demo, repo, tmp_path):
    """Pretrained on the scenes, evaluated on the scenes: every segmentation readout, one table."""
    _, root = demo
    steps = json.loads((root / 'out' / 'metrics.json').read_text())['steps']
    checkpoint = root / 'out' / 'pretrain' / f'iter_{steps}.pth'
    command = [sys.executable, str(repo / 'tools' / 'evaluate.py'), f'A={checkpoint}', 'none']
    options = dict(
        suite='scenes', data_root=root / 'scenes', work_dir=tmp_path, iters=2, size=(64, 128)
    )
    for name, value in options.items():
        values = value if isinstance(value, tuple) else (value,)
        command += [f'--{name.replace("_", "-")}', *map(str, values)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads((tmp_path / 'scenes.json').read_text())['results']
    readouts = ['linear', 'linear-encoder', 'upernet']
    assert [(r['name'], r['readout']) for r in results] == [
        (name, readout) for name in ('A', 'scratch') for readout in readouts
    ]
    assert all(0 <= r['metrics']['miou'] <= 100 for r in results)
    scratch = [r['metrics'] for r in results if r['name'] == 'scratch']
    assert scratch[0] == scratch[1]  # no decoder: the same readout
    assert '| A | ' in done.stdout and '| scratch | ' in done.stdout


def test_mistake_is_one_line(repo, tmp_path):
    """Exit status 2 and what is wrong, without a trace."""
    done = run(repo, '--config', 'missing.py', '--work-dir', tmp_path)
    assert done.returncode == 2
    assert 'missing.py does not exist' in done.stderr and 'Traceback' not in done.stderr


def test_wrong_arguments(tmp_path):
    """No time, and a config that is none of a demo."""
    from poodle_mm.experiments.demo.run import run_demo

    config = tmp_path / 'plain.py'
    config.write_text(TINY_DEMO.replace('readout = ', 'unused = '))
    with pytest.raises(ValueError, match='--minutes must be positive'):
        run_demo(config, tmp_path, tmp_path, minutes=0)
    with pytest.raises(ValueError, match='no demo config'):
        run_demo(config, tmp_path, tmp_path)


def test_a_used_folder_is_refused(tmp_path):
    """A second demo would mix its checkpoints with the first one's; nothing is made before that."""
    from poodle_mm.experiments.demo.run import run_demo

    config, out = tmp_path / 'tiny.py', tmp_path / 'out'
    config.write_text(TINY_DEMO)
    (out / 'pretrain').mkdir(parents=True)
    (out / 'pretrain' / 'iter_10.pth').touch()
    with pytest.raises(
        ValueError, match=r'out holds .* an earlier demo: choose another --work-dir'
    ):
        run_demo(config, tmp_path, out, data_root=tmp_path / 'scenes')
    assert not (tmp_path / 'scenes').exists()
