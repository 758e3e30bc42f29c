"""The site's extensions on small sites; ``tools/docs.sh`` builds the real one, in CI too."""

import io
import runpy
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip('sphinx')
pytest.importorskip('myst_parser')
pytest.importorskip('furo')

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

# MyST and Napoleon use what Sphinx is about to remove.
pytestmark = pytest.mark.filterwarnings(
    'ignore:.*:PendingDeprecationWarning', 'ignore:.*:DeprecationWarning'
)

DOCS = Path(__file__).resolve().parents[1] / 'docs'
OURS = ('commands', 'docstrings', 'outside', 'registered', 'rooms')
INDEX = '# Site\n\n```{toctree}\nchangelog\n```\n\n'


@pytest.fixture(autouse=True)
def import_ours(monkeypatch):
    """Have our extensions found, and forgotten afterwards."""
    monkeypatch.setattr(sys, 'path', [str(DOCS / '_ext'), *sys.path])
    yield
    for name in OURS:
        sys.modules.pop(name, None)


@pytest.fixture
def build(tmp_path):
    """Function that builds ``docs/`` of a small repository and returns what Sphinx warns of."""
    (tmp_path / 'docs' / 'deep').mkdir(parents=True)
    (tmp_path / 'CHANGELOG.md').write_text(
        '# Changes\n\n## Newest\n\n[start](docs/index.md), [code](code.py), [up](#newest)\n'
    )
    (tmp_path / 'README.md').write_text('# Read me\n\n## First\n')
    (tmp_path / 'code.py').write_text('answer = 6 * 7 < 50\n')
    (tmp_path / 'folder').mkdir()
    (tmp_path / 'folder' / 'inside.py').touch()
    (tmp_path / 'docs' / 'changelog.md').write_text('# Changelog\n\nFor readers elsewhere.\n')

    def run(index: str, *extensions: str, **settings: object) -> str:
        docs, out = tmp_path / 'docs', tmp_path / 'out'
        (docs / 'index.md').write_text(INDEX + index)
        warnings = io.StringIO()
        settings = dict(
            extensions=['myst_parser', *extensions],
            html_theme='basic',
            myst_heading_anchors=3,
            nitpicky=True,
            outside_pages={'changelog': 'CHANGELOG.md'},
            outside_instead={'README.md': 'index'},
            **settings,
        )
        with patch_docutils(), docutils_namespace():
            Sphinx(
                docs, None, out, tmp_path / 'trees', 'html', settings,
                status=None, warning=warnings, freshenv=True,
            ).build()  # fmt: skip
        return warnings.getvalue()

    return run


def page(tmp_path: Path, name: str) -> str:
    return (tmp_path / 'out' / name).read_text(encoding='utf-8')


def test_links_to_files_outside_lead_to_pages(build, tmp_path):
    (tmp_path / 'docs' / 'deep' / 'page.md').write_text('# Deep\n\n[code](../../code.py)\n')
    index = (
        '[code](../code.py) [folder](../folder) [new](../CHANGELOG.md#newest) '
        '[readme](../README.md#first)\n\n```{toctree}\ndeep/page\n```\n'
    )
    assert build(index, 'outside') == ''
    html = page(tmp_path, 'index.html')
    assert 'href="files/code.py.html"' in html
    assert 'href="changelog.html#newest"' in html
    assert 'href="../files/code.py.html"' in page(tmp_path, 'deep/page.html')
    shown = page(tmp_path, 'files/code.py.html')
    assert '&lt;' in shown and 'answer' in shown
    assert 'inside.py' in page(tmp_path, 'files/folder.html')


def test_a_page_has_the_text_of_its_file(build, tmp_path):
    assert build('', 'outside') == ''
    html = page(tmp_path, 'changelog.html')
    assert 'For readers elsewhere' not in html
    for link in ('href="index.html"', 'href="files/code.py.html"', 'href="#newest"'):
        assert link in html


@pytest.mark.parametrize(
    ('index', 'named'),
    [
        ('[code](../gone.py)', '../gone.py'),
        ('[page](gone.md)', 'gone.md'),
        ('[here](#gone)', "'gone'"),
        ('[new](../CHANGELOG.md#gone)', "'gone'"),
    ],
)
def test_links_to_nowhere_are_warnings(build, index, named):
    assert named in build(index, 'outside')


def test_pages_that_nothing_leads_to_are_warnings(build, tmp_path):
    (tmp_path / 'docs' / 'lonely.md').write_text('# Lonely\n')
    assert 'lonely.md' in build('', 'outside')


MODULE = '''
from dataclasses import dataclass, field

def show(maps):
    """Show maps.

    Returns:
        (N, C, H, W) of maps: with :class:`Thing` beside them.
    """

@dataclass
class Thing:
    """A thing.

    Attributes:
        left, right: Sides: both of them.
    """

    sides: dict[str, str] = field(default_factory=dict)

    @property
    def size(self):
        """(H, W) without the border: pixels."""
'''


def test_docstrings_are_read_as_we_write_them(build, tmp_path, monkeypatch):
    (tmp_path / 'shown_module.py').write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    index = '```{eval-rst}\n.. automodule:: shown_module\n   :members:\n```\n'
    sphinx = ('outside', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon')
    sections = [('Attributes', 'params_style')]
    assert 'not found' in build(index, *sphinx)
    assert build(index, *sphinx, 'docstrings', napoleon_custom_sections=sections) == ''
    html = page(tmp_path, 'index.html')
    assert '(N, C, H, W) of maps: with' in html
    assert '(H, W) without the border: pixels.' in html
    assert '<strong>left, right</strong>' in html


def test_every_module_is_on_one_page():
    settings = runpy.run_path(str(DOCS / 'conf.py'))
    from rooms import modules_below

    rooms, root = settings['reference_rooms'], DOCS.parent
    without = settings['reference_without']
    pages = Counter(m for room in rooms for m in modules_below(room, root, rooms + without))
    files = (p for name in ('poodle_mm', 'poodle_scenes') for p in (root / name).rglob('*.py'))
    modules = {'.'.join(p.relative_to(root).with_suffix('').parts) for p in files}
    elsewhere = ('poodle_mm.experiments', *without)
    expected = {
        m
        for m in modules
        if not m.endswith('__') and not m.startswith(elsewhere) and m not in ('poodle_mm.version',)
    }
    assert not expected - set(pages)
    assert max(pages.values()) == 1


def test_keys_are_those_that_a_config_can_give():
    from registered import keys

    class Base:
        def __init__(self, depth=50, *, style='pytorch'): ...

    class Ours(Base):
        def __init__(self, *args, dilated=False, **kwargs): ...

    class Closed(Base):
        def __init__(self, momentum): ...

    assert keys(Ours) == '``dilated``, ``depth``, ``style``'
    assert keys(Closed) == '``momentum``'
