"""The documents name what is there: links, anchors, files, and options of commands."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from poodle_mm.__main__ import commands

REPO = Path(__file__).resolve().parents[1]
DOCS = sorted([*REPO.glob('*.md'), *(REPO / 'docs').rglob('*.md')])
FOLDERS = 'benchmarks|configs|docs|examples|poodle_mm|poodle_scenes|tests|tools'
WIDEST = 120
# Launchers that hand their options to another tool, and what has options of its own.
PASSED_TO = {'demo.sh': 'demo.py', 'dist_train.sh': 'train.py', 'slurm_train.sh': 'train.py'}


@cache
def parts(path: Path) -> tuple[str, list[str]]:
    """Text without its code, and the code: fenced blocks and spans."""
    text = path.read_text(encoding='utf-8')
    blocks = re.findall(r'^ *```.*?^ *```$', text, flags=re.MULTILINE | re.DOTALL)
    for block in blocks:
        text = text.replace(block, '')
    spans = re.findall(r'`([^`]+)`', text)
    return re.sub(r'`([^`]+)`', r'\1', text), blocks + spans


def anchors(path: Path) -> set[str]:
    """GitHub's: the heading in lower case, without punctuation, with hyphens for spaces."""
    headings = re.findall(r'^#+ (.+)$', parts(path)[0], flags=re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def expand(pattern: str) -> Iterator[str]:
    """The patterns without braces: ``a{b,c}`` to ``ab`` and ``ac``."""
    braces = re.search(r'\{([^{}]*)\}', pattern)
    if not braces:
        yield pattern
        return
    for choice in braces[1].split(','):
        yield from expand(pattern[: braces.start()] + choice + pattern[braces.end() :])


@pytest.mark.parametrize('path', DOCS, ids=lambda p: p.name)
def test_links_lead_somewhere(path):
    text = parts(path)[0]
    links = re.findall(r'\]\(([^)\s]+)\)', text)
    links += re.findall(r'^\[[^]]+\]: (\S+)$', text, flags=re.MULTILINE)
    for link in links:
        if '://' in link:
            continue
        file, _, anchor = link.partition('#')
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link
    used = set(re.findall(r'\]\[([^]]+)\]', text))
    assert used <= set(re.findall(r'^\[([^]]+)\]: ', text, flags=re.MULTILINE))


@pytest.mark.parametrize(
    'path', [p for p in DOCS if p.name != 'CHANGELOG.md'], ids=lambda p: p.name
)
def test_files_named_are_there(path):
    """Paths in code may hold ``*``, braces and ``<placeholders>``."""
    for code in parts(path)[1]:
        for name in re.findall(rf'(?<![\w./])((?:{FOLDERS})/[\w./*{{}},<>-]*)', code):
            for pattern in expand(re.sub(r'<[^>]*>', '*', name).rstrip('.,/')):
                assert any(REPO.glob(pattern)), name


def script_of(command: re.Match) -> str:
    """The path of the script that ``poodle-mm NAME`` runs."""
    return str(commands()[command[1]].relative_to(REPO))


def options(tool: str) -> set[str]:
    """Options that a tool defines, itself or by a module of ours that adds them."""
    path = REPO / PASSED_TO.get(Path(tool).name, tool)
    path = path if path.is_file() else REPO / 'tools' / path.name
    text = path.read_text(encoding='utf-8')
    if path.suffix == '.sh':
        return set(re.findall(r'--[a-z-]+', text))
    found = set()
    for module in {tool, *re.findall(r'from (poodle_mm[\w.]+) import', text)}:
        file = path if module == tool else REPO / f'{module.replace(".", "/")}.py'
        if not file.is_file():
            continue
        text = file.read_text(encoding='utf-8')
        strings = (n.value for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Constant))
        words = [s for s in strings if isinstance(s, str)]
        names = {word for word in words if re.fullmatch('--[a-z][a-z_-]*', word)}
        if "f'--{" in text:  # added in a loop
            names |= {f'--{word}' for word in words if re.fullmatch('[a-z-]+', word)}
        found |= names
        if 'BooleanOptionalAction' in text:
            found |= {name.replace('--', '--no-') for name in names}
    return found


@pytest.mark.parametrize(
    'path', [p for p in DOCS if p.name != 'CHANGELOG.md'], ids=lambda p: p.name
)
def test_commands_have_their_options(path):
    for code in parts(path)[1]:
        lines = code.replace('\\\n', ' ').split('\n') if '\n' in code else [' '.join(code.split())]
        for line in lines:
            line = re.sub(r'(?:poodle-mm|-m poodle_mm) ([a-z][\w-]*)', script_of, line)
            command = re.search(r'(?<![\w./])(tools/[\w/]+\.(?:py|sh))(.*)', line.split('  #')[0])
            if command and Path(command[1]).name != 'test.sh':  # whose options are pytest's
                asked = set(re.findall(r'(?<!\S)\[?(--[a-z][a-z-]*)', command[2]))
                assert asked <= options(command[1]), line


@pytest.mark.parametrize(
    'path', [p for p in DOCS if p.name != 'CHANGELOG.md'], ids=lambda p: p.name
)
def test_lines_are_not_too_long(path):
    """But for tables, code blocks and words that cannot be broken."""
    text = re.sub(r'^ *```.*?^ *```$', '', path.read_text('utf-8'), flags=re.MULTILINE | re.DOTALL)
    long = [line for line in text.split('\n') if len(line) > WIDEST and not line.startswith('|')]
    assert [line for line in long if len(line.split()) > 1] == []


def test_the_readme_begins_with_what_is_needed_first():
    """Two commands, three pictures, the demo's own numbers and where to go, within 60 lines."""
    text = (REPO / 'README.md').read_text(encoding='utf-8')
    first = text[: text.index('\n## Features')]
    (block,) = re.findall(r'```bash\n(.*?)```', first, flags=re.DOTALL)
    pictures = [REPO / name for name in re.findall(r'!\[[^]]+\]\(([^)]+)\)', first)]
    assert (len(block.splitlines()), len(pictures)) == (2, 3)
    assert all(picture.stat().st_size < 600_000 for picture in pictures)
    scores = json.loads((REPO / 'docs/results/demo_scenes.json').read_text(encoding='utf-8'))
    expected = [
        [f'{scores[part][weights][key]:.1f}' for key in ('miou', 'acc', 'small', 'large')]
        for part in ('encoder', 'encoder_sdm')
        for weights in ('random', 'pretrained')
    ]
    rows = re.findall(r'^\|.*\| (?:random|pretrained) \|(.*)\|$', first, flags=re.MULTILINE)
    assert [row.replace('*', '').replace(' ', '').split('|') for row in rows] == expected
    assert '## Where to go' in first
    assert len(first.splitlines()) <= 60
