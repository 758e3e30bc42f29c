"""The report of runs, made from files as a training leaves them."""

import json

import numpy as np
import pytest
from matplotlib.image import imsave

from poodle_mm.engine.config import load_config
from poodle_mm.experiments.run_report import report_runs

CONFIG = """
model = dict(type='PooDLe', momentum={momentum})
train_dataloader = dict(batch_size=4)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr={lr}))
"""


def run(folder, lr=0.1, momentum=0.99, warnings=()):
    """A work dir of 30 iterations, 12 of them logged, with two pictures."""
    vis = folder / '20260101_000000' / 'vis_data'
    vis.mkdir(parents=True)
    rows = [dict(step=n, iter=n, loss_dense=4.0 - 0.1 * n, std_dense=0.5) for n in range(12)]
    (vis / 'scalars.json').write_text('\n'.join(map(json.dumps, rows)) + '\n')
    (vis / 'config.py').write_text(CONFIG.format(lr=lr, momentum=momentum) + 'x = open(1)\n')
    lines = [f'2026/01/01 00:00:00 - mmengine - WARNING - {text}' for text in warnings]
    (vis.parent / 'run.log').write_text('\n'.join(['2026 - mmengine - INFO - fine', *lines]))
    stats = dict(iter=30, max_iters=100, pairs=240, seconds=90.0, pairs_per_second=2.5)
    stats |= dict(memory_mib=1024.0, device='cpu', processes=1)
    (folder / 'run_stats.json').write_text(json.dumps(stats))
    (folder / 'pictures').mkdir()
    for n, grey in ((1, 0.25), (20, 0.75)):
        imsave(folder / 'pictures' / f'iter_{n:06d}_0.png', np.full((4, 6, 3), grey))
    return folder


def test_one_run(tmp_path):
    folder = run(tmp_path / 'mine', warnings=['few videos', 'few videos', 'slow disk'])
    markdown, html, *pictures = report_runs([folder])
    assert html == folder / 'report.html'
    text = markdown.read_text()
    cells = {'iterations': '30 of 100', 'seen': '240 pairs', 'time': '1 min 30 s'}
    cells |= {'speed': '2.5 pairs/s', 'peak memory': '1,024 MiB, cpu', 'std_dense': '0.5'}
    # the mean of the last ten of 4.0, 3.9, ... 2.9, which are 3.8 to 2.9
    for name, cell in {**cells, 'loss_dense': '3.35'}.items():
        assert f'| {name} | {cell} |' in text
    assert 'loss_pool' not in text  # nor anything else that no run logs
    assert 'few videos (2 times)\nslow disk' in text
    assert [picture.name for picture in pictures] == [
        'curves.png',
        'mine-iter_000001_0.png',
        'mine-iter_000020_0.png',
    ]
    assert pictures[1].read_bytes() == (folder / 'pictures' / 'iter_000001_0.png').read_bytes()
    page = html.read_text()
    assert page.count('src="data:image/png;base64,') == 3 and 'src="figures' not in page


def test_two_runs_side_by_side(tmp_path):
    first, second = run(tmp_path / 'a'), run(tmp_path / 'b', lr=0.2)
    markdown, *_ = report_runs([first, second], tmp_path / 'out', ['one', 'a/b'])
    text = markdown.read_text()
    assert 'From *one* to *a/b*:\n\n```text\noptim_wrapper.optimizer.lr: 0.1 → 0.2\n```' in text
    assert 'momentum' not in text.split('## Settings')[1]
    assert (tmp_path / 'out' / 'figures' / 'a-b-iter_000020_0.png').is_file()
    assert not (first / 'report.md').exists()


def test_compared_with_the_config_of_its_name(tmp_path):
    folder = run(tmp_path / 'mine', momentum=0.5)
    (folder / 'poodle_r50_bdd.py').touch()
    text = report_runs([folder])[0].read_text()
    assert 'Differences from `poodle_r50_bdd.py`' in text
    published = load_config('poodle_r50_bdd.py')
    assert f'model.momentum: {published.model.momentum!r} → 0.5' in text


def test_mistakes(tmp_path):
    with pytest.raises(FileNotFoundError, match='name the work dir of a run'):
        report_runs([tmp_path])
    folder = run(tmp_path / 'a')
    with pytest.raises(ValueError, match='2 runs need as many different labels'):
        report_runs([folder, folder])
