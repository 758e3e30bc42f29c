"""Dockerfile: what it copies is there, and its dependencies are the package's."""

import ast
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest


@pytest.fixture
def dockerfile(repo) -> str:
    """Its instructions, one a line, without comments."""
    text = (repo / 'Dockerfile').read_text(encoding='utf-8')
    return re.sub(r'^#.*\n', '', text, flags=re.MULTILINE).replace('\\\n', '')


@pytest.fixture
def context(repo) -> set[str]:
    """Entries of the checkout that .dockerignore lets through; its last match counts."""
    rules = (repo / '.dockerignore').read_text(encoding='utf-8').splitlines()
    rules = [rule for rule in rules if not rule.startswith('#')]

    def kept(name: str) -> bool:
        matches = [rule for rule in rules if fnmatch(name, rule.removeprefix('!'))]
        return not matches or matches[-1].startswith('!')

    return {path.name for path in repo.iterdir() if kept(path.name)}


def shipped(repo: Path) -> tuple[str, ...]:
    tree = ast.parse((repo / 'setup.py').read_text(encoding='utf-8'))
    (value,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and node.targets[0].id == 'SHIPPED'
    )
    return ast.literal_eval(value)


def test_the_context_holds_the_wheel_and_little_else(repo, context):
    packages = {'poodle_mm', 'poodle_scenes', 'pyproject.toml', 'setup.py', 'MANIFEST.in'}
    assert context == {*shipped(repo), *packages, 'README.md', 'LICENSE'}


def test_what_is_copied_is_there(repo, dockerfile, context):
    copied = re.findall(r'^COPY (?!--from)(\S+) ', dockerfile, flags=re.MULTILINE)
    assert len(copied) >= 4
    for name in copied:
        assert (repo / name).exists() and (name == '.' or name.split('/')[0] in context), name


def test_dependencies_are_those_of_the_package(repo, dockerfile):
    """The line that lists them, run."""
    tomllib = pytest.importorskip('tomllib', reason='needs Python 3.11, as the image has')
    (command,) = re.findall(r'^RUN python (-c ".*?")', dockerfile, flags=re.MULTILINE)
    out = subprocess.run(
        ['bash', '-c', f'"$0" {command}', sys.executable],
        cwd=repo, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    project = tomllib.loads((repo / 'pyproject.toml').read_text(encoding='utf-8'))['project']
    extras = project['optional-dependencies']
    wanted = project['dependencies'] + extras['seg'] + extras['det'] + extras['tensorboard']
    assert out.split('\n')[:-1] == wanted


def test_it_does_not_run_as_root(dockerfile):
    """The last user counts, and comes before the entry point."""
    lines = dockerfile.splitlines()
    users = [n for n, line in enumerate(lines) if line.startswith('USER ')]
    assert lines[users[-1]] not in ('USER root', 'USER 0')
    assert users[-1] < lines.index('ENTRYPOINT ["poodle-mm"]')
