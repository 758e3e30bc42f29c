"""Writes the reference's pages: one for each of ``reference_rooms``, a section for each module.

A page has the modules below its package, but for those that have a page of their own or are in
``reference_without``. Names are described where they are defined, in packages of
``reference_flat`` under the names that the package exports.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

FOLDER = 'reference/generated'


def modules_below(name: str, root: Path, others: list[str]) -> Iterator[str]:
    """The package or module itself, then what is below it and not below one of the others."""
    elsewhere = tuple(f'{other}.' for other in others if other.startswith(f'{name}.'))
    yield name
    for path in sorted((root / name.replace('.', '/')).rglob('*.py')):
        module = '.'.join(path.relative_to(root).with_suffix('').parts)
        if path.name != '__init__.py' and not f'{module}.'.startswith(elsewhere):
            yield module


def write_rooms(app: Sphinx) -> None:
    """Write the pages into ``reference/generated``, which git ignores."""
    config, folder = app.config, Path(app.srcdir, FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for room in config.reference_rooms:
        others = [*config.reference_rooms, *config.reference_without]
        first, *modules = modules_below(room, Path(app.srcdir).parent, others)
        flat = room in config.reference_flat
        lines = [*_heading(room, '='), *_automodule(first, members=flat or not modules)]
        for module in [] if flat else modules:
            lines += [*_heading(module, '-'), *_automodule(module, members=True)]
        (folder / f'{room}.rst').write_text('\n'.join(lines), encoding='utf-8')


def _heading(module: str, line: str) -> list[str]:
    title = module.removeprefix('poodle_mm.').replace('_', r'\_')
    return [title, line * len(title), '']


def _automodule(module: str, members: bool) -> list[str]:
    options = ['   :members:', '   :show-inheritance:'] if members else []
    return [f'.. automodule:: {module}', *options, '']


def setup(app: Sphinx) -> dict:
    """Register settings and the writing of the pages."""
    for name in ('reference_rooms', 'reference_flat', 'reference_without'):
        app.add_config_value(name, [], 'env')
    app.connect('builder-inited', write_rooms)
    return dict(parallel_read_safe=True, parallel_write_safe=True)
