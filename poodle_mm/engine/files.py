"""Files that are whole or absent."""

import os
from pathlib import Path


def write_text(path: str | Path, text: str) -> None:
    """Write a text file under a temporary name, then rename it; makes its folder."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.tmp')
    temporary.write_text(text, encoding='utf-8')
    os.replace(temporary, path)
