"""Work dirs as trainings leave them, made in milliseconds, and what a page says."""

import json
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from matplotlib.image import imsave

CONFIG = """
model = dict(type='PooDLe', momentum={momentum})
train_dataloader = dict(batch_size=4)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr={lr}))
"""
HEADER = """2026/01/01 00:00:00 - mmengine - INFO -
------------------------------------------------------------
System environment:
    Python: 3.11.7
    PyTorch compiling details: PyTorch built with:
  - a hundred flags
    MMEngine: 0.10.12

Runtime environment:
    seed: 7
    GPU number: 1
------------------------------------------------------------
"""


def make_run(folder: Path, rows=None, lr=0.1, momentum=0.99, warnings=(), health=None) -> Path:
    """A work dir of 30 iterations, 12 of them logged, with two pictures.

    Args:
        folder: Its path.
        rows: Other logged numbers, an iteration each.
        lr, momentum: Options of its config.
        warnings: Messages in its log.
        health: Lines of its ``health.jsonl``; None: a run from before it.
    """
    vis = folder / '20260101_000000' / 'vis_data'
    vis.mkdir(parents=True)
    if rows is None:
        rows = [dict(loss_dense=4.0 - 0.1 * n, std_dense=0.7, time=0.5) for n in range(12)]
    lines = [json.dumps(dict(step=n, iter=n) | row) for n, row in enumerate(rows)]
    (vis / 'scalars.json').write_text('\n'.join(lines) + '\n')
    (vis / 'config.py').write_text(CONFIG.format(lr=lr, momentum=momentum) + 'x = open(1)\n')
    lines = [f'2026/01/01 00:00:00 - mmengine - WARNING - {text}' for text in warnings]
    (vis.parent / 'run.log').write_text(
        '\n'.join([HEADER, *lines, '2026/01/01 00:00:09 - mmengine - INFO - fine'])
    )
    stats = dict(iter=30, max_iters=100, pairs=240, seconds=90.0, pairs_per_second=2.5)
    stats |= dict(memory_mib=1024.0, device='cpu', processes=1)
    (folder / 'run_stats.json').write_text(json.dumps(stats))
    (folder / 'pictures').mkdir()
    for n, grey in ((1, 0.25), (20, 0.75)):
        imsave(folder / 'pictures' / f'iter_{n:06d}_0.png', np.full((4, 6, 3), grey))
    if health is not None:
        lines = [h if isinstance(h, str) else json.dumps(h) for h in health]
        (folder / 'health.jsonl').write_text('\n'.join(lines) + '\n')
    return folder


def collapsing(number: int = 12) -> list[dict]:
    """Rows whose spread falls towards 0 as the loss does."""
    return [
        dict(loss_dense=4.0 / (n + 1), std_dense=max(0.05, 0.8 - 0.2 * n)) for n in range(number)
    ]


class Page(HTMLParser):
    """A page's text by section, its cells, and what it would load."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.sections: dict[str, str] = {}
        self.rows: list[list[str]] = []
        self._at = ['']
        self._cell = False
        self.text = file.read_text('utf-8')
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == 'section':
            self._at.append(dict(attrs)['id'])
        elif tag == 'tr':
            self.rows.append([])
        elif tag in ('td', 'th'):
            self.rows[-1].append('')
            self._cell = True
        elif tag in ('script', 'style'):
            self._at.append(tag)

    def handle_endtag(self, tag):
        if tag in ('section', 'script', 'style'):
            self._at.pop()
        elif tag in ('td', 'th'):
            self._cell = False

    def handle_data(self, data):
        self.sections[self._at[-1]] = self.sections.get(self._at[-1], '') + data
        if self._cell:
            self.rows[-1][-1] += data.strip()

    def words(self, section: str) -> str:
        """Text of a section in single spaces."""
        return ' '.join(self.sections.get(section, '').split())

    def all(self, tag: str) -> list[dict]:
        """Attributes of all elements of a kind."""
        return [attrs for name, attrs in self.tags if name == tag]
