"""Every command in the documents, and in the scripts' own help, is one that its parser takes."""

import argparse
import ast
import re
import runpy
import shlex
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from poodle_mm.__main__ import commands as named_commands

ROOT = Path(__file__).resolve().parents[1]
NAMED = named_commands()
PAGES = [
    ROOT / 'README.md',
    *sorted((ROOT / 'docs').rglob('*.md')),
    *sorted((ROOT / 'tools').rglob('*.py')),
]
_BLOCK = re.compile(r'^```bash\n(.*?)^```', re.MULTILINE | re.DOTALL)
_ASSIGNMENT = re.compile(r'\s*([A-Z][A-Z0-9_]*)=(\'[^\']*\'|"[^"]*"|[^\s;]*)\s*(?:;|$)')
_LOOP = re.compile(r'\s*for (\w+) in ([^\s;]+)')
_ENDS = {'|', '&', '&&', '||', ';', '>', '>>', '2>', '<'}


class Parsed(Exception):
    """Raised in place of doing what was asked for."""


def blocks(page: Path) -> list[str]:
    """Code in a document, or the examples in a script's docstring."""
    text = page.read_text(encoding='utf-8')
    if page.suffix == '.md':
        return _BLOCK.findall(text)
    usage = (ast.get_docstring(ast.parse(text)) or '').replace('\\\n', ' ')
    return ['\n'.join(line for line in usage.splitlines() if line.startswith('python tools/'))]


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
    if any(re.match(r'\[|\{|.*\$\d', word) for word in words):
        return None  # a synopsis, or the body of a function
    for place, word in enumerate(words[:-1]):
        if word == 'python' and words[place + 1].startswith('tools/'):
            return words[place + 1 :]
        if word == 'poodle-mm' and words[place + 1] in NAMED:
            return [str(NAMED[words[place + 1]]), *words[place + 2 :]]
    return None


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.stem)
def test_commands_are_taken_by_their_parsers(page, monkeypatch, capsys):
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser, *args, **kwargs):
        parse(parser, *args, **kwargs)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, 'parse_args', parse_only)
    wrong = []
    for tool, *arguments in commands(page):
        monkeypatch.setattr(sys, 'argv', [tool, *arguments])
        try:
            runpy.run_path(str(ROOT / tool), run_name='__main__')
        except Parsed:
            continue
        except SystemExit as end:
            if end.code:
                wrong.append(f'{shlex.join([tool, *arguments])}: {capsys.readouterr().err[-300:]}')
    assert not wrong, '\n'.join(wrong)
