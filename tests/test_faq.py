"""docs/faq.md quotes messages that the code, or another package, still prints."""

import ast
import errno
import os
import re
import socket
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import torch
from torch.distributed import TCPStore

REPO = Path(__file__).resolve().parents[1]
FAQ = REPO / 'docs' / 'faq.md'
ELSEWHERE = '\n## Messages of other programs\n'
VARIES = '…'


def quoted(text: str) -> list[str]:
    return re.findall(r'^### `(.+)`$', text, flags=re.MULTILINE)


OURS, THEIRS = map(quoted, FAQ.read_text(encoding='utf-8').split(ELSEWHERE))


def strings(tree: ast.AST) -> Iterator[str]:
    """Strings of a module, adjacent ones joined, ``…`` for each expression in them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            parts = (p.value if isinstance(p, ast.Constant) else VARIES for p in node.values)
            yield ''.join(parts)


def shell(text: str) -> str:
    """A script with ``…`` for variables, and for the expressions of Python within it."""
    return re.sub(r'\$\w+|\$?\{[^{}\n]*\}', VARIES, text)


@cache
def messages() -> list[str]:
    package = [path.read_text(encoding='utf-8') for path in (REPO / 'poodle_mm').rglob('*.py')]
    scripts = [path.read_text(encoding='utf-8') for path in (REPO / 'tools').rglob('*.sh')]
    return [text for code in package for text in strings(ast.parse(code))] + list(
        map(shell, scripts)
    )


@pytest.mark.parametrize('message', OURS)
def test_messages_of_ours(message):
    """Up to a last ``…``, which stands for the rest."""
    assert any(message.removesuffix(VARIES) in text for text in messages()), message


def busy_port() -> str:
    with socket.create_server(('127.0.0.1', 0)) as server, pytest.raises(RuntimeError) as error:
        TCPStore('127.0.0.1', server.getsockname()[1], is_master=True)
    return str(error.value)


def file_of(package: str, name: str) -> str:
    folder = Path(import_module(package).__file__).parent
    return (folder / name).read_bytes().decode(errors='ignore')


def unknown_operator() -> str:
    """What torch says of an operator that torchvision should have registered and has not."""
    with pytest.raises(RuntimeError) as error:
        torch.library.register_fake('torchvision::no_such')(lambda: None)
    return str(error.value).replace('no_such', 'nms')


# What is quoted of torch and the system; libGL and CUDA fail elsewhere only.
RAISED: dict[str, Callable[[], str]] = {
    'EADDRINUSE': busy_port,
    'No space left': lambda: os.strerror(errno.ENOSPC),
    'exited unexpectedly': lambda: file_of('torch.utils.data', 'dataloader.py'),
    'out of shared memory': lambda: file_of('torch', 'lib/libtorch_python.so'),
    'torchvision::nms': unknown_operator,
    'NumPy 1.x': lambda: ' '.join(file_of('numpy', 'core/_multiarray_umath.py').split()),
}


@pytest.mark.parametrize('fragment', RAISED)
def test_messages_of_others(fragment):
    (message,) = (message for message in THEIRS if fragment in message)
    found = RAISED[fragment]()
    assert all(part in found for part in message.split(VARIES))


def test_each_answer_says_what_to_do():
    """One to six lines below each message, none twice."""
    blocks = re.split(r'^### .+$', FAQ.read_text(encoding='utf-8'), flags=re.MULTILINE)[1:]
    answers = [re.split(r'^## ', block, flags=re.MULTILINE)[0].strip() for block in blocks]
    assert all(1 <= len(answer.splitlines()) <= 6 for answer in answers)
    assert len(set(OURS + THEIRS)) == len(answers) >= 20
