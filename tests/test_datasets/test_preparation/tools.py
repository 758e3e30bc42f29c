"""Running a tool's main in this process."""

import importlib.util
import sys
from pathlib import Path


def run_main(path: Path, *arguments, monkeypatch, capsys) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a script under tools/."""
    spec = importlib.util.spec_from_file_location(f'tool_{path.stem}', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(sys, 'argv', [path.name, *map(str, arguments)])
    code = 0
    try:
        module.main()
    except SystemExit as stop:
        code = stop.code or 0
    out, err = capsys.readouterr()
    return code, out, err
