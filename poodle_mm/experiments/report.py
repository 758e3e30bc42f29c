"""Reports: Markdown with pictures beside it, and the same as one HTML file that opens offline."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from poodle_mm.utils.files import replacing, write_text

if TYPE_CHECKING:  # matplotlib takes a second to import
    from matplotlib.figure import Figure

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { --ink: #1c2330; --soft: #667085; --box: #fff; --line: 1px solid #e4e7ec; }
* { box-sizing: border-box; }
body { max-width: 1120px; margin: 0 auto; padding: 40px 24px; background: #f5f6f8;
       color: var(--ink); font: 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
h1, h2 { font-size: 30px; margin: 0 0 6px; letter-spacing: -.01em; }
h2 { font-size: 19px; }
p { margin: 0 0 12px; }
body > p, pre + p { color: var(--soft); margin-bottom: 24px; }
section, body > ul > li { margin: 0 0 20px; padding: 22px 24px; background: var(--box);
                          border: var(--line); border-radius: 10px; }
body > ul { display: flex; flex-wrap: wrap; gap: 12px; margin: 0 0 20px; padding: 0; }
body > ul > li { flex: 1 1 150px; list-style: none; margin: 0; padding: 14px 18px;
                 color: var(--soft); font-size: 14px; }
li > strong { display: block; font-size: 25px; color: var(--ink); }
img { max-width: 100%; height: auto; }
table { border-collapse: collapse; width: 100%; margin-bottom: 20px; background: var(--box);
        font-variant-numeric: tabular-nums; }
th, td { padding: 8px 12px; text-align: left; border-bottom: var(--line); }
th { color: var(--soft); font-size: 14px; }
tr:has(strong) td { border-bottom-width: 2px; }
td > .up { color: #067647; } td > .down { color: #b42318; }
pre, code { background: #f2f4f7; border-radius: 6px; overflow-x: auto; font-size: 14px; }
pre { padding: 12px 14px; }
section > :last-child { margin-bottom: 0; }
</style>
</head>
<body>
$body
</body>
</html>
""")


@dataclass(frozen=True)
class Picture:
    """A figure in a report.

    Attributes:
        file: Name of its PNG file, relative to the report.
        title: Text for those who do not see it.
        figure: The figure, or a PNG file that holds it.
    """

    file: str
    title: str
    figure: Figure | Path


def write_report(folder: Path, name: str, parts: Sequence[str | Picture]) -> list[Path]:
    """Write ``<name>.md``, its pictures, and ``<name>.html``, which holds them.

    Args:
        folder: Folder of the report.
        name: Name of the files.
        parts: Blocks of Markdown, from a ``# title`` on, and pictures. In HTML each ``##`` begins
            a section; a list above the first one becomes a row of tiles; in tables, bold numbers
            with a sign are coloured by it.

    Returns:
        The files: Markdown, HTML, pictures.
    """
    pictures = [part for part in parts if isinstance(part, Picture)]
    blocks = [f'![{p.title}]({p.file})' if isinstance(p, Picture) else p for p in parts]
    text = '\n\n'.join(blocks) + '\n'
    html = _to_html(text)
    for picture in pictures:
        with replacing(folder / picture.file) as temporary:
            if isinstance(picture.figure, Path):
                shutil.copyfile(picture.figure, temporary)
            else:
                picture.figure.savefig(temporary, dpi=110)
            data = base64.b64encode(temporary.read_bytes()).decode()
        html = html.replace(f'src="{picture.file}"', f'src="data:image/png;base64,{data}"')
    files = [folder / f'{name}.md', folder / f'{name}.html']
    for file, content in zip(files, (text, html)):
        write_text(file, content)
    return files + [folder / picture.file for picture in pictures]


def _to_html(text: str) -> str:
    body = MarkdownIt('commonmark', {'html': False}).enable('table').render(text)
    for sign, kind in (('+', 'up'), ('-', 'down')):
        body = body.replace(f'<strong>{sign}', f'<strong class="{kind}">{sign}')
    head, *sections = re.split('(?=<h2>)', body)
    title = re.search('<h1>(.*)</h1>', head)
    body = head + ''.join(f'<section>\n{section}</section>\n' for section in sections)
    return _PAGE.substitute(title=title[1] if title else '', body=body)
