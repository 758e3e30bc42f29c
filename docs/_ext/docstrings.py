"""What our docstrings mean, for Napoleon and Sphinx.

- The text under ``Returns:`` is prose: Napoleon would take what stands before a colon for a type.
- So is the docstring of a property or of data.
- A default that a factory makes is ``...``: Sphinx does not parse a signature with ``<factory>``.
- Fields of a named tuple have no docstring of their own; the comment behind each is in the source.
- A bare name in a role (``:class:`PooledHead```) is looked for in all modules.
"""

import re

from sphinx.application import Sphinx

ONE_VALUE = ('attribute', 'data', 'property')


def read_as_prose(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Rewrite a docstring in place, before Napoleon sees it."""
    text = '\n'.join(lines)
    text = re.sub(r'^Returns:\n +', ':returns: ', text, flags=re.MULTILINE)
    text = re.sub(r':(class|data|exc|func):`(\w+)`', r':\1:`.\2`', text)
    empty = ['\\ '] * (what in ONE_VALUE)  # has no colon, and Napoleon looks at the first line only
    lines[:] = empty + text.split('\n')


def plain_factories(
    app: Sphinx,
    what: str,
    name: str,
    obj: object,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str, str | None] | None:
    """Replace a signature that has ``<factory>`` in it."""
    if signature and '<factory>' in signature:
        return signature.replace('<factory>', '...'), returns
    return None


def leave_out_fields(
    app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object
) -> bool | None:
    """Skip fields of named tuples, whose docstring is "Alias for field number 0"."""
    return True if type(obj).__name__ == '_tuplegetter' else None


def setup(app: Sphinx) -> dict:
    """Register the rewriting, that of docstrings ahead of Napoleon's."""
    app.connect('autodoc-process-docstring', read_as_prose, priority=100)
    app.connect('autodoc-skip-member', leave_out_fields)
    app.connect('autodoc-process-signature', plain_factories)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
