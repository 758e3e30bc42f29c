"""Configs from the command line: reading, overriding, and errors that name the key."""

import inspect
import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner

from poodle_mm.datasets.remote.urls import refuse_secrets
from poodle_mm.utils.errors import warn
from poodle_mm.utils.resources import find_config

_RUNNER_KEYS = frozenset(inspect.signature(Runner.__init__).parameters) - {'self', 'cfg'} | {
    'activation_checkpointing',
    'allow_tf32',
    'auto_scale_lr',
    'compile',
    'custom_imports',
    'efficient_conv_bn_eval',
    'find_unused_parameters',
    'model_wrapper_cfg',
    'processes',
    'sync_bn',
}

# Parts that our configs leave out and whose entries an option may name all the same.
_LEFT_OUT = (
    'optim_wrapper.clip_grad',
    'model.backbone.conv_cfg',
    'model.backbone.init_cfg',
    'model.neck.conv_cfg',
    'model.data_preprocessor.subcrops.motion',
)


def load_config(path: str | Path, options: dict[str, Any] | None = None) -> Config:
    """Read a config file and apply ``--cfg-options``.

    Args:
        path: Config file, or the name of one of ours, see
            :func:`~poodle_mm.utils.resources.find_config`.
        options: Dotted keys to values, e.g. ``{'model.momentum': 0.99}``;
            ``{'part._delete_': True}`` replaces a part by what else is given of it.

    Raises:
        FileNotFoundError: If the file does not exist.
        ValueError: If it is not Python.
        KeyError: If a top-level key looks like a misspelt argument of the Runner, or an option
            names a key that does not exist; the message names the nearest one.
    """
    path = find_config(path)
    try:
        cfg = Config.fromfile(path)
    except SyntaxError as error:  # without the name of the file: MMEngine parses a string
        raise ValueError(
            f'config file {path} or one of its _base_ files, line {error.lineno}: {error.msg}'
        ) from error
    for key in cfg:
        if key not in _RUNNER_KEYS and get_close_matches(key, _RUNNER_KEYS, 1, 0.9):
            raise KeyError(f'unknown key {key!r} in {path}{_nearest(key, _RUNNER_KEYS, 0.9)}')
    new = [
        key.removesuffix('_delete_')
        for key, value in (options or {}).items()
        if value and key.endswith('._delete_')
    ]
    for key in options or {}:
        inside = next((part for part in new if key.startswith(part)), None)
        # a part that is put in the place of another has keys of its own
        _check_option(cfg, f'{inside}_delete_' if inside else key)
        for parent, value in options.items():
            if value is None and key.startswith(f'{parent}.'):
                raise KeyError(f'--cfg-options {key}: {parent}=None takes the part away')
    cfg.merge_from_dict(options or {})
    for key, loader in cfg.items():
        is_loader = key.endswith('_dataloader') and isinstance(loader, dict)
        if is_loader and loader.get('num_workers') == 0:  # torch refuses options of workers then
            loader.pop('persistent_workers', None)
            loader.pop('prefetch_factor', None)
    return cfg


def set_data_root(cfg: Config, root: str) -> None:
    """Let every data set of a config read below another folder.

    Raises:
        ValueError: If no data set of the config has a ``data_root``.
    """
    parts = []
    for key, loader in cfg.items():
        if key.endswith('_dataloader') and loader:
            parts += loader.dataset.get('datasets', [loader.dataset])
    parts = [part for part in parts if 'data_root' in part]
    if not parts:
        raise ValueError(f'--data-root {root}: no data set of this config has a data_root')
    if len(before := dict.fromkeys(part.data_root for part in parts)) > 1:
        warn(
            f'--data-root {root}: {len(before)} roots of this config ({", ".join(before)}) are all '
            'replaced by it; for one each set the data_root of train_dataloader.dataset.datasets.N '
            'by --cfg-options'
        )
    for part in parts:
        part.data_root = os.path.expanduser(root)


def refuse_secret_urls(cfg: Config) -> None:
    """Refuse data behind URLs with passwords or signatures: configs are written and logged.

    Raises:
        ValueError: If there is one.
    """
    nodes = [part for key, part in cfg.items() if key.endswith('_dataloader')]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            nodes += node.values()
        elif isinstance(node, (list, tuple)):
            nodes += node
        else:
            refuse_secrets(node)


def _check_option(cfg: Config, option: str) -> None:
    """Raise a KeyError if ``option`` can only be a typo.

    The last part may be new, because configs leave constructor arguments out (the class itself
    refuses unknown ones), unless it resembles an existing neighbour.
    """
    node = cfg
    *parents, last = option.split('.')
    for depth, part in enumerate(parents):
        keys = _keys(node)
        if part not in keys and '.'.join(parents[: depth + 1]) in _LEFT_OUT:
            return
        if part not in keys:
            raise _unknown(option, '.'.join(parents[:depth]), part, keys)
        node = node[int(part)] if isinstance(node, (list, tuple)) else node[part]
    keys = _keys(node)
    if last in keys:
        if not parents and last not in _RUNNER_KEYS:
            warn(
                f'--cfg-options {option}: this is a variable of the config file, already used when '
                'the file was read. Override the entries that it went into as well.'
            )
        return
    # a part that is switched off can be put there whole
    takes_more = isinstance(node, dict) or (node is None and last == '_delete_')
    new_is_legal = takes_more if parents else last in _RUNNER_KEYS
    if not new_is_legal or get_close_matches(last, keys, 1, 0.8):
        raise _unknown(option, '.'.join(parents), last, keys)


def _keys(node: Any) -> list[str]:
    if isinstance(node, (list, tuple)):
        return [str(index) for index in range(len(node))]
    return list(node) if isinstance(node, (dict, Config)) else []


def _unknown(option: str, parent: str, part: str, keys: list[str]) -> KeyError:
    where = parent or 'the config'
    return KeyError(f'--cfg-options {option}: {where} has no key {part!r}{_nearest(part, keys, 0)}')


def _nearest(word: str, words: Iterable[str], cutoff: float) -> str:
    close = get_close_matches(word, words, 1, cutoff)
    return f'; did you mean {close[0]!r}?' if close else ''
