"""The house: every import goes downwards, no circle, no file too large or too small."""

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
PACKAGES = ('poodle_mm', 'poodle_scenes')

# A room imports from itself and from the floors below its own.
FLOORS = (
    {'version'},
    {'poodle_mm', 'registry', 'catalog', 'geometry'},
    {'utils', 'visualization'},
    {'checkpoints', 'poodle_scenes'},
    {'datasets'},
    {'flow', 'views'},
    {'models'},
    {'engine'},
    {'apis'},
    {'evaluation'},
    {'experiments'},
    {'__main__'},
)
LARGEST, SMALLEST = 300, 25  # lines of a file
# Smaller for a reason: setuptools reads the version without importing the package.
SMALL = {'version.py'}
MOST_ARGUMENTS = 12
MOST_OF_A_NAME = 3


def modules() -> dict[str, Path]:
    """Module name to file."""
    return {
        '.'.join(path.relative_to(REPO).with_suffix('').parts).removesuffix('.__init__'): path
        for package in PACKAGES
        for path in sorted((REPO / package).rglob('*.py'))
    }


def imports_of(tree: ast.AST, known: set[str]) -> Iterator[str]:
    """Our modules that a module imports, also within its functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'line {node.lineno}: a relative import'
            for alias in node.names:
                name = f'{node.module}.{alias.name}'
                name = name if name in known else node.module
                if name in known:
                    yield name
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)


def room(module: str) -> str:
    """Top folder, or the file itself."""
    first, _, rest = module.partition('.')
    return rest.split('.')[0] if first == 'poodle_mm' and rest else first


@pytest.fixture(scope='module')
def graph() -> dict[str, set[str]]:
    """Module to the modules that it imports."""
    files = modules()
    return {
        name: set(imports_of(ast.parse(path.read_text(encoding='utf-8')), set(files))) - {name}
        for name, path in files.items()
    }


def test_no_module_is_part_of_a_circle(graph):
    list(TopologicalSorter(graph).static_order())  # raises CycleError with the circle


def test_every_room_has_a_floor(graph):
    assert {room(module) for module in graph} == set().union(*FLOORS)


def test_no_room_imports_from_its_own_floor_or_above(graph):
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    climbs = [
        f'{module} imports {other}'
        for module, others in graph.items()
        for other in others
        if room(module) != room(other) and floor[room(other)] >= floor[room(module)]
    ]
    assert not climbs


def test_readers_of_video_do_not_wait_for_mmpretrain():
    """Its import takes seconds; floors below the models import it where they need it."""
    below = set().union(*FLOORS[: FLOORS.index({'models'})])
    at_once = [
        name
        for name, path in modules().items()
        if room(name) in below
        for node in ast.parse(path.read_text(encoding='utf-8')).body
        if isinstance(node, ast.ImportFrom) and node.module.split('.')[0] == 'mmpretrain'
    ]
    assert not at_once


def test_imports_within_functions_count(tmp_path):
    tree = ast.parse('def f():\n    from a.b import c\n    import a.d')
    assert set(imports_of(tree, {'a.b', 'a.d'})) == {'a.b', 'a.d'}


def test_files_hold_one_idea():
    sizes = {
        path: len(path.read_text(encoding='utf-8').splitlines())
        for path in modules().values()
        if path.name != '__init__.py' and path.name not in SMALL
    }
    wrong = {str(p.relative_to(REPO)): n for p, n in sizes.items() if not SMALLEST <= n <= LARGEST}
    assert not wrong


def test_names_tell_files_apart():
    names = Counter(path.name for path in modules().values() if path.name != '__init__.py')
    assert not {name: n for name, n in names.items() if n > MOST_OF_A_NAME}


def test_no_function_has_a_crowd_of_arguments():
    crowds = []
    for path in modules().values():
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                count = sum(a.arg not in ('self', 'cls') for a in arguments)
                if count > MOST_ARGUMENTS:
                    crowds.append(f'{path.relative_to(REPO)}: {node.name} has {count}')
    assert not crowds
