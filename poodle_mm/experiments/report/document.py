"""Reports: Markdown with pictures beside it, and the same as one HTML file that opens offline."""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from poodle_mm.experiments.report.page import markdown, render
from poodle_mm.utils.files import replacing, write_text

if TYPE_CHECKING:  # matplotlib takes a second to import
    from matplotlib.figure import Figure


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
        data = write_picture(folder, picture)
        html = html.replace(f'src="{picture.file}"', f'src="{data}"')
    files = [folder / f'{name}.md', folder / f'{name}.html']
    for file, content in zip(files, (text, html)):
        write_text(file, content)
    return files + [folder / picture.file for picture in pictures]


def write_picture(folder: Path, picture: Picture) -> str:
    """Write a picture into the report's folder; returns it as a ``data:`` URL."""
    with replacing(folder / picture.file) as temporary:
        if isinstance(picture.figure, Path):
            shutil.copyfile(picture.figure, temporary)
        else:
            picture.figure.savefig(temporary, dpi=110)
        return f'data:image/png;base64,{base64.b64encode(temporary.read_bytes()).decode()}'


def picture_html(folder: Path, picture: Picture) -> Markup:
    """Write a picture into the report's folder; returns its element for a page."""
    data = write_picture(folder, picture)
    return Markup(f'<p><img src="{data}" alt="{escape(picture.title)}"></p>')


def _to_html(text: str) -> str:
    head, *sections = re.split('(?=<h2>)', markdown(text))
    title = re.search('<h1>(.*)</h1>', head)
    body = head + ''.join(f'<section>\n{section}</section>\n' for section in sections)
    return render(
        'page.html',
        title=Markup(title[1] if title else ''),
        body=Markup(f'<div class="doc">\n{body}</div>'),
    )
