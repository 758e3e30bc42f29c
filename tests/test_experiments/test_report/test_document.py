"""A report's Markdown and HTML say the same."""

import base64
import re

from matplotlib.figure import Figure

from poodle_mm.experiments.report import Picture, write_report
from poodle_mm.utils.tables import markdown_table


def test_markdown_and_html(tmp_path):
    table = markdown_table(['', 'gain'], [['a', '**+1.0**'], ['b', '**-2.0**']])
    picture = Picture('figures/one.png', 'One', Figure(figsize=(1, 1)))
    parts = ['# Title', '- **3** things', '## First', 'Data: `a <b>_c_`', table, picture]
    files = write_report(tmp_path, 'report', [*parts, '## Second', 'End $x.'])
    assert files == [tmp_path / name for name in ('report.md', 'report.html', 'figures/one.png')]
    text, html = (file.read_text(encoding='utf-8') for file in files[:2])
    assert (
        text == '\n\n'.join([*parts[:-1], '![One](figures/one.png)', '## Second', 'End $x.']) + '\n'
    )
    (data,) = re.findall('src="data:image/png;base64,([^"]*)"', html)
    assert base64.b64decode(data) == files[2].read_bytes()
    assert '<title>Title</title>' in html and html.count('<section>') == 2
    assert '<code>a &lt;b&gt;_c_</code>' in html and 'End $x.' in html
    assert '<strong class="up">+1.0' in html and '<strong class="down">-2.0' in html
    assert re.search('<td style="text-align:right">', html)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['figures', 'report.html', 'report.md']


def test_html_of_others_is_text(tmp_path):
    """A name with a tag in it is no tag."""
    _, html = write_report(tmp_path, 'r', ['# a <script>alert(1)</script>'])
    assert '<script>' not in html.read_text(encoding='utf-8')
