"""Links to files outside ``docs/``, which GitHub follows and a site cannot.

A few of these files are pages of the site (``outside_pages``: page to file; the page's own text is
for readers on GitHub). Any other file that a page links to is shown highlighted under ``files/``, a
folder by the list of what it holds. A link to what does not exist is MyST's warning.
"""

import os
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from docutils import nodes
from pygments.lexers import find_lexer_class_for_filename
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


class LinksOutside(SphinxTransform):
    """Turns links to files outside ``docs/`` into links to pages of the site."""

    default_priority = 100

    def apply(self, **kwargs: object) -> None:
        """Look at each link that MyST has made of a path."""
        pages = {file: page for page, file in self.config.outside_pages.items()}
        kinds = addnodes.download_reference, addnodes.pending_xref
        for node in [n for kind in kinds for n in self.document.findall(kind)]:
            file = self._file(node)
            if file is None:
                continue
            if file in pages:
                link = self._page(node, pages[file], node.get('reftargetid'))
            elif file in self.config.outside_instead:
                link = self._page(node, self.config.outside_instead[file])
            else:
                self.env.outside_files = getattr(self.env, 'outside_files', set()) | {file}
                up = '../' * self.env.docname.count('/')
                link = nodes.reference('', '', *node.children, refuri=f'{up}files/{file}.html')
            node.replace_self(link)

    def _file(self, node: nodes.Element) -> str | None:
        """File or folder outside ``docs`` to which a link leads, by its path in the repository."""
        if node.get('reftype') != 'myst':
            return None
        docs = Path(self.env.srcdir)
        name = node['reftarget'].partition('#')[0]
        if node.get('refdomain') == 'doc':  # the name has lost its suffix
            name += '.md'
        path = Path(os.path.normpath(Path(self.env.doc2path(self.env.docname)).parent / name))
        outside = path.is_relative_to(docs.parent) and not path.is_relative_to(docs)
        return path.relative_to(docs.parent).as_posix() if outside and path.exists() else None

    def _page(
        self, node: nodes.Element, page: str, anchor: str | None = None
    ) -> addnodes.pending_xref:
        link = addnodes.pending_xref(
            refdomain='doc',
            reftype='myst',
            reftarget=page,
            reftargetid=anchor,
            refdoc=self.env.docname,
            refexplicit=True,
        )
        link += node.children
        return link


def read_outside(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give a page the text of its file, whose links start at the root of the repository."""
    file = app.config.outside_pages.get(docname)
    if file:
        path = Path(app.srcdir).parent / file
        app.env.note_dependency(str(path))
        text = path.read_text(encoding='utf-8')
        source[0] = re.sub(
            r'(\]\(|^\[[^]]+\]: )(?![a-z]+:|#)(docs/)?',
            lambda m: m[1] + ('' if m[2] else '../'),
            text,
            flags=re.MULTILINE,
        )


def file_pages(app: Sphinx) -> Iterator[tuple[str, dict, str]]:
    """Page, context and template of each file that is linked to."""
    root = Path(app.srcdir).parent
    for file in sorted(getattr(app.env, 'outside_files', set())):
        path = root / file
        if path.is_dir():
            names = sorted(p.name + '/' * p.is_dir() for p in path.iterdir())
            body = ''.join(f'<li>{escape(name)}</li>' for name in names if name[0] not in '._')
            body = f'<ul>{body}</ul>'
        else:
            lexer = find_lexer_class_for_filename(path.name)
            language = lexer.aliases[0] if lexer else 'text'
            text = path.read_text(encoding='utf-8')
            body = app.builder.highlighter.highlight_block(text, language)
        body = f'<h1>{escape(file)}</h1>\n{body}'
        yield f'files/{file}', dict(title=file, body=body, parents=[]), 'page.html'


def setup(app: Sphinx) -> dict:
    """Register transform, settings and events."""
    app.add_config_value('outside_pages', {}, 'env')
    app.add_config_value('outside_instead', {}, 'env')
    app.add_transform(LinksOutside)
    app.connect('source-read', read_outside)
    app.connect('html-collect-pages', file_pages)
    return dict(parallel_read_safe=False, parallel_write_safe=True)
