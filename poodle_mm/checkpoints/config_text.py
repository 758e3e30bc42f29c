"""The config that MMEngine writes into a checkpoint, read as data.

``Config.fromstring`` would run the text as Python. What MMEngine writes is assignments of literals
and ``dict(...)`` only, and only that is understood here.
"""

import ast
import math
from typing import Any

_NAMES = dict(inf=math.inf, nan=math.nan)


def read_config_text(text: str, *keys: str, strict: bool = True) -> dict[str, Any]:
    """Values of some top-level keys of a config's text, or of all; nothing is executed.

    Args:
        text: ``meta['cfg']`` of an MMEngine checkpoint.
        keys: Assignments to read, all if none is named; absent ones are left out.
        strict: Raise for a value that is more than literals; otherwise leave it out.

    Raises:
        ValueError: If the text is no Python, or a value is more than literals and ``dict(...)``.
    """
    try:
        statements = ast.parse(text).body
    except SyntaxError as error:
        raise ValueError(f'the config in the checkpoint is no config: {error.msg}') from error
    found = {}
    for statement in statements:
        if not isinstance(statement, ast.Assign):
            continue
        for target in statement.targets:
            if isinstance(target, ast.Name) and (not keys or target.id in keys):
                try:
                    found[target.id] = _value(statement.value)
                except ValueError:
                    if strict:
                        raise
    return found


def _value(node: ast.expr) -> Any:
    if isinstance(node, ast.Call) and getattr(node.func, 'id', None) == 'dict':
        found = {}
        for argument in node.args:
            found |= _value(argument)
        for keyword in node.keywords:
            value = _value(keyword.value)
            found |= value if keyword.arg is None else {keyword.arg: value}
        return found
    if isinstance(node, ast.Dict) and None not in node.keys:
        return {_value(k): _value(v) for k, v in zip(node.keys, node.values)}
    if isinstance(node, (ast.List, ast.Tuple)):
        kind = list if isinstance(node, ast.List) else tuple
        return kind(_value(item) for item in node.elts)
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Name):
        return -_value(node.operand)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f'the config in the checkpoint has {ast.unparse(node)[:80]!r} (line {node.lineno}), '
            'which is no literal: it is not executed'
        ) from error
