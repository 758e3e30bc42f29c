"""Every command in the documents, and in the scripts' own help, is one that its script takes."""

import argparse
import ast
import re
import runpy
import shlex
import string
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from poodle_mm.__main__ import commands as named_commands

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for pattern in ('*.md', 'docs/**/*.md', 'configs/**/*.md', 'tools/**/*.py')
    for path in ROOT.glob(pattern)
    if path.name != 'CHANGELOG.md'
)
NAMED = named_commands()
# Launchers: the script whose options follow, and the places of what it is given first and of them.
LAUNCHERS = {
    'tools/dist_train.sh': ('tools/train.py', 1, 3),
    'tools/slurm_train.sh': ('tools/train.py', 3, 4),
    'tools/demo.sh': ('tools/demo.py', 0, 1),
}
_BLOCK = re.compile(r'^[ \t]*```(?:bash|sh)\n(.*?)^[ \t]*```', re.MULTILINE | re.DOTALL)
_ASSIGNMENT = re.compile(r'\s*([A-Z][A-Z0-9_]*)=(\'[^\']*\'|"[^"]*"|[^\s;]*)\s*(?:;|$)')
_LOOP = re.compile(r'\s*for (\w+) in ([^\s;]+)')
_ENDS = {'|', '&', '&&', '||', ';', '>', '>>', '2>', '<'}


class Taken(Exception):
    """Raised in place of doing what was asked for."""


def blocks(page: Path) -> list[str]:
    """Code in a document, or the examples in a script's docstring."""
    text = page.read_text(encoding='utf-8')
    if page.suffix == '.md':
        return _BLOCK.findall(text)
    usage = (ast.get_docstring(ast.parse(text)) or '').replace('\\\n', ' ')
    lines = (line.strip() for line in usage.splitlines())
    return ['\n'.join(line for line in lines if line.startswith('python tools/'))]


def commands(page: Path) -> Iterator[list[str]]:
    """Scripts of ``tools`` and their arguments, with the variables that the same block sets."""
    for block in blocks(page):
        variables: dict[str, str] = {}
        for line in block.replace('\\\n', ' ').splitlines():
            while found := _ASSIGNMENT.match(line):
                variables[found[1]] = expand(found[2].strip('\'"'), variables)
                line = line[found.end() :]
            if found := _LOOP.match(line):
                variables[found[1]] = found[2]
            lexer = shlex.shlex(expand(line, variables), posix=True, punctuation_chars='|&;<>')
            lexer.whitespace_split = True
            words: list[str] = []
            for word in [*lexer, ';']:
                if word in _ENDS:
                    if found := script(words):
                        yield found
                    words = []
                else:
                    words.append(word)


def expand(text: str, variables: dict[str, str]) -> str:
    return string.Template(text).safe_substitute(variables)


def script(words: list[str]) -> list[str] | None:
    """A command's script and the arguments that it gets; None for others' commands."""
    if any(re.match(r'\[|\{|.*\$\d', word) for word in words):
        return None  # a synopsis, or the body of a function
    for place, word in enumerate(words):
        after = words[place + 1 :]
        if re.fullmatch(r'tools/[\w/]+\.py', word):
            return words[place:]
        if word in LAUNCHERS:
            tool, first, rest = LAUNCHERS[word]
            return [tool, *after[max(first - 1, 0) : first], *after[rest - 1 :]]
        if word in ('poodle-mm', 'poodle_mm') and after and after[0] in NAMED:
            return [str(NAMED[after[0]]), *after[1:]]
    return None


@pytest.fixture
def take_only(monkeypatch):
    """Scripts end where their own checks of the arguments do."""
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser, *args, **kwargs):
        parsed = parse(parser, *args, **kwargs)
        if checks_more:
            return parsed
        raise Taken

    def enter(*args, **kwargs):
        raise Taken

    def run(tool: str, arguments: list[str]) -> None:
        nonlocal checks_more
        path = ROOT / tool
        checks_more = 'with one_line_errors(' in path.read_text(encoding='utf-8')
        monkeypatch.setattr(sys, 'argv', [tool, *arguments])
        with pytest.raises(Taken) if '--help' not in arguments else nullcontext():
            runpy.run_path(str(path), run_name='__main__')

    checks_more = False
    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', parse_only)
    monkeypatch.setattr('poodle_mm.utils.errors.one_line_errors', enter)
    return run


@pytest.mark.parametrize('page', PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_are_taken_by_their_scripts(page, take_only, capsys):
    wrong = []
    for tool, *arguments in commands(page):
        try:
            take_only(tool, arguments)
        except SystemExit:
            said = capsys.readouterr().err[-300:]
            wrong.append(f'{shlex.join([tool, *arguments])}: {said}')
    assert not wrong, '\n'.join(wrong)


def test_commands_are_found():
    """Most of them, and of every form."""
    found = {str(page.relative_to(ROOT)): list(commands(page)) for page in PAGES}
    assert sum(map(len, found.values())) > 280
    forms = 'README.md', 'docs/tutorials/add_a_method.md', 'docs/flow.md', 'tools/evaluate.py'
    assert all(found[name] for name in forms)
    assert any(tool == 'tools/train.py' for tool, *_ in found['docs/hardware.md'])  # dist_train.sh


@pytest.mark.parametrize(
    ('command', 'words'),
    [
        ('tools/train.py a.py --bogus', 'unrecognized arguments'),
        ('tools/train.py a.py --iters 0', "--iters: '0' is not an integer from 1"),
        ('tools/make_scenes.py folder --labelled -1', "'-1' is not an integer from 0"),
        ('tools/eval_flow.py scenes folder --threads -1', "'-1' is not an integer from 1"),
        (
            'tools/reproduce.py --table 4 --data camvid --readouts det-fpn',
            'no readouts of detection',
        ),
        ('tools/reproduce.py --table 4 --data camvid --iters 9', 'do not take --iters'),
    ],
)
def test_a_bad_command_is_not_taken(take_only, capsys, command, words):
    tool, *arguments = command.split()
    with pytest.raises(SystemExit):
        take_only(tool, arguments)
    assert words in capsys.readouterr().err


def test_none_is_a_number_where_it_makes_sense(take_only):
    take_only('tools/make_scenes.py', ['folder', '--labelled', '0', '--val', '0'])
    take_only('tools/analysis/position_share.py', ['a.pth', '--images', 'b', '--shift', '0'])
