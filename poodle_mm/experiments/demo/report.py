"""The demo's report: one HTML file that opens offline."""

import base64
import io
import platform
from collections.abc import Mapping
from html import escape
from importlib.metadata import version
from string import Template

from matplotlib.figure import Figure

_PACKAGES = (
    'poodle_mm', 'torch', 'torchvision', 'onedl-mmengine', 'onedl-mmsegmentation',
    'onedl-mmpretrain', 'opencv-python', 'av',
)  # fmt: skip
_COLUMNS = dict(miou='mIoU', acc='accuracy', small='Small', large='Large')
_PARTS = dict(encoder='encoder', encoder_sdm='encoder + SDM')

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>PooDLe demo</title>
<style>
:root { --ink: #1c2330; --soft: #667085; --line: #e4e7ec; --blue: #2563eb; --paper: #fff; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f6f8; color: var(--ink);
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 19px; margin: 0 0 6px; }
p { margin: 0 0 12px; max-width: 78ch; }
.lead { color: var(--soft); margin-bottom: 24px; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px;
          padding: 22px 24px; margin: 0 0 20px; }
img { width: 100%; height: auto; display: block; margin-top: 10px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: 8px 12px; text-align: right; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 600; font-size: 14px; }
th:first-child, td:first-child, td:nth-child(2), th:nth-child(2) { text-align: left; }
tr.change td { font-weight: 650; border-bottom: 2px solid var(--line); }
.up { color: #067647; } .down { color: #b42318; }
.tiles { display: flex; flex-wrap: wrap; gap: 12px; margin: 0 0 20px; }
.tile { flex: 1 1 170px; background: var(--paper); border: 1px solid var(--line);
        border-radius: 10px; padding: 14px 18px; }
.tile b { display: block; font-size: 25px; letter-spacing: -.01em; }
.tile span { color: var(--soft); font-size: 14px; }
pre { background: #f2f4f7; border-radius: 8px; padding: 12px 14px; overflow-x: auto;
      margin: 0 0 12px; font-size: 14px; }
</style>
</head>
<body>
<main>
<h1>PooDLe demo</h1>
<p class="lead">$lead</p>
<div class="tiles">$tiles</div>
<section>
<h2>Linear readout on the split <i>$split</i></h2>
<p>One 1&times;1 convolution is trained on frozen features to name the class of every pixel. The
only difference between the rows of a pair is the pretraining, which saw no label. Batch-norm
statistics are measured on clean training images for both.</p>
$table
</section>
$sections
<section>
<h2>What the numbers mean</h2>
<p><b>mIoU</b>: intersection over union of prediction and ground truth in percent, averaged over
the classes; every class counts the same, however few pixels it has. <b>accuracy</b>: share of
labelled pixels that are right; large classes such as road and sky dominate it. <b>Small</b>: mIoU
over classes that cover at most 1&nbsp;% of the pixels on average in the training images in which
they appear; here: $small. <b>Large</b>: mIoU over the other classes. <b>encoder</b>: the ResNet
alone, its last two stages dilated to stride 8; <b>encoder + SDM</b>: with the spatial decoder that
was trained with it.</p>
<p>A few minutes on a small network show that the method learns, not how good it is: the paper
trains a ResNet-50 for 100 passes over 70,000 videos. Random weights are a fair baseline, not an
empty one: on random filters one linear layer already separates sky, road and trees by colour and
texture.</p>
</section>
<section>
<h2>How this was made</h2>
<pre>$command</pre>
<p class="lead">$versions</p>
</section>
</main>
</body>
</html>
""")


def build_report(
    metrics: Mapping,
    figures: Mapping[str, tuple[str, Figure]],
    command: str,
    source: str,
) -> str:
    """HTML of the report; pictures are embedded.

    Args:
        metrics: What ``metrics.json`` holds.
        figures: Title to (text below the title, figure), in the order of the page.
        command: Command line that made it.
        source: What the frames are, e.g. the data's folder.
    """
    minutes = metrics['pretrain_seconds'] / 60
    gain = {
        part: rows['pretrained']['miou'] - rows['random']['miou']
        for part, rows in metrics.items()
        if part in _PARTS
    }
    tiles = [(f'{gain[part]:+.1f}', f'points of mIoU, {_PARTS[part]}') for part in gain]
    tiles += [
        (f'{minutes:.1f} min', 'of pretraining'),
        (f'{metrics["pairs"]:,}', 'pairs of frames seen'),
        (f'{metrics["pairs_per_second"]:.0f}', 'pairs per second'),
    ]
    return _PAGE.substitute(
        lead=escape(f'Self-supervised pretraining on video, then a linear readout. Data: {source}'),
        tiles=''.join(
            f'<div class="tile"><b>{a}</b><span>{escape(b)}</span></div>' for a, b in tiles
        ),
        split=escape(metrics['eval_split']),
        table=_table(metrics),
        sections=''.join(_section(title, *content) for title, content in figures.items()),
        small=escape(', '.join(metrics['class_groups']['small']) or 'none'),
        command=escape(command),
        versions=escape(_versions()),
    )


def format_table(metrics: Mapping) -> str:
    """The table of results as text for the terminal."""
    lines = [f'{"":16}{"":12}' + ''.join(f'{name:>10}' for name in _COLUMNS.values())]
    for part, rows in _parts(metrics).items():
        for weights in ('random', 'pretrained'):
            values = ''.join(f'{_number(rows[weights][key]):>10}' for key in _COLUMNS)
            lines.append(f'{_PARTS[part]:16}{weights:12}{values}')
    return '\n'.join(lines)


def _parts(metrics: Mapping) -> dict:
    return {part: metrics[part] for part in _PARTS if part in metrics}


def _number(value: float | None, sign: str = '') -> str:
    return '–' if value is None else f'{value:{sign}.1f}'


def _table(metrics: Mapping) -> str:
    head = ''.join(f'<th>{name}</th>' for name in ('', 'weights', *_COLUMNS.values()))
    body = ''
    for part, rows in _parts(metrics).items():
        for weights in ('random', 'pretrained'):
            cells = ''.join(f'<td>{_number(rows[weights][key])}</td>' for key in _COLUMNS)
            body += f'<tr><td>{_PARTS[part]}</td><td>{weights}</td>{cells}</tr>'
        cells = ''
        for key in _COLUMNS:
            both = [rows[weights][key] for weights in ('pretrained', 'random')]
            change = None if None in both else both[0] - both[1]
            kind = 'down' if change is not None and change < 0 else 'up'
            cells += f'<td class="{kind}">{_number(change, "+")}</td>'
        body += f'<tr class="change"><td></td><td>change</td>{cells}</tr>'
    return f'<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _section(title: str, text: str, figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format='png', dpi=110)
    data = base64.b64encode(buffer.getvalue()).decode()
    return (
        f'<section><h2>{escape(title)}</h2><p>{escape(text)}</p>'
        f'<img alt="{escape(title)}" src="data:image/png;base64,{data}"></section>'
    )


def _versions() -> str:
    packages = ', '.join(f'{name} {version(name)}' for name in _PACKAGES)
    return f'Python {platform.python_version()} on {platform.platform()}; {packages}'
