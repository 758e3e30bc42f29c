"""Documents that a test executes as they stand: their commands, their code and the files they give.

A fenced block of bash is run, one of Python is run as a script, and one of Python below a line that
begins with a file's name in backquotes and ends with a colon is that file.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np

_BLOCK = re.compile(
    r'(?:^`(?P<file>[\w./]+)`[^\n]*:\n\n)?^```(?P<language>bash|python)\n(?P<code>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
_PYTHON = 'python() { "$PYTHON" "$@"; }\n'


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: ``'bash'`` or ``'python'``.
        code: Its lines.
        file: Name of the file that it is, if any.
    """

    language: str
    code: str
    file: str | None = None

    def edited(self, *edits: tuple[str, str]) -> 'Block':
        """The block with some text replaced; each must occur."""
        code = self.code
        for old, new in edits:
            assert old in code, old
            code = code.replace(old, new)
        return replace(self, code=code)

    def as_bash(self) -> str:
        """Commands that do what a reader does with the block."""
        if self.language == 'bash':
            return self.code
        command = f'cat > {self.file}' if self.file else 'python -'
        return f"{command} <<'END OF BLOCK'\n{self.code}END OF BLOCK\n"


def blocks_of(page: Path) -> list[Block]:
    """Blocks of a document, in order."""
    found = _BLOCK.finditer(page.read_text(encoding='utf-8'))
    return [Block(m['language'], m['code'], m['file']) for m in found]


def run_blocks(
    blocks: list[Block], folder: Path, repo: Path, stand_ins: str = _PYTHON, **variables: str
) -> str:
    """Run blocks in one shell, whose home and working folder is ``folder``.

    Args:
        blocks: From :func:`blocks_of`.
        folder: Empty folder, or one with what the reader is said to have.
        repo: The checkout; ``$REPO``, and importable.
        stand_ins: Shell functions in place of commands; ``python`` has to be one of them.
        **variables: Further environment variables.

    Returns:
        What the commands printed.
    """
    search = os.pathsep.join(p for p in (str(repo), os.environ.get('PYTHONPATH')) if p)
    env = dict(os.environ, HOME=str(folder), REPO=str(repo), PYTHON=sys.executable)
    env |= dict(PYTHONPATH=search, OMP_NUM_THREADS='1', **variables)
    commands = ''.join(block.as_bash() for block in blocks)
    result = subprocess.run(
        ['bash', '-c', f'set -euo pipefail\n{stand_ins}{commands}'],
        cwd=folder, env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-3000:]
    return result.stdout


def write_clip(path: Path, seed: int = 0) -> None:
    """Three seconds of a texture that moves to the left."""
    texture = np.random.default_rng(seed).integers(0, 255, (144, 376, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('mpeg4', rate=10)
        stream.width, stream.height, stream.pix_fmt = 256, 144, 'yuv420p'
        for t in range(30):
            image = np.ascontiguousarray(texture[:, 4 * t : 4 * t + 256])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
