"""Directive ``registered``: the classes of our registries and their config keys."""

import inspect
from collections.abc import Iterator

from docutils import nodes
from mmengine.registry import Registry
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from poodle_mm import registry


def registries() -> Iterator[tuple[str, dict[str, type]]]:
    """Name of each registry that has something of ours, and what it has."""
    for name, found in vars(registry).items():
        if isinstance(found, Registry):
            found.import_from_location()
            if found.module_dict:
                yield name, dict(sorted(found.module_dict.items()))


def keys(member: type) -> str:
    """Config keys of a class as RST; those of base classes that ``**kwargs`` passes on as well."""
    names = {}
    for base in inspect.getmro(member) if inspect.isclass(member) else (member,):
        parameters = inspect.signature(base).parameters.values()
        names |= {p.name: None for p in parameters if not p.kind.name.startswith('VAR_')}
        if not any(p.kind == p.VAR_KEYWORD for p in parameters):
            break
    return ', '.join(f'``{name}``' for name in names) or '–'


class Registered(SphinxDirective):
    """A section with a table for each registry."""

    def run(self) -> list[nodes.Node]:
        """Parse the sections."""
        lines = []
        for name, members in registries():
            lines += [name, '-' * len(name), '', '.. list-table::', '   :header-rows: 1']
            lines += ['   :widths: 25 35 40', '', '   * - type', '     - what', '     - keys']
            for title, member in members.items():
                role = 'class' if inspect.isclass(member) else 'func'
                about = (inspect.getdoc(member) or '').split('\n\n')[0].replace('\n', ' ')
                path = f'{member.__module__}.{member.__qualname__}'
                lines += [f'   * - :{role}:`{title} <{path}>`', f'     - {about}']
                lines += [f'     - {keys(member)}']
            lines += ['']
        return self.parse_text_to_nodes('\n'.join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict:
    """Register the directive."""
    app.add_directive('registered', Registered)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
