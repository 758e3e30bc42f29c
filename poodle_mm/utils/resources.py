"""Configs and tools that come with the package: in the checkout beside it, or installed in it."""

from difflib import get_close_matches
from pathlib import Path


def resource_root() -> Path:
    """Folder of ``configs`` and ``tools``: ``.mim`` of the installed package, or the checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / '.mim'
    return installed if installed.is_dir() else package.parent


def config_dir() -> Path:
    """Folder of the configs."""
    return resource_root() / 'configs'


def find_config(name: str | Path) -> Path:
    """Find a config file by its path, or one of ours by its name.

    Args:
        name: Path of a file, which takes precedence; or path below :func:`config_dir`, with or
            without ``configs/``; or a name without folder, which is looked for in every folder but
            ``_base_``. Ours may be named without ``.py``.

    Raises:
        FileNotFoundError: If there is none; the message names the nearest.
        ValueError: If several of ours have that name.
    """
    path = Path(name)
    if path.is_file():
        return path
    found = [] if path.is_absolute() else _ours(path)
    if len(found) > 1:
        names = ', '.join(sorted(str(file.relative_to(config_dir())) for file in found))
        raise ValueError(f'several configs are named {name}: {names}')
    if not found:
        known = [str(file) for file in path.parent.glob('*.py')]
        known += [file.name for file in _named()] if len(path.parts) == 1 else []
        close = get_close_matches(str(path), known, 1, 0.6)
        hint = f'; did you mean {close[0]!r}?' if close else ''
        raise FileNotFoundError(f'config file {path} does not exist{hint}')
    return found[0]


def _ours(path: Path) -> list[Path]:
    own = path if path.suffix == '.py' else Path(f'{path}.py')
    for folder in (config_dir(), resource_root()):
        if (folder / own).is_file():
            return [folder / own]
    return [file for file in _named() if file.name == str(own)]


def _named() -> list[Path]:
    return [file for file in config_dir().rglob('*.py') if '_base_' not in file.parts]
