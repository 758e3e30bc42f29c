"""Pages that open offline: the templates, with their styles and scripts inside."""

import base64
import hashlib
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from poodle_mm.experiments.report.readouts import ClassBars

ASSETS = Path(__file__).parent / 'assets'
_SCRIPTS = {'report.html': ('charts.js', 'page.js')}


def render(template: str, **content: object) -> str:
    """Fill a template of the folder ``assets``; every text is escaped.

    Styles and scripts are put into the page, and a policy that allows only these scripts, and
    nothing from a network.

    Args:
        template: File name.
        **content: What it shows. Only ``Markup`` is taken for HTML.
    """
    scripts = [(ASSETS / name).read_text('utf-8') for name in _SCRIPTS.get(template, ())]
    return (
        _environment()
        .get_template(template)
        .render(
            style=Markup((ASSETS / 'page.css').read_text('utf-8')),
            scripts=[Markup(script) for script in scripts],
            hashes=[_hash(script) for script in scripts] or ["'none'"],
            **content,
        )
    )


def markdown(text: str) -> Markup:
    """HTML of Markdown; tags in it are text. Bold numbers with a sign are coloured by it."""
    body = MarkdownIt('commonmark', {'html': False}).enable('table').render(text)
    for sign, kind in (('+', 'up'), ('-', 'down')):
        body = body.replace(f'<strong>{sign}', f'<strong class="{kind}">{sign}')
    body = body.replace('<table>', '<div class="wide"><table>')
    return Markup(body.replace('</table>', '</table></div>'))


def embedded_json(content: Mapping) -> Markup:
    """JSON for a ``<script type="application/json">``: no text in it can end the element."""
    text = json.dumps(content, allow_nan=False, separators=(',', ':'))
    return Markup(text.replace('<', '\\u003c').replace('>', '\\u003e').replace('&', '\\u0026'))


def bars_html(bars: ClassBars) -> Markup:
    """Bars of classes as HTML."""
    return _environment().get_template('macros.html').module.bars(bars)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
