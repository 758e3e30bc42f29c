"""Settings of the site; ``bash tools/docs.sh`` builds it."""

import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS.parent), str(DOCS / '_ext')]

from poodle_mm import __version__ as release  # noqa: E402

project = 'poodle_mm'
author = 'poodle_mm contributors'
project_copyright = f'{author}, Apache-2.0'

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.viewcode',
    'sphinx_copybutton',
    'commands',
    'docstrings',
    'outside',
    'registered',
    'rooms',
]
exclude_patterns = ['_build']
nitpicky = True

# Markdown as GitHub reads it, with its anchors.
myst_heading_anchors = 4
# Files that stay at the root of the repository and are pages here.
outside_pages = {'changelog': 'CHANGELOG.md', 'contributing': 'CONTRIBUTING.md'}
# What links to a root file lead to where the site has its own.
outside_instead = {'README.md': 'index'}

html_theme = 'furo'
html_title = f'poodle_mm {release}'
html_static_path = ['_static']
html_css_files = ['site.css']
html_copy_source = False
html_show_sphinx = False
copybutton_exclude = '.linenos, .gp, .go'

autodoc_inherit_docstrings = False
autodoc_member_order = 'bysource'
autodoc_typehints_format = 'short'
autodoc_class_signature = 'mixed'
napoleon_numpy_docstring = False
napoleon_custom_sections = [('Attributes', 'params_style')]
python_maximum_signature_line_length = 80
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = 'hide'

reference_rooms = [
    'poodle_mm.apis',
    'poodle_mm.catalog',
    'poodle_mm.checkpoints',
    'poodle_mm.datasets',
    'poodle_mm.datasets.preparation',
    'poodle_mm.datasets.transforms',
    'poodle_mm.datasets.video',
    'poodle_mm.engine',
    'poodle_mm.engine.hooks',
    'poodle_mm.evaluation',
    'poodle_mm.evaluation.segmentation',
    'poodle_mm.flow',
    'poodle_mm.geometry',
    'poodle_mm.models',
    'poodle_mm.registry',
    'poodle_mm.utils',
    'poodle_mm.views',
    'poodle_mm.visualization',
    'poodle_scenes',
]
reference_flat = ['poodle_mm.apis']
# Imports only where MMDetection and MMCV's compiled operators are.
reference_without = ['poodle_mm.evaluation.detection']

# There are no inventories of other projects without network: their names stay text. So do names
# without an entry: private classes, type variables, and what annotations shorten.
SHORT = 'Figure|Image|Module|Runner|Tensor'
nitpick_ignore_regex = [('py:.*', rf'(?!poodle_)\w+\..*|.*\._\w+|.*\.(?:Item|Result)|{SHORT}')]


def leave_out_empty_patterns(app: Sphinx, docname: str, source: list[str]) -> None:
    """A pattern in the index's toctrees may match nothing yet; Sphinx would complain."""
    if docname == 'index':
        source[0] = re.sub(
            r'^(\S+\*)$', lambda m: m[1] * any(DOCS.glob(f'{m[1]}.md')), source[0], flags=re.M
        )


def setup(app: Sphinx) -> None:
    """Register what is not worth an extension."""
    app.connect('source-read', leave_out_empty_patterns)
