"""Checking the tensors of a file: against a module's, and for numbers that are not finite."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

MISSING, LEFT_OVER, SHAPE = 'missing', 'left over', 'of another shape'
_PART_HINT = (
    'Is it of another depth or width, or is init_cfg.prefix wrong? (PooDLe checkpoints keep the '
    "encoder under 'backbone.' and the decoder under 'neck.'.)"
)


def part_of(state: Mapping[str, Tensor], prefix: str | None = '') -> dict[str, Tensor]:
    """Tensors whose key starts with ``prefix``, named without it."""
    prefix = prefix or ''
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def compare_state(
    expected: Mapping[str, Tensor], found: Mapping[str, Any], part: bool = False
) -> dict[str, list[str]]:
    """Differences between two state dicts.

    Args:
        expected: State dict of a module.
        found: Tensors of a file; ``module.`` before a name is ignored.
        part: The module is a part of what the file holds. ``found`` may then have whole children
            that the module lacks (``fc``; ``layer4`` when the module ends before it), but no other
            parts of a child that it has: that is a deeper network. It may lack batch norm's
            counters, which old files do not have.

    Returns:
        Kind of difference to tensors, in the order of their state dict; no empty lists.
    """
    found = {str(key).removeprefix('module.'): value for key, value in found.items()}
    children = {key.split('.')[0] for key in expected}
    shapes = {key: tuple(getattr(value, 'shape', ())) for key, value in found.items()}
    problems = {
        MISSING: [
            key
            for key in expected
            if key not in found and not (part and key.endswith('.num_batches_tracked'))
        ],
        LEFT_OVER: [
            key
            for key in found
            if key not in expected and not (part and key.split('.')[0] not in children)
        ],
        SHAPE: [
            f'{key} {shapes[key]} instead of {tuple(value.shape)}'
            for key, value in expected.items()
            if shapes.get(key, value.shape) != value.shape
        ],
    }
    return {kind: names for kind, names in problems.items() if names}


def check_state(
    module: nn.Module,
    found: Mapping[str, Any],
    path: str | Path,
    name: str = 'model',
    part: bool = False,
    allow: Collection[str] = (),
    hint: str = '',
) -> None:
    """Compare the tensors of a file with those of a module.

    Args:
        module: Network that is to get them.
        found: Tensors of the file, named as the module's.
        path: File that holds them, for the message.
        name: Name of the module, for the message.
        part: See :func:`compare_state`.
        allow: Kinds of difference that are no error as long as some tensor has the same name.
        hint: Advice at the end of the message; by default that for a part, if it is one.

    Raises:
        ValueError: Listing the tensors that are missing, left over or of another shape.
    """
    expected = module.state_dict()
    problems = compare_state(expected, found, part)
    if len(problems.get(MISSING, ())) < len(expected):
        problems = {kind: names for kind, names in problems.items() if kind not in allow}
    if problems:
        lines = [f'  {kind} ({len(names)}): {some(names)}' for kind, names in problems.items()]
        hint = hint or (_PART_HINT if part else '')
        raise ValueError('\n'.join([f'{path} does not fit the {name}:', *lines, hint]).rstrip())


def non_finite(checkpoint: Mapping[str, Any]) -> str:
    """Find weights, averages and optimizer state of a run that hold NaN or infinity.

    Returns:
        Their number and first names, a clause for a message; empty if all are finite.
    """
    names = [
        name
        for part in ('state_dict', 'optimizer')
        for name, tensor in _tensors(checkpoint.get(part), '' if part == 'state_dict' else part)
        if tensor.is_floating_point() and not tensor.isfinite().all()
    ]
    return f'{len(names)} tensors are not finite ({some(names, 3)})' if names else ''


def _tensors(content: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    if isinstance(content, Tensor):
        yield name, content
    elif isinstance(content, (Mapping, list, tuple)):
        items = content.items() if isinstance(content, Mapping) else enumerate(content)
        for key, value in items:
            yield from _tensors(value, f'{name}.{key}' if name else str(key))


def some(names: Collection[str], shown: int = 6) -> str:
    """The first few of many names, and how many more there are."""
    more = f' and {len(names) - shown} more' if len(names) > shown else ''
    return ', '.join(list(names)[:shown]) + more
