"""The command ``poodle-mm``: the scripts of ``tools/`` by name, from any folder.

``poodle-mm pretrain CONFIG`` is ``python tools/train.py CONFIG``; ``python -m poodle_mm`` is the
same command.
"""

import ast
import importlib.util
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from poodle_mm import __version__
from poodle_mm.utils.resources import resource_root

# The others are named after their files.
_NAMES = dict(train='pretrain', publish_model='publish', extract_features='features')


def commands() -> dict[str, Path]:
    """Command to script; first what stands at the top of ``tools``."""
    tools = resource_root() / 'tools'
    named = {_NAMES.get(p.stem, p.stem.replace('_', '-')): p for p in tools.rglob('*.py')}
    return dict(sorted(named.items(), key=lambda item: (item[1].parent, item[0])))


def overview() -> str:
    """Help text: each command with the first line of its script, which is not imported."""
    lines = ['usage: poodle-mm COMMAND ...', '       poodle-mm COMMAND --help', '']
    for name, path in commands().items():
        about = ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or ''
        lines.append(f'  {name:28s}{about.splitlines()[0].split(": ``")[0].rstrip(".")}')
    return '\n'.join([*lines, '', f'configs and scripts: {resource_root()}'])


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; the default is the command line's. Exits as the script does."""
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or ['--help']
    if name in ('-h', '--help'):
        print(overview())
        return
    if name == '--version':
        print(f'poodle_mm {__version__}')
        return
    known = commands()
    if name not in known:
        close = get_close_matches(name, known, 1)
        hint = f'; did you mean {close[0]!r}?' if close else ''
        sys.exit(f'error: poodle-mm has no command {name!r}{hint} (poodle-mm --help lists them)')
    sys.argv = [f'poodle-mm {name}', *rest]  # of which argparse makes the usage line
    spec = importlib.util.spec_from_file_location(
        f'poodle_mm_tools_{known[name].stem}', known[name]
    )
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    sys.exit(script.main())


if __name__ == '__main__':
    main()
